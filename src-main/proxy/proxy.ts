// Takes each connection that reaches us from its first octet to its last: excluded ones are relayed unopened, mail is
// given to a session with the engine of its protocol, and what turns out to be no mail is relayed untouched.
import type { Socket } from 'node:net';
import type { Certificates } from '../certificates/authority.ts';
import type { Connection, Endpoint, MailProtocol, RelayReason } from '../contract/connection.ts';
import type { ErrorCode } from '../contract/error-codes.ts';
import type { PortRange } from '../contract/port-list.ts';
import type { MessageEvent } from '../contract/state.ts';
import type { IncomingConnection } from '../interception/backend.ts';
import { detectClient, detectServer } from '../protocols/detect.ts';
import { createImapEngine } from '../protocols/imap/engine.ts';
import { greetingBytes } from '../protocols/limits.ts';
import { createPop3Engine } from '../protocols/pop3/engine.ts';
import type { Scanner } from '../scanner/pool.ts';
import type { Quarantine } from '../storage/quarantine.ts';
import type { SpoolStore } from '../storage/spool.ts';
import type { VerdictCache } from '../storage/verdict-cache.ts';
import { ConnectionTable, type Entry, serverLabel } from './connection-table.ts';
import { nextChunk } from './next-chunk.ts';
import { relay, reset } from './relay.ts';
import { exclusionOf, type ProxyRules } from './rules.ts';
import { Session } from './session.ts';
import { createTlsContexts, type TlsContexts } from './tls.ts';
import { openTlsLegs, peekClientHello } from './tls-legs.ts';
import { createUnscannableServers } from './unscannable-servers.ts';
import { createDialer } from './upstream.ts';

interface ProxyEvents {
  /** A connection was opened or closed. */
  connectionsChanged(open: number): void;
  /** A message was decided on; clean ones too. */
  message(event: Omit<MessageEvent, 'id' | 'at'>): void;
  /** A connection is passed through unscanned from here on. */
  relayed(reason: RelayReason): void;
}

export interface ProxyOptions {
  readonly certificates: Certificates;
  readonly scanner: Scanner;
  readonly spools: SpoolStore;
  readonly quarantine: Quarantine;
  readonly verdicts: VerdictCache;
  /** The rules for a connection that is accepted now. */
  readonly rules: () => ProxyRules;
  /** Source ports of upstream connections, when the kernel's redirect knows ours by them. */
  readonly sourcePorts: PortRange | undefined;
  /** PEM of one more authority that servers may be signed by. */
  readonly extraCa: string | undefined;
  /** Our own listeners and console are never dialled. */
  readonly isOwnEndpoint: (endpoint: Endpoint) => boolean;
  readonly summarise: (head: Uint8Array) => Promise<{ sender?: string; subject?: string }>;
  readonly events: ProxyEvents;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
  readonly now: () => Date;
}

export interface MailProxy {
  accept(connection: IncomingConnection): void;
  connections(): Connection[];
  /** Open connections that were accepted under older rules than today's. */
  staleCount(): number;
  /** Ends connections at once; returns how many. */
  close(ids: readonly number[] | 'stale'): number;
  /** Waits until all connections have ended by themselves, at most `graceMs`. */
  drain(graceMs: number): Promise<void>;
  /** Ends what is left. May be called twice. */
  stop(): Promise<void>;
}

/** One deadline for all tries to reach a server. */
const dialMs = 15_000;

/** One deadline for each handshake; a person may be asked about a certificate only after it. */
const handshakeMs = 30_000;

/** After the start, when interception is active. */
const tlsWarmUpMs = 200;

/** mbsync gives up after 20 s of silence, Thunderbird after 100 s. */
const keepAliveMs = 10_000;

/** TCP keep-alive in place of an idle limit: IDLE connections are silent for half an hour. */
const tcpKeepAliveMs = 60_000;

/** Octets that a client may say before the server has said anything, before it is no mail. */
const clientFirstBytes = 64 * 1024;

/** Both legs of a connection and what they have said so far. */
interface Legs {
  client: Socket;
  server: Socket;
  tls: boolean;
  /** Said by the server, not yet passed on. */
  greeting: Buffer;
  /** Said by the client, already passed on. */
  forwarded: Buffer;
}

type Spoken =
  | { readonly kind: 'imap' | 'pop3' | 'not-mail' }
  /** The name in the ClientHello is one of a server that can't be scanned. */
  | { readonly kind: 'no-sign-in' }
  | { readonly kind: 'failed'; readonly reason: ErrorCode };

