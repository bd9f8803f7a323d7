// What programs trust, kept right while the core lives: the roots go into the stores of this user's programs, new ones
// too, and a root that ends is followed by another in time. What a person took out of a store is not put in again.
import type { Certificates } from '../certificates/authority.ts';
import type { Root, TrustStores } from '../certificates/trust-stores/store.ts';
import type { Trust, TrustAction, TrustStore } from '../contract/trust.ts';
import type { ClientHandshake } from '../proxy/handling.ts';
import type { TlsRelays } from '../proxy/tls-relays.ts';
import type { StoredList } from '../storage/stored-list.ts';
import { createLastHandshakes } from './last-handshakes.ts';
import type { Clock, Log } from './ports.ts';

export interface TrustServiceOptions {
  readonly certificates: Pick<Certificates, 'caPath' | 'roots' | 'maintain' | 'promote' | 'replace'>;
  readonly stores: TrustStores;
  /** The home directory whose stores these are. */
  readonly homeDir: string;
  readonly relays: Pick<TlsRelays, 'list' | 'forget'>;
  /** Ids of the stores that the root was put into by itself, or taken out of: each is offered it once. */
  readonly offered: Pick<StoredList<string>, 'list' | 'add' | 'remove'>;
  /** Roots that have had their time, noted before they go, until no store has them any more. */
  readonly retired: StoredList<Root>;
  /** Whether stores of this user get the root by themselves. */
  readonly installs: () => boolean;
  readonly onChange: (trust: Trust) => void;
  readonly clock: Clock;
  readonly log: Log;
}

export interface TrustService {
  current(): Trust;
  /** Looks at the stores in a moment, and from then on whenever something changes. */
  start(): void;
  /** Looks at every store now. */
  look(): Promise<Trust>;
  install(ids: readonly string[] | 'own'): Promise<TrustAction[]>;
  remove(ids: readonly string[] | 'all'): Promise<TrustAction[]>;
  /** Makes a new root, puts it where the present one was, and takes that one out. */
  replace(): Promise<TrustAction[]>;
  /** Opens TLS again for what was learnt to refuse it: the given ones, or all. */
  forget(ids: readonly string[] | undefined): void;
  handshake(handshake: ClientHandshake): void;
  /** Stores may get the root by themselves now. */
  settingsChanged(): void;
  /** What is relayed from experience has changed. */
  relaysChanged(): void;
  /** Ends what waits, and soon what is under way. May be called twice. */
  stop(): Promise<void>;
}

/** Stores are read by running other programs: after the start, when the protection stands. */
const firstLookMs = 1_000;

/** A change of a store takes half a second, as a rule. */
const politeMs = 1_500;

/** A tool that was killed is gone at once; a person who is asked for a password is not waited for. */
const killedMs = 1_000;

const dayMs = 24 * 60 * 60 * 1_000;

const ownIds = (stores: readonly TrustStore[]) =>
  stores.filter(({ fix }) => fix === 'own').map(({ id }) => id);
const holdsRoot = ({ state }: Pick<TrustStore, 'state'>) => state === 'trusted' || state === 'partly';

