// The open connections, as the pages show them and as they are ended from there.
import type {
  Connection,
  ConnectionOwner,
  Endpoint,
  MailProtocol,
  RelayReason,
} from '../contract/connection.ts';
import type { ErrorCode } from '../contract/error-codes.ts';
import type { LeafReception } from './leaf-reception.ts';

/** One open connection. The proxy changes what is known of it while it lives. */
export interface Entry {
  readonly id: number;
  readonly destination: Endpoint;
  /** The client's own end. */
  readonly client: Endpoint;
  readonly owner: ConnectionOwner | undefined;
  /** Revision of the rules that it was accepted under. */
  readonly rulesRevision: number;
  readonly since: Date;
  serverName: string | undefined;
  protocol: MailProtocol | undefined;
  state: Connection['state'];
  reason: RelayReason | ErrorCode | undefined;
  messages: number;
  /** Whether the server's certificate is; undefined: none was seen. */
  trusted: boolean | undefined;
  /** How the client takes the leaf that it was given; undefined: it was given none. */
  reception: LeafReception | undefined;
  /** Ends both legs. */
  close: () => void;
}

export class ConnectionTable {
  readonly #entries = new Map<number, Entry>();
  readonly #onChange: (open: number) => void;
  #nextId = 1;

  constructor(onChange: (open: number) => void) {
    this.#onChange = onChange;
  }

  get size(): number {
    return this.#entries.size;
  }

  open(known: Pick<Entry, 'client' | 'destination' | 'owner' | 'rulesRevision' | 'since' | 'close'>): Entry {
    const entry: Entry = {
      ...known,
      id: this.#nextId++,
      serverName: undefined,
      protocol: undefined,
      state: 'connecting',
      reason: undefined,
      messages: 0,
      trusted: undefined,
      reception: undefined,
    };
    this.#entries.set(entry.id, entry);
    this.#onChange(this.#entries.size);
    return entry;
  }

  remove(entry: Entry): void {
    if (this.#entries.delete(entry.id)) this.#onChange(this.#entries.size);
  }

  /** Whether the connection of `client` to `destination` is one of these. */
  has(client: Endpoint, destination: Endpoint): boolean {
    // Asked for each connection of the machine: without a copy.
    for (const entry of this.#entries.values()) {
      const isSame =
        entry.client.port === client.port &&
        entry.destination.port === destination.port &&
        entry.client.address === client.address &&
        entry.destination.address === destination.address;
      if (isSame) return true;
    }
    return false;
  }

  entries(): readonly Entry[] {
    return [...this.#entries.values()];
  }

  list(): Connection[] {
    return this.entries().map((entry) => ({
      id: entry.id,
      protocol: entry.protocol,
      server: serverLabel(entry),
      port: entry.destination.port,
      program: programOf(entry),
      uid: entry.owner?.uid,
      pid: entry.owner?.pid,
      state: entry.state,
      reason: entry.reason,
      messages: entry.messages,
      since: entry.since.toISOString(),
    }));
  }
}

/** What the client's program is called. */
export function programOf({ owner }: Pick<Entry, 'owner'>): string | undefined {
  return owner?.sandboxId ?? owner?.script ?? owner?.path;
}

/** The name that the client asked for by SNI, else the address. */
export function serverLabel(entry: Pick<Entry, 'serverName' | 'destination'>): string {
  return entry.serverName ?? entry.destination.address;
}
