// Takes each connection that reaches us from its first octet to its last: excluded ones are relayed unopened, mail is
// given to a session with the engine of its protocol, and what turns out to be no mail is relayed untouched.
import type { Socket } from 'node:net';
import type { Certificates } from '../certificates/authority.ts';
import type { Connection, Endpoint, MailProtocol, RelayReason } from '../contract/connection.ts';
import type { ErrorCode } from '../contract/error-codes.ts';
import type { PortRange } from '../contract/port-list.ts';
import type { IncomingConnection } from '../interception/backend.ts';
import { createImapEngine } from '../protocols/imap/engine.ts';
import { createPop3Engine } from '../protocols/pop3/engine.ts';
import type { Scanner } from '../scanner/pool.ts';
import type { Quarantine } from '../storage/quarantine.ts';
import type { SpoolStore } from '../storage/spool.ts';
import type { VerdictCache } from '../storage/verdict-cache.ts';
import { ConnectionTable, type Entry, programOf, serverLabel } from './connection-table.ts';
import type { Refusal } from './down-servers.ts';
import { createExpectedTests, type ExpectedTest, type TestTarget, testAddress } from './expected-tests.ts';
import { type Handling, handlingOfTest, type ProxyEvents } from './handling.ts';
import { createTakenLeaves } from './leaf-reception.ts';
import { createReach } from './reach.ts';
import { type Legs, recognise } from './recognise.ts';
import { relay, reset } from './relay.ts';
import { exclusionOf, type ProxyRules } from './rules.ts';
import { Session } from './session.ts';
import { startTlsAgain } from './start-tls-again.ts';
import { createTlsContexts, type TlsContexts } from './tls.ts';
import { openTlsLegs, relayByServer } from './tls-legs.ts';
import type { TlsRelays } from './tls-relays.ts';

export interface ProxyOptions {
  readonly certificates: Certificates;
  readonly scanner: Scanner;
  readonly spools: SpoolStore;
  readonly quarantine: Quarantine;
  readonly verdicts: VerdictCache;
  readonly tlsRelays: TlsRelays;
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
  /** How the kernel refuses servers that are down; absent where it redirects nothing. */
  readonly refusal?: Refusal | undefined;
  /** Calls back once after the delay; gives a function that takes it back. Absent: by timers of the system. */
  readonly after?: After | undefined;
  /** Open connections, of two descriptors each; more are reset. Absent: as many as come. */
  readonly maxConnections?: number | undefined;
}

type After = (delayMs: number, callback: () => void) => () => void;

export interface MailProxy {
  accept(connection: IncomingConnection): void;
  /**
   * Expects one connection to `testAddress` from this port of its client: it leads to `target`, and nothing of it is
   * counted, shown or kept, nor left alone by rule. Undefined: too many are expected.
   */
  expectTest(clientPort: number, target: TestTarget): ExpectedTest | undefined;
  connections(): Connection[];
  /** Whether a connection, as its program sees it, comes through here. */
  readonly knows: (connection: { readonly local: Endpoint; readonly remote: Endpoint }) => boolean;
  /** Open connections that were accepted under older rules than today's. */
  staleCount(): number;
  /** Ends connections at once; returns how many. */
  close(ids: readonly number[] | 'stale'): number;
  /** Waits until all connections have ended by themselves, at most `graceMs`. */
  drain(graceMs: number): Promise<void>;
  /** Ends what is left. May be called twice. */
  stop(): Promise<void>;
}

/** One deadline for each handshake; a person may be asked about a certificate only after it. */
const handshakeMs = 30_000;

/** After the start, when interception is active. */
const tlsWarmUpMs = 200;

/** mbsync gives up after 20 s of silence, Thunderbird after 100 s. */
const keepAliveMs = 10_000;

/** TCP keep-alive in place of an idle limit: IDLE connections are silent for half an hour. */
const tcpKeepAliveMs = 60_000;

const afterTimeout: After = (delayMs, callback) => {
  const timer = setTimeout(callback, delayMs).unref();
  return () => clearTimeout(timer);
};

