// Opens the rooms and connects them with each other. Holds no logic that a room could have.
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { identify } from '../applications/identity.ts';
import { listInstalled } from '../applications/installed.ts';
import { listRunning } from '../applications/running.ts';
import { openCertificates } from '../certificates/authority.ts';
import type { Endpoint } from '../contract/connection.ts';
import type { ErrorCode } from '../contract/error-codes.ts';
import type { Availability, MessageEvent, State } from '../contract/state.ts';
import { upstreamSourcePorts } from '../interception/backend.ts';
import { createNetfilterBackend } from '../interception/linux/netfilter.ts';
import { openSocketOwners } from '../interception/linux/socket-owner.ts';
import { openFixedListeners } from '../interception/listeners.ts';
import { isUnlisted } from '../interception/plan.ts';
import { createProxy } from '../proxy/proxy.ts';
import { type RuleSettings, rulesFrom } from '../proxy/rules.ts';
import type { Scanner } from '../scanner/pool.ts';
import { openSummaries } from '../scanner/summaries.ts';
import { openEventLog } from '../storage/event-log.ts';
import { openQuarantine } from '../storage/quarantine.ts';
import { openRememberedEndpoints } from '../storage/remembered-endpoints.ts';
import { openSpoolStore } from '../storage/spool.ts';
import { openVerdictCache, type VerdictCache } from '../storage/verdict-cache.ts';
import { connectionBudget } from './descriptor-budget.ts';
import { createDirectCount } from './direct-count.ts';
import { createEngineWatch } from './engine-watch.ts';
import { type CoreRouter, createRouter } from './handlers.ts';
import { isOneOf } from './own-endpoints.ts';
import type { Ports } from './ports.ts';
import { createProtection, type Protection, protectionFrom } from './protection.ts';
import { ruleDirectories } from './rule-directories.ts';
import { connectEngines } from './scanning.ts';
import { createSelfTest } from './self-test.ts';
import { openSettings } from './settings-service.ts';
import { createStateHub } from './state-hub.ts';
import type { Stops } from './stops.ts';
import { rootOf, wireTrust } from './wire-trust.ts';

export interface Core {
  readonly interception: Availability;
  readonly listeners: State['listeners'];
  /** The root's certificate, for trust stores. */
  readonly caPath: string;
  readonly dataDir: string;
  readonly router: CoreRouter;
  /** New connections go direct at once; open ones get a moment to end; then everything is taken down. May be called
   *  twice. */
  stop(): Promise<void>;
}

export type StartResult =
  | { readonly ok: true; readonly core: Core }
  | { readonly ok: false; readonly code: ErrorCode; readonly detail: string };

/** A message under way ends within seconds; an idle IMAP connection never ends by itself. */
const drainMs = 3_000;

/** Messages that a page shows without asking for more. */
const lastMessages = 20;

/** Each message is scanned. */
const noVerdicts: VerdictCache = {
  isClean: () => false,
  revision: '',
  addClean: () => undefined,
  stop: () => undefined,
};

/** What connections live by. The root in stores is no matter of theirs. */
const ruleSettings = ({ mailTransport, response, tls: { installRoot, ...tls }, scanning }: RuleSettings) => ({
  mailTransport,
  response,
  tls,
  scanning: { whenEngineDown: scanning.whenEngineDown },
});

/**
 * Wires everything up; what it opens is owned by `stops`. The scanner's workers start meanwhile, and are ready before
 * anything is intercepted.
 */