export function createTrustService(options: TrustServiceOptions): TrustService {
  const { certificates, stores, relays, offered, retired, clock, log } = options;
  const handshakes = createLastHandshakes();
  let found: readonly TrustStore[] = [];
  let working: Promise<unknown> = Promise.resolve();
  let isStopped = false;
  const cancels = new Set<() => void>();

  /** One thing at a time: stores are files that are read, changed and read again. */
  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = working.then(work);
    working = result.catch(() => undefined);
    return result;
  }

  function later(delayMs: number, work: () => Promise<unknown>): void {
    if (isStopped) return;
    const cancel = clock.after(delayMs, () => {
      cancels.delete(cancel);
      if (!isStopped) inTurn(work).catch((error: unknown) => log('trust-failed', { error }));
    });
    cancels.add(cancel);
  }

  /** Waits for what is under way, but no longer than this. */
  async function settledWithin(limitMs: number): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = clock.after(limitMs, resolve);
    await Promise.race([working, late]);
    cancel();
  }

  const current = (): Trust => ({
    roots: certificates.roots().map(({ facts }) => facts),
    caPath: certificates.caPath,
    homeDir: options.homeDir,
    stores: found.map((store) => {
      const lastHandshake = handshakes.of(store, found);
      return lastHandshake ? { ...store, lastHandshake } : store;
    }),
    relays: relays.list(),
  });
  const publish = () => {
    if (!isStopped) options.onChange(current());
  };

  /** A program that refused our certificate may take it now that its store has the root. */
  function retryRefused(): void {
    const refused = relays.list().filter(({ reason }) => reason === 'certificate-refused');
    if (refused.length > 0) relays.forget(refused.map(({ id }) => id));
  }

  async function read(): Promise<void> {
    const before = new Map(found.map(({ id, state }) => [id, state]));
    found = await stores.status(certificates.roots());
    // Also where somebody else has put it in.
    const isMended = found.some(({ id, state }) => state === 'trusted' && before.get(id) === 'not-trusted');
    if (isMended) retryRefused();
    publish();
  }

  /** Puts the roots into what is new, and a root that is to follow beside the present one. */
  async function keepInstalled(): Promise<void> {
    await read();
    if (!options.installs()) return;
    const own = new Set(ownIds(found));
    const wanting = found
      .filter(
        ({ id, state }) =>
          own.has(id) && (state === 'partly' || (state === 'not-trusted' && !offered.list().includes(id))),
      )
      .map(({ id }) => id);
    if (wanting.length === 0) return;
    // Noted first: whatever becomes of it, a store that a person cleans stays clean.
    await offered.add(wanting);
    const actions = await stores.install(certificates.roots(), wanting);
    // Where nothing was put in, nobody has taken anything out: it is tried again.
    await offered.remove(actions.filter(({ action }) => action === 'failed').map((each) => each.store.id));
    await read();
  }

  /** A successor signs only once every store that knows the root knows it, too; or when the root is about to end. */
  async function maintain(): Promise<void> {
    const before = certificates.roots();
    const [root] = before;
    await certificates.maintain();
    await keepInstalled();
    // Not on the day on which it came: programs that run have not read their stores since.
    const isKnown = before.length > 1 && found.every(({ state }) => state !== 'partly');
    if (certificates.roots().length > 1 && isKnown && found.some(holdsRoot)) {
      await retired.add(certificates.roots().slice(0, 1));
      await certificates.promote();
    }
    // It was promoted for the end of the root.
    const isGone = root && certificates.roots().every(({ facts }) => facts.sha256 !== root.facts.sha256);
    if (isGone) await retired.add([root]);
    await takeOutRetired(ownIds(found));
  }

  /** Takes roots that have had their time out of these stores; they are forgotten once no store has them. */
  async function takeOutRetired(ids: readonly string[]): Promise<TrustAction[]> {
    // One that was noted before a crash may still be in use.
    const inUse = new Set(certificates.roots().map(({ facts }) => facts.sha256));
    const gone = retired.list().filter(({ facts }) => !inUse.has(facts.sha256));
    if (gone.length === 0) return [];
    const actions = await stores.remove(gone, ids);
    const left: string[] = [];
    for (const root of gone) {
      const holding = (await stores.status([root])).filter(holdsRoot);
      left.push(...holding.map(({ id }) => id));
      if (holding.length === 0) await retired.remove([root.facts.sha256]);
    }
    if (left.length > 0) log('trust-old-root-left', { stores: left });
    await read();
    return actions;
  }

  async function maintainDaily(): Promise<void> {
    try {
      await maintain();
    } finally {
      later(dayMs, maintainDaily);
    }
  }

  return {
    current,
    start() {
      later(firstLookMs, maintainDaily);
      cancels.add(stores.watch(() => later(0, keepInstalled)));
    },
    look: () =>
      inTurn(async () => {
        await read();
        return current();
      }),
    install: (ids) =>
      inTurn(async () => {
        const actions = await stores.install(certificates.roots(), ids);
        if (actions.some(({ action }) => action === 'installed')) retryRefused();
        await read();
        await takeOutRetired(ids === 'own' ? ownIds(found) : ids);
        return actions;
      }),
    remove: (ids) =>
      inTurn(async () => {
        await read();
        const chosen = ids === 'all' ? found.map(({ id }) => id) : ids;
        // Noted, too: what was taken out on purpose does not come back by itself.
        await offered.add(chosen);
        const actions = await stores.remove(certificates.roots(), ids);
        await read();
        await takeOutRetired(chosen);
        return actions;
      }),
    replace: () =>
      inTurn(async () => {
        await read();
        const holding = found.filter(holdsRoot).map(({ id }) => id);
        await retired.add(certificates.roots());
        await certificates.replace();
        const installed = await stores.install(certificates.roots(), holding);
        await read();
        return [...installed, ...(await takeOutRetired(holding))];
      }),
    forget(ids) {
      relays.forget(ids);
    },
    handshake(handshake) {
      handshakes.add(handshake, clock.now());
      publish();
    },
    settingsChanged() {
      if (options.installs()) later(0, keepInstalled);
    },
    relaysChanged: publish,
    async stop() {
      isStopped = true;
      for (const cancel of cancels) cancel();
      cancels.clear();
      await settledWithin(politeMs);
      stores.stop();
      await settledWithin(killedMs);
    },
  };
}
