// Takes each connection that reaches us from its first octet to its last: excluded ones are relayed unopened, mail is
// given to a session with the engine of its protocol, and what turns out to be no mail is relayed untouched.
import { isIP, type Socket } from 'node:net';
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
import { createDownServers, type Refusal } from './down-servers.ts';
import { createExpectedTests, type ExpectedTest, type TestTarget, testAddress } from './expected-tests.ts';
import { type Handling, handlingOfTest, type ProxyEvents } from './handling.ts';
import { type Legs, recognise } from './recognise.ts';
import { relay, reset } from './relay.ts';
import { exclusionOf, type ProxyRules } from './rules.ts';
import { Session } from './session.ts';
import { sourceAddressFor } from './source-address.ts';
import { createTlsContexts, type TlsContexts } from './tls.ts';
import { openTlsLegs } from './tls-legs.ts';
import { createUnscannableServers } from './unscannable-servers.ts';
import { createDialer } from './upstream.ts';

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
  const dial = createDialer();
  const source = options.sourcePorts === undefined ? {} : { sourcePorts: options.sourcePorts };
  const unscannable = createUnscannableServers(now);
  const tests = new ConnectionTable(() => undefined);
  const expected = createExpectedTests(now);
  let tooMany = 0;
  const downServers =
    refusal &&
    createDownServers({
      refuse: (endpoint, ttlSeconds) => refusal.refuse(endpoint, ttlSeconds),
      admit: (endpoint) => refusal.admit(endpoint),
      async reach(endpoint, sourceAddress, timeoutMs) {
        const { isOwnEndpoint } = options;
        const dialled = await dial({ endpoint, timeoutMs, isOwnEndpoint, sourceAddress, ...source });
        if (dialled.ok) dialled.socket.destroy();
        // What fails for want of something here is no sign that the server is down.
        return dialled.ok || !dialled.down;
      },
      after,
      now,
      log,
    });

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
    unscannable,
    quarantine: options.quarantine,
    verdicts: options.verdicts,
    events: options.events,
  });

  function end({ table }: Handling, entry: Entry, reason: ErrorCode | undefined): void {
    if (reason !== undefined) log('connection-ended', { id: entry.id, server: serverLabel(entry), reason });
    table.remove(entry);
  }

  function relayLegs(
    handling: Handling,
    entry: Entry,
    legs: Pick<Legs, 'client' | 'server'>,
    reason: RelayReason,
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
    gone();
  }

  const openTls = (handling: Handling, entry: Entry, client: Socket, server: Socket) =>
    openTlsLegs(client, server, {
      certificates: options.certificates,
      contexts: handling.contexts(),
      timeoutMs: handshakeMs,
      onServerName: (name) => {
        entry.serverName = name;
      },
      onUntrusted: (reason) => {
        log('upstream-untrusted', { id: entry.id, server: serverLabel(entry), reason });
      },
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
        handling.unscannable.add(entry.destination, entry.serverName);
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
      upgrade: (client, server) => openTls(handling, entry, client, server),
      onEnd: (reason) => end(handling, entry, reason),
    });
    entry.close = () => session.close(undefined);
    session.start(legs.greeting);
  }

  /** Connects to the server; undefined: there is none, and the client is told as it would have been by it. */
  async function reachServer(handling: Handling, entry: Entry, client: Socket): Promise<Socket | undefined> {
    const { destination } = entry;
    const { target } = handling;
    const abort = new AbortController();
    const onGone = () => abort.abort();
    client.once('close', onGone);
    const sourceAddress =
      target || !options.sourcePorts
        ? undefined
        : sourceAddressFor(client.remoteAddress, destination.address);
    const dialled = await dial({
      endpoint: target ?? destination,
      timeoutMs: dialMs,
      signal: abort.signal,
      isOwnEndpoint: target ? () => false : options.isOwnEndpoint,
      sourceAddress,
      ...source,
    });
    client.off('close', onGone);
    if (dialled.ok && !client.destroyed) return dialled.socket;
    if (dialled.ok) dialled.socket.destroy();
    // Before the client hears of it: its next try is to meet the refusal. A name is no destination of the kernel's.
    else if (dialled.down && !target && isIP(destination.address) !== 0)
      await downServers?.down(destination, sourceAddress);
    reset(client);
    end(handling, entry, dialled.ok ? 'client-vanished' : dialled.reason);
    return undefined;
  }

  async function serve(handling: Handling, entry: Entry, client: Socket): Promise<void> {
    const { rules, unscannable, events } = handling;
    const { destination, owner } = entry;
    const server = await reachServer(handling, entry, client);
    if (!server) return;
    entry.close = () => {
      reset(client);
      reset(server);
    };
    const leftAlone =
      exclusionOf(rules, destination, owner, now()) ??
      (unscannable.has(destination.address, destination.port) ? 'no-sign-in' : undefined);
    if (leftAlone) {
      relayLegs(handling, entry, { client, server }, leftAlone);
      return;
    }
    const legs: Legs = { client, server, tls: false, greeting: Buffer.alloc(0), forwarded: Buffer.alloc(0) };
    const spoken = await recognise(legs, {
      onServerName(name) {
        entry.serverName = name;
        return unscannable.has(serverLabel(entry), destination.port) ? 'no-sign-in' : 'scannable';
      },
      openTls: (clientLeg, serverLeg) => openTls(handling, entry, clientLeg, serverLeg),
    });
    if (spoken.kind === 'failed') {
      reset(client);
      reset(server);
      end(handling, entry, spoken.reason);
      return;
    }
    if (spoken.kind === 'no-sign-in') {
      relayLegs(handling, entry, legs, spoken.kind);
      return;
    }
    if (spoken.kind !== 'not-mail' && !legs.tls) events.plainMailFound?.(destination, spoken.kind);
    const protocol: MailProtocol | undefined =
      spoken.kind === 'not-mail' ? undefined : legs.tls ? `${spoken.kind}s` : spoken.kind;
    entry.protocol = protocol;
    if (spoken.kind !== 'not-mail' && protocol && rules.protocols[protocol]) {
      scan(handling, entry, legs, spoken.kind);
      return;
    }
    if (legs.greeting.length > 0) legs.client.write(legs.greeting);
    relayLegs(handling, entry, legs, protocol ? 'protocol-off' : 'not-mail');
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
        entry.close();
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
      downServers?.stop();
      for (const entry of [...table.entries(), ...tests.entries()]) entry.close();
    },
  };
}
