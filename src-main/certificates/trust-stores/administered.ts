// Changes of the machine's own stores, which root's helper makes when an administrator allows it.
import { failed, type Machine, type Outcome, unchanged } from './found-store.ts';
import { shortLine } from './run-program.ts';
import type { MachineStore, Root } from './store.ts';

export async function askAdministrator(
  machine: Machine,
  store: MachineStore,
  action: 'install' | 'remove',
  root: Root,
): Promise<Outcome> {
  const ask = machine.administrator();
  if (!ask) return failed('trust-helper-missing');
  const reply = await ask({ action, store, certificate: root.pem });
  if (!reply.ok) return failed(reply.reason, shortLine(reply.detail));
  if (!reply.changed) return unchanged;
  return { action: action === 'install' ? 'installed' : 'removed' };
}