export function createProxy(options: ProxyOptions): MailProxy {
  const { refusal, now, log, maxConnections = Number.POSITIVE_INFINITY, after = afterTimeout } = options;
  const table = new ConnectionTable((open) => {
    options.events.connectionsChanged(open);
    if (open === 0) for (const wake of idle.splice(0)) wake();
  });
  const idle: (() => void)[] = [];
  const { isOwnEndpoint, sourcePorts } = options;
  const reach = createReach({ sourcePorts, isOwnEndpoint, refusal, after, now, log });
  const taken = createTakenLeaves();
  const tests = new ConnectionTable(() => undefined);
  const expected = createExpectedTests(now);
  let tooMany = 0;

  // Reading the system's roots takes some 100 ms: not on the way to being ready, nor in the first handshake.
  let tlsContexts: TlsContexts | undefined;
  const contexts = () => {
    tlsContexts ??= createTlsContexts({ extraCa: options.extraCa });
    return tlsContexts;
  };
  setTimeout(contexts, tlsWarmUpMs).unref();

  const usual = (): Handling => ({
    table,
    rules: options.rules(),
    target: undefined,
    contexts,
    relays: options.tlsRelays,
    taken,
    quarantine: options.quarantine,
    verdicts: options.verdicts,
    events: options.events,
  });

  function end({ table }: Handling, entry: Entry, reason: ErrorCode | undefined): void {
    entry.reception?.drop();
    if (reason !== undefined) log('connection-ended', { id: entry.id, server: serverLabel(entry), reason });
    table.remove(entry);
  }

  function relayLegs(
    handling: Handling,
    entry: Entry,
    legs: Pick<Legs, 'client' | 'server'>,
    reason: RelayReason,
    said: Buffer = Buffer.alloc(0),
  ): void {
    entry.state = 'relayed';
    entry.reason = reason;
    handling.events.relayed(reason);
    const gone = () => {
      if (legs.client.closed && legs.server.closed) end(handling, entry, undefined);
    };
    legs.client.once('close', gone);
    legs.server.once('close', gone);
    entry.close = () => {
      reset(legs.client);
      reset(legs.server);
    };
    relay(legs.client, legs.server);
    entry.reception?.flowing(said);
    gone();
  }

  /** `startTls`: what was spoken before it. */
  const openTls = (
    handling: Handling,
    entry: Entry,
    { client, server, startTls }: { client: Socket; server: Socket; startTls?: 'imap' | 'pop3' },
  ) =>
    openTlsLegs(client, server, {
      handling,
      entry,
      startTls: startTls !== undefined,
      async redial() {
        const dialled = await reach.dial(client, entry.destination, handling.target);
        if (!dialled.ok) return undefined;
        const { socket } = dialled;
        if (startTls === undefined || (await startTlsAgain(socket, startTls, handshakeMs))) {
          if (!client.destroyed) return socket;
        }
        socket.destroy();
        return undefined;
      },
      certificates: options.certificates,
      timeoutMs: handshakeMs,
      now,
      log,
    });

  function scan(handling: Handling, entry: Entry, legs: Legs, kind: 'imap' | 'pop3'): void {
    const { rules, quarantine, verdicts, events } = handling;
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
        handling.relays.add(relayByServer(entry, 'no-sign-in'));
        log('no-sign-in', { id: entry.id, server: serverLabel(entry) });
      },
      delivery: {
        spools: options.spools,
        scanner: options.scanner,
        quarantine,
        verdicts,
        treatment: rules.treatment,
        summarise: options.summarise,
        server: serverLabel(entry),
        onOutcome: (outcome) => {
          entry.messages++;
          const program = programOf(entry);
          events.message({
            ...outcome,
            server: serverLabel(entry),
            ...(program === undefined ? {} : { program }),
            ...(outcome.outcome === 'infected' && !rules.treatment.neutralise ? { unchanged: true } : {}),
          });
        },
      },
      upgrade: (client, server) =>
        openTls(handling, entry, { client, server, startTls: kind }).catch((error: unknown) => {
          log('connection-failed', { id: entry.id, error: String(error) });
          return { kind: 'failed', reason: 'upstream-tls-failed' };
        }),
      onTls: () => entry.reception?.flowing(Buffer.alloc(0)),
      onRelay: (client, { server, reason }) => relayLegs(handling, entry, { client, server }, reason),
      onEnd: (reason) => end(handling, entry, reason),
    });
    entry.close = () => session.close(undefined);
    session.start(legs.greeting);
    entry.reception?.flowing(legs.greeting);
  }

  /** Why mail is relayed; in the clear what is known of the server counts, inside TLS it counted at the ClientHello. */
  function reasonToRelay(
    { rules, relays }: Handling,
    { destination }: Entry,
    { tls }: Legs,
    protocol: MailProtocol,
  ): RelayReason | undefined {
    if (!rules.protocols[protocol]) return 'protocol-off';
    const known = tls ? undefined : relays.find({ program: undefined }, destination, undefined)?.reason;
    return known === 'no-sign-in' ? known : undefined;
  }

  async function serve(handling: Handling, entry: Entry, client: Socket): Promise<void> {
    const { rules, events } = handling;
    const { destination, owner } = entry;
    const dialled = await reach.dial(client, destination, handling.target);
    if (!dialled.ok) {
      // The client is told as it would have been by the server.
      reset(client);
      end(handling, entry, dialled.reason);
      return;
    }
    const server = dialled.socket;
    entry.close = () => {
      reset(client);
      reset(server);
    };
    const leftAlone = exclusionOf(rules, destination, owner, now());
    if (leftAlone) {
      relayLegs(handling, entry, { client, server }, leftAlone);
      return;
    }
    const legs: Legs = { client, server, tls: false, greeting: Buffer.alloc(0), forwarded: Buffer.alloc(0) };
    const spoken = await recognise(legs, {
      openTls: (clientLeg, serverLeg) => openTls(handling, entry, { client: clientLeg, server: serverLeg }),
      isLeaving: () => entry.reception?.isLeaving() ?? false,
    });
    if (spoken.kind === 'failed') {
      // The server's greeting may tell why the client has left.
      entry.reception?.flowing(legs.greeting);
      end(handling, entry, spoken.reason);
      reset(client);
      reset(server);
      return;
    }
    if (spoken.kind === 'relay') {
      relayLegs(handling, entry, { client, server: spoken.server }, spoken.reason);
      return;
    }
    if (spoken.kind !== 'not-mail' && !legs.tls) events.plainMailFound?.(destination, spoken.kind);
    const protocol: MailProtocol | undefined =
      spoken.kind === 'not-mail' ? undefined : legs.tls ? `${spoken.kind}s` : spoken.kind;
    entry.protocol = protocol;
    const reason = protocol ? reasonToRelay(handling, entry, legs, protocol) : 'not-mail';
    if (spoken.kind !== 'not-mail' && reason === undefined) {
      scan(handling, entry, legs, spoken.kind);
      return;
    }
    if (legs.greeting.length > 0) legs.client.write(legs.greeting);
    relayLegs(handling, entry, legs, reason ?? 'not-mail', legs.greeting);
  }

  /** How a new connection is handled; undefined: not at all. */
  function handlingOf({ socket, destination }: IncomingConnection): Handling | undefined {
    if (destination.address === testAddress) {
      const target = expected.take(socket.remotePort);
      return (
        target && handlingOfTest(target, { table: tests, rules: options.rules(), contexts: contexts(), now })
      );
    }
    if (table.size < maxConnections) return usual();
    tooMany++;
    // A program that keeps trying must not fill the log: the 1st, 2nd, 4th, 8th ... time.
    if ((tooMany & (tooMany - 1)) === 0)
      log('connection-refused', { reason: 'too-many-connections', refused: tooMany, open: table.size });
    return undefined;
  }

  /** What its client does about it says nothing of the certificate that it was given. */
  function closeByUs(entry: Entry): void {
    entry.reception?.drop();
    entry.close();
  }

  function close(ids: readonly number[] | 'stale'): number {
    const current = options.rules().revision;
    const chosen = table
      .entries()
      .filter((entry) => (ids === 'stale' ? entry.rulesRevision !== current : ids.includes(entry.id)));
    for (const entry of chosen) closeByUs(entry);
    return chosen.length;
  }

  return {
    accept(incoming) {
      const { socket, destination, owner } = incoming;
      // Before any other handler: a reset that comes while nobody else listens must not end the process.
      socket.on('error', () => socket.destroy());
      const handling = handlingOf(incoming);
      if (!handling) {
        reset(socket);
        return;
      }
      socket.setKeepAlive(true, tcpKeepAliveMs);
      const entry = handling.table.open({
        destination,
        client: { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 },
        owner,
        rulesRevision: handling.rules.revision,
        since: now(),
        close: () => reset(socket),
      });
      serve(handling, entry, socket).catch((error: unknown) => {
        log('connection-failed', { id: entry.id, error: String(error) });
        closeByUs(entry);
        handling.table.remove(entry);
      });
    },
    expectTest: (clientPort, target) => expected.expect(clientPort, target),
    connections: () => table.list(),
    knows: ({ local, remote }) => [table, tests].some((each) => each.has(local, remote)),
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
      reach.stop();
      for (const entry of [...table.entries(), ...tests.entries()]) closeByUs(entry);
    },
  };
}
