// What differs between a client's connection and one of the self-test, of which nothing may stay.
import type { ConnectionOwner, Endpoint, RelayReason } from '../contract/connection.ts';
import type { MessageEvent } from '../contract/state.ts';
import type { Quarantine } from '../storage/quarantine.ts';
import type { VerdictCache } from '../storage/verdict-cache.ts';
import type { ConnectionTable } from './connection-table.ts';
import type { TestTarget } from './expected-tests.ts';
import { createTakenLeaves, type TakenLeaves } from './leaf-reception.ts';
import { type ProxyRules, rulesOfTest } from './rules.ts';
import { type TlsContexts, trustingOnly } from './tls.ts';
import { createTlsRelays, type TlsRelays } from './tls-relays.ts';

/** What became of a client's handshake with one of our leaves. */
export interface ClientHandshake {
  readonly owner: ConnectionOwner | undefined;
  /** What the client's program is called. */
  readonly program?: string | undefined;
  /** The name that the client asked for, else the address. */
  readonly server: string;
  readonly port: number;
  /** The client went on to speak under the leaf, or refused it. */
  readonly accepted: boolean;
  /** Whether the leaf is signed by the root that programs are to trust. */
  readonly trusted: boolean;
}

export interface ProxyEvents {
  /** A connection was opened or closed. */
  connectionsChanged(open: number): void;
  /** A message was decided on; clean ones too. */
  message(event: Omit<MessageEvent, 'id' | 'at'>): void;
  /** A connection is passed through unscanned from here on. */
  relayed(reason: RelayReason): void;
  /** It is known how a client took one of our leaves; once a handshake. */
  handshake?(handshake: ClientHandshake): void;
  /** A server speaks mail in the clear, at least at first. */
  plainMailFound?(endpoint: Endpoint, protocol: 'imap' | 'pop3'): void;
}

/** How one connection is handled. */
export interface Handling {
  readonly table: ConnectionTable;
  readonly rules: ProxyRules;
  /** The server in place of the destination, of a test. */
  readonly target: Endpoint | undefined;
  readonly contexts: () => TlsContexts;
  readonly relays: TlsRelays;
  readonly taken: TakenLeaves;
  readonly quarantine: Pick<Quarantine, 'put'>;
  readonly verdicts: Pick<VerdictCache, 'isClean' | 'revision' | 'addClean'>;
  readonly events: Pick<ProxyEvents, 'message' | 'relayed' | 'handshake' | 'plainMailFound'>;
}

interface TestParts {
  readonly table: ConnectionTable;
  /** Those that a client's connection would live by now. */
  readonly rules: ProxyRules;
  readonly contexts: TlsContexts;
  readonly now: () => Date;
}

/** A test's connection: led to its own server, trusted by its own authority; counted, kept and remembered nowhere. */
export function handlingOfTest(
  { server, ca }: TestTarget,
  { table, rules, contexts, now }: TestParts,
): Handling {
  const nothing = () => undefined;
  return {
    table,
    rules: rulesOfTest(rules),
    target: server,
    contexts: () => trustingOnly(ca, contexts),
    relays: createTlsRelays({ now }),
    taken: createTakenLeaves(),
    quarantine: { put: async () => ({ ok: true, id: 'test' }) },
    verdicts: { isClean: () => false, revision: '', addClean: nothing },
    events: { message: nothing, relayed: nothing },
  };
}