export async function wire(ports: Ports, stops: Stops, starting: Promise<Scanner>): Promise<StartResult> {
  const { clock, log, random } = ports;
  const now = clock.now;
  const below = (name: string) => join(ports.dataDir, name);

  // What it brings comes only after the first `apply`, when everything that is named in it is there.
  const redirects = ports.intercept === 'auto';
  const kernel: Protection = createProtection({
    openBackend: redirects
      ? (onStateChange) =>
          createNetfilterBackend({
            uid: ports.uid,
            route: ports.netfilterHelper,
            onConnection: (connection) => proxy.accept(connection),
            onStateChange,
            findOwner: (local, remote) => owners.find(local, remote),
            log,
          })
      : undefined,
    found: () => remembered.list(),
    clock,
    onInterception({ availability, remarks }) {
      const begins = availability.state === 'active' && interception.state !== 'active';
      interception = availability;
      hub.set({ interception, remarks: [...remarks], protection: protection() });
      if (begins) direct.look();
    },
    log,
  });
  stops.add(() => kernel.stop());

  const [opened, certificates, spools, quarantine, owners, ownScanner] = await Promise.all([
    openSettings({ directory: ports.dataDir, overrides: ports.settings, now, log }).then((result) => {
      if (result.ok && result.settings.current().mailTransport.enabled) kernel.prepare();
      return result;
    }),
    openCertificates({
      directory: below('certificates'),
      hostname: ports.hostname,
      now,
      onProblem: ({ kind, ...fields }) => log(`certificates-${kind}`, fields),
    }),
    stops.own(
      openSpoolStore({ directory: below('spool'), onFailure: (error) => log('spool-failed', { error }) }),
      (store) => store.stop(),
    ),
    openQuarantine({
      directory: below('quarantine'),
      now,
      random,
      onProblem: ({ kind, ...fields }) => log(`quarantine-${kind}`, fields),
    }),
    stops.own(
      openSocketOwners({
        identify,
        askHelper: async (inode, uid) => await kernel.backend?.ownerOf(inode, uid),
      }),
      (socketOwners) => socketOwners.close(),
    ),
    starting,
  ]);
  if (!opened.ok) return opened;
  const maxConnections = await connectionBudget();
  const { settings } = opened;
  const engines = connectEngines(ownScanner, settings.current().scanning, clock.after);
  stops.add(() => engines.stop());
  const { scanner } = engines;
  const events = openEventLog({
    file: below('events.sqlite'),
    now,
    after: clock.after,
    onProblem: ({ kind, ...fields }) => log(`event-log-${kind}`, fields),
  });
  stops.add(() => events.stop());
  // A verdict that is known would not be held back.
  const verdicts =
    ports.holdScans === undefined
      ? openVerdictCache({
          file: below('verdicts.sqlite'),
          revision: () => scanner.revision,
          after: clock.after,
          onProblem: ({ kind, ...fields }) => log(`verdict-cache-${kind}`, fields),
        })
      : noVerdicts;
  stops.add(() => verdicts.stop());
  if (ports.holdScans !== undefined) log('scans-held', { ...ports.holdScans });

  const summaries = openSummaries({ workerUrl: ports.summaryWorkerUrl });
  stops.add(() => summaries.stop());

  const remembered = openRememberedEndpoints({
    file: below('endpoints.json'),
    now,
    after: clock.after,
    onProblem: ({ kind, error }) => log(`endpoints-${kind}`, { error }),
  });
  stops.add(() => remembered.stop());

  let interception: Availability = { state: 'off', reason: 'intercept-off' };
  let listeners: State['listeners'] = [];
  const ownEndpoints = (): readonly Endpoint[] => [...listeners, ...ports.hostEndpoints()];
  const isOwnEndpoint = (endpoint: Endpoint) => isOneOf(endpoint, ownEndpoints());
  const sourcePorts = redirects ? upstreamSourcePorts : undefined;
  const trust = wireTrust(ports, stops, {
    certificates,
    settings: () => settings.current(),
    onChange: (changed) => hub.setSoon({ trust: changed }),
    sourcePorts,
    isOwnEndpoint,
  });
  const engineWatch = createEngineWatch({
    scanner: ownScanner,
    remote: engines.remote,
    rulesDirectory: ruleDirectories(ports.dataDir).userRulesDirectory,
    after: clock.after,
    onChange: (changed) => hub.set(changed),
    log,
  });
  stops.add(() => engineWatch.stop());
  const protection = () =>
    protectionFrom(settings.current().mailTransport, interception, listeners.length > 0);
  const hub = createStateHub(
    {
      settings: settings.current(),
      settingsProblems: settings.problems(),
      protection: protection(),
      interception,
      listeners,
      counters: events.counters(),
      openConnections: 0,
      staleConnections: 0,
      directConnections: 0,
      remarks: [],
      trust: trust.service.current(),
      ...engineWatch.current(),
      lastMessages: events.list(lastMessages),
    },
    clock.after,
  );
  stops.add(() => hub.stop());

  let rules = rulesFrom(settings.current(), 1);
  let lastEvents: readonly MessageEvent[] = hub.snapshot().state.lastMessages;
  let stale = 0;
  const proxy = createProxy({
    certificates,
    scanner,
    spools,
    quarantine,
    verdicts,
    rules: () => rules,
    sourcePorts,
    extraCa: ports.upstreamCa,
    isOwnEndpoint,
    summarise: (head) => summaries.summarise(head),
    after: clock.after,
    maxConnections,
    tlsRelays: trust.relays,
    refusal: redirects
      ? {
          refuse: async (endpoint, ttlSeconds) => await kernel.backend?.refuse(endpoint, ttlSeconds),
          admit: async (endpoint) => await kernel.backend?.admit(endpoint),
        }
      : undefined,
    events: {
      connectionsChanged(open) {
        // A new connection lives by the rules of now: only those that end can change the number.
        if (stale > 0) stale = proxy.staleCount();
        hub.setSoon({ openConnections: open, staleConnections: stale });
      },
      message(message) {
        const event = events.add(message);
        if (event) lastEvents = [event, ...lastEvents].slice(0, lastMessages);
        hub.setSoon({ counters: events.counters(), ...(event ? { lastMessages: [...lastEvents] } : {}) });
      },
      relayed(reason) {
        events.addRelayed(reason);
        hub.setSoon({ counters: events.counters() });
      },
      handshake: (handshake) => trust.service.handshake(handshake),
      plainMailFound(endpoint) {
        const isFixed = ports.listeners.some(
          ({ host, port }) => host === endpoint.address && port === endpoint.port,
        );
        if (isFixed || !isUnlisted(endpoint, settings.current().mailTransport)) return;
        if (remembered.add(endpoint)) void kernel.refresh();
      },
    },
    log,
    now,
  });
  stops.add(() => proxy.stop());

  const directConnections = async () => (await kernel.backend?.directConnections(proxy.knows)) ?? [];
  const direct = createDirectCount({
    count: async () => (await directConnections()).length,
    after: clock.after,
    onCount: (count) => hub.set({ directConnections: count }),
  });
  stops.add(() => direct.stop());
  const selfTest = createSelfTest({
    proxy,
    settings: () => settings.current(),
    interception: () => interception,
    rootPem: () => rootOf(certificates).pem,
    clock,
    random,
  });
  stops.add(() => selfTest.stop());

  const fixed = await stops.own(
    openFixedListeners(ports.listeners, { onConnection: proxy.accept, findOwner: owners.find }),
    (opening) => opening.stop(),
  );
  // Asked for by name: a mail program points at it, and would find nobody.
  const [failed] = fixed.failed;
  if (failed) return { ok: false, code: failed.reason, detail: `port ${failed.listener.localPort}` };
  listeners = fixed.opened.map(({ localPort, host, port, protocol }) => ({
    protocol,
    address: '127.0.0.1',
    port: localPort,
    target: `${host}:${port}`,
  }));
  hub.set({ listeners, protection: protection() });

  settings.onChange(async (changed) => {
    const { settings: before } = hub.snapshot().state;
    if (!isDeepStrictEqual(before.scanning, changed.scanning)) engines.apply(changed.scanning);
    const sameRules = isDeepStrictEqual(ruleSettings(before), ruleSettings(changed));
    if (!sameRules) rules = rulesFrom(changed, rules.revision + 1);
    stale = proxy.staleCount();
    hub.set({ settings: changed, protection: protection(), staleConnections: stale });
    // The response is no matter of the kernel's.
    if (!isDeepStrictEqual(before.mailTransport, changed.mailTransport))
      await kernel.apply(changed.mailTransport);
    trust.service.settingsChanged();
  });
  await kernel.apply(settings.current().mailTransport);
  trust.service.start();

  const router = createRouter({
    hub,
    settings,
    applications: {
      running: () =>
        listRunning({
          ownPids: [process.pid],
          connections: proxy.connections().flatMap(({ pid, server, port }) => {
            return pid === undefined ? [] : [{ pid, label: `${server}:${port}` }];
          }),
        }),
      installed: () => listInstalled(),
    },
    connections: {
      list: proxy.connections,
      close: proxy.close,
      async closeDirect() {
        const ended = (await kernel.backend?.endDirect(await directConnections())) ?? 0;
        direct.look();
        return ended;
      },
    },
    trust: trust.procedures,
    protection: { selfTest: () => selfTest.run(), retry: () => kernel.retry() },
    events,
    quarantine,
    consoleUrl: ports.consoleUrl,
  });

  stops.add(async () => {
    await Promise.all([kernel.release(), fixed.stop()]);
    await proxy.drain(drainMs);
    // Before the redirect goes: without it nobody would hear of the end.
    await proxy.stop();
  });
  return {
    ok: true,
    core: {
      interception,
      listeners,
      caPath: certificates.caPath,
      dataDir: ports.dataDir,
      router,
      stop: () => stops.stop(),
    },
  };
}
