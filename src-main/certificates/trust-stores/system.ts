// The machine's own store: whether our root is in the bundle that programs really read. Changed by an administrator.
import { askAdministrator } from './administered.ts';
import { type Machine, type StoreKind, type StoreState, stateOf, unchanged } from './found-store.ts';
import { holdsRoot } from './root-certificate.ts';
import type { Root } from './store.ts';
import { readSystemBundle } from './system-bundle.ts';

/** Mail programs that ask OpenSSL's or GnuTLS's authorities unless they are told others. */
const programs = ['Evolution', 'Geary', 'KMail', 'Claws Mail', 'mutt', 'mbsync', 'fetchmail', 'curl'];

/** `hasJava`: Java installations that read what the machine's store makes for them. */
export function systemStore(machine: Machine, hasJava: () => Promise<boolean>): StoreKind {
  async function holds(root: Root): Promise<boolean> {
    const { file } = await readSystemBundle(machine);
    return file.kind === 'text' && holdsRoot(file.bytes, root);
  }

  async function state(roots: readonly Root[]): Promise<StoreState> {
    const { file } = await readSystemBundle(machine);
    if (file.kind === 'text') {
      return { state: stateOf(roots.map((root) => holdsRoot(file.bytes, root))), fix: 'administrator' };
    }
    const detail = file.kind === 'absent' ? 'no bundle of authorities (ca-certificates)' : file.detail;
    return { state: 'unavailable', reason: 'trust-store-failed', detail, fix: 'administrator' };
  }

  return {
    async find() {
      const { path } = await readSystemBundle(machine);
      return [
        {
          id: 'system',
          kind: 'system',
          programs: (await hasJava()) ? [...programs, 'Java'] : programs,
          path,
          running: false,
          state,
          // Nobody is asked for a password where there is nothing to do.
          install: async (root) =>
            (await holds(root)) ? unchanged : await askAdministrator(machine, 'system', 'install', root),
          remove: async (root) =>
            (await holds(root)) ? await askAdministrator(machine, 'system', 'remove', root) : unchanged,
        },
      ];
    },
  };
}
