// Which program took or refused a certificate of ours last, told to the stores that such programs ask.
import { basename } from 'node:path';
import type { TrustStore } from '../contract/trust.ts';
import type { ClientHandshake } from '../proxy/handling.ts';

type LastHandshake = NonNullable<TrustStore['lastHandshake']>;

interface AskedStore {
  readonly kind: TrustStore['kind'];
  readonly programs: readonly string[];
}

export interface LastHandshakes {
  add(handshake: ClientHandshake, at: Date): void;
  /** The last one of a program that asks this store; the system's is asked by all that ask no other. */
  of(store: AskedStore, all: readonly AskedStore[]): LastHandshake | undefined;
}

/** Programs, the one that was seen last at the end; more than a machine has mail programs. */
const maxPrograms = 100;

/** "thunderbird" of `/usr/lib/thunderbird/thunderbird`, "org.mozilla.thunderbird" of `flatpak:org.mozilla.Thunderbird`. */
const nameOf = (program: string) =>
  basename(program.replace(/^(?:flatpak|snap|appimage):/, '')).toLowerCase();

const asks = (name: string, programs: readonly string[]) =>
  programs.some((program) => name.includes(program.toLowerCase()));

export function createLastHandshakes(): LastHandshakes {
  const last = new Map<string, LastHandshake>();
  return {
    add({ program = '', server, accepted, trusted }, at) {
      // A certificate of the untrusted authority says nothing of a store: every program should refuse it.
      if (!trusted) return;
      const name = nameOf(program);
      last.delete(name);
      last.set(name, { at: at.toISOString(), accepted, server });
      const [oldest] = last.keys();
      if (last.size > maxPrograms && oldest !== undefined) last.delete(oldest);
    },
    of(store, all) {
      const others = all.filter(({ kind }) => kind !== 'system' && kind !== 'ca-file');
      const isAsked = (name: string) =>
        asks(name, store.programs) ||
        (store.kind === 'system' && !others.some(({ programs }) => asks(name, programs)));
      return [...last].findLast(([name]) => isAsked(name))?.[1];
    },
  };
}