export function createProxy(options: ProxyOptions): MailProxy {
  const table = new ConnectionTable((open) => {
    options.events.connectionsChanged(open);
    if (open === 0) for (const wake of idle.splice(0)) wake();
  });
  const idle: (() => void)[] = [];
  const dial = createDialer();
  const unscannable = createUnscannableServers(options.now);

  // Reading the system's roots takes some 100 ms: not on the way to being ready, nor in the first handshake.
  let tlsContexts: TlsContexts | undefined;
  const contexts = () => {
    tlsContexts ??= createTlsContexts({ extraCa: options.extraCa });
    return tlsContexts;
  };
  setTimeout(contexts, tlsWarmUpMs).unref();

  function end(entry: Entry, reason: ErrorCode | undefined): void {
    if (reason !== undefined)
      options.log('connection-ended', { id: entry.id, server: serverLabel(entry), reason });
    table.remove(entry);
  }

  function relayLegs(entry: Entry, legs: Pick<Legs, 'client' | 'server'>, reason: RelayReason): void {
    entry.state = 'relayed';
    entry.reason = reason;
    options.events.relayed(reason);
    const gone = () => {
      if (legs.client.closed && legs.server.closed) end(entry, undefined);
    };
    legs.client.once('close', gone);
    legs.server.once('close', gone);
    entry.close = () => {
      reset(legs.client);
      reset(legs.server);
    };
    relay(legs.client, legs.server);
    gone();
  }

  const openTls = (entry: Entry, client: Socket, server: Socket) =>
    openTlsLegs(client, server, {
      certificates: options.certificates,
      contexts: contexts(),
      timeoutMs: handshakeMs,
      onServerName: (name) => {
        entry.serverName = name;
      },
      onUntrusted: (reason) => {
        options.log('upstream-untrusted', { id: entry.id, server: serverLabel(entry), reason });
      },
    });

  /** Listens until it is known what is spoken; opens implicit TLS on the way. */
  async function recognise(entry: Entry, legs: Legs): Promise<Spoken> {
    let undecided = Buffer.alloc(0);
    let clientIsPlain = false;
    for (;;) {
      const { from, bytes } = await nextChunk({ client: legs.client, server: legs.server });
      if (from === 'server') {
        legs.greeting = Buffer.concat([legs.greeting, bytes ?? Buffer.alloc(0)]);
        const spoken = bytes ? detectServer(legs.greeting) : 'not-mail';
        if (spoken !== 'need-more') return { kind: spoken };
        if (legs.greeting.length > greetingBytes) return { kind: 'not-mail' };
        continue;
      }
      undecided = Buffer.concat([undecided, bytes ?? Buffer.alloc(0)]);
      const heard = legs.tls || clientIsPlain || !bytes ? 'not-tls' : detectClient(undecided);
      if (heard === 'need-more') continue;
      if (heard === 'tls') {
        legs.client.unshift(undecided);
        const hello = await peekClientHello(legs.client, legs.server);
        if (typeof hello === 'string') return { kind: 'failed', reason: hello };
        entry.serverName = hello.serverName;
        if (unscannable.has(serverLabel(entry), entry.destination.port)) return { kind: 'no-sign-in' };
        const upgrade = await openTls(entry, legs.client, legs.server);
        if (!upgrade.ok) return { kind: 'failed', reason: upgrade.reason };
        legs.client = upgrade.client;
        legs.server = upgrade.server;
        legs.tls = true;
        undecided = Buffer.alloc(0);
        continue;
      }
      // The client speaks first, in the clear. The server hears it, and its answer decides.
      clientIsPlain = true;
      if (undecided.length > 0) legs.server.write(undecided);
      legs.forwarded = Buffer.concat([legs.forwarded, undecided]);
      undecided = Buffer.alloc(0);
      if (!bytes || legs.forwarded.length > clientFirstBytes) return { kind: 'not-mail' };
    }
  }

  function scan(entry: Entry, legs: Legs, kind: 'imap' | 'pop3', rules: ProxyRules): void {
    entry.state = 'scanning';
    const session = new Session({
      client: legs.client,
      server: legs.server,
      engine: (kind === 'imap' ? createImapEngine : createPop3Engine)({
        tls: legs.tls,
        keepAlive: rules.keepAlive,
      }),
      forwarded: legs.forwarded,
      keepAliveMs,
      onNoSignIn: () => {
        unscannable.add(entry.destination, entry.serverName);
        options.log('no-sign-in', { id: entry.id, server: serverLabel(entry) });
      },
      delivery: {
        spools: options.spools,
        scanner: options.scanner,
        quarantine: options.quarantine,
        verdicts: options.verdicts,
        treatment: rules.treatment,
        summarise: options.summarise,
        server: serverLabel(entry),
        onOutcome: (outcome) => {
          entry.messages++;
          const program = entry.owner?.sandboxId ?? entry.owner?.path;
          options.events.message({
            ...outcome,
            server: serverLabel(entry),
            ...(program === undefined ? {} : { program }),
            ...(outcome.outcome === 'infected' && !rules.treatment.neutralise ? { unchanged: true } : {}),
          });
        },
      },
      upgrade: (client, server) => openTls(entry, client, server),
      onEnd: (reason) => end(entry, reason),
    });
    entry.close = () => session.close(undefined);
    session.start(legs.greeting);
  }

  async function serve(entry: Entry, incoming: IncomingConnection, rules: ProxyRules): Promise<void> {
    const { socket: client, destination } = incoming;
    const abort = new AbortController();
    const onGone = () => abort.abort();
    client.once('close', onGone);
    const dialled = await dial({
      endpoint: destination,
      timeoutMs: dialMs,
      signal: abort.signal,
      isOwnEndpoint: options.isOwnEndpoint,
      ...(options.sourcePorts === undefined ? {} : { sourcePorts: options.sourcePorts }),
    });
    client.off('close', onGone);
    if (!dialled.ok) {
      reset(client);
      end(entry, dialled.reason);
      return;
    }
    const server = dialled.socket;
    if (client.destroyed) {
      server.destroy();
      end(entry, 'client-vanished');
      return;
    }
    entry.close = () => {
      reset(client);
      reset(server);
    };
    const leftAlone =
      exclusionOf(rules, destination, incoming.owner, options.now()) ??
      (unscannable.has(destination.address, destination.port) ? 'no-sign-in' : undefined);
    if (leftAlone) {
      relayLegs(entry, { client, server }, leftAlone);
      return;
    }
    const legs: Legs = { client, server, tls: false, greeting: Buffer.alloc(0), forwarded: Buffer.alloc(0) };
    const spoken = await recognise(entry, legs);
    if (spoken.kind === 'failed') {
      reset(client);
      reset(server);
      end(entry, spoken.reason);
      return;
    }
    if (spoken.kind === 'no-sign-in') {
      relayLegs(entry, legs, spoken.kind);
      return;
    }
    const protocol: MailProtocol | undefined =
      spoken.kind === 'not-mail' ? undefined : legs.tls ? `${spoken.kind}s` : spoken.kind;
    entry.protocol = protocol;
    if (spoken.kind !== 'not-mail' && protocol && rules.protocols[protocol]) {
      scan(entry, legs, spoken.kind, rules);
      return;
    }
    if (legs.greeting.length > 0) legs.client.write(legs.greeting);
    relayLegs(entry, legs, protocol ? 'protocol-off' : 'not-mail');
  }

  function close(ids: readonly number[] | 'stale'): number {
    const current = options.rules().revision;
    const chosen = table
      .entries()
      .filter((entry) => (ids === 'stale' ? entry.rulesRevision !== current : ids.includes(entry.id)));
    for (const entry of chosen) entry.close();
    return chosen.length;
  }

  return {
    accept(incoming) {
      const { socket } = incoming;
      // Before any other handler: a reset that comes while nobody else listens must not end the process.
      socket.on('error', () => socket.destroy());
      socket.setKeepAlive(true, tcpKeepAliveMs);
      const rules = options.rules();
      const entry = table.open({
        destination: incoming.destination,
        owner: incoming.owner,
        rulesRevision: rules.revision,
        since: options.now(),
        close: () => reset(socket),
      });
      serve(entry, incoming, rules).catch((error: unknown) => {
        options.log('connection-failed', { id: entry.id, error: String(error) });
        entry.close();
        table.remove(entry);
      });
    },
    connections: () => table.list(),
    staleCount: () => {
      const current = options.rules().revision;
      return table.entries().filter((entry) => entry.rulesRevision !== current).length;
    },
    close,
    async drain(graceMs) {
      if (table.size === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      idle.push(resolve);
      const timer = setTimeout(resolve, graceMs);
      await promise;
      clearTimeout(timer);
    },
    async stop() {
      for (const entry of table.entries()) entry.close();
    },
  };
}
