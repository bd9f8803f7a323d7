// A trust service over stores in memory, with a clock that goes only when a test says so.
import type { FoundStore, Root, TrustStores } from '../certificates/trust-stores/store.ts';
import type { TlsRelay, Trust } from '../contract/trust.ts';
import { fakeClock } from './testing.fixture.ts';
import { createTrustService } from './trust.ts';

export const root = (digit: string): Root => ({
  pem: `PEM ${digit}`,
  facts: {
    subject: `CN=Postern ${digit}`,
    issuer: `CN=Postern ${digit}`,
    sha256: digit.repeat(64),
    names: [],
    notBefore: '2025-11-24T12:00:00.000Z',
    notAfter: '2035-11-24T12:00:00.000Z',
  },
});

export const store = (id: string, changes: Partial<FoundStore> = {}): FoundStore => ({
  id,
  kind: 'thunderbird',
  programs: ['Thunderbird'],
  path: `/home/ada/${id}`,
  state: 'not-trusted',
  fix: 'own',
  running: false,
  ...changes,
});

export const relay = (id: string, reason: TlsRelay['reason']): TlsRelay => ({
  id,
  program: '/usr/bin/thunderbird',
  server: 'mail.example.org',
  port: 993,
  reason,
  at: '2025-11-24T12:00:00.000Z',
  until: '2025-12-24T12:00:00.000Z',
});

/** Stores in memory: which roots are in which. */
class FakeStores implements TrustStores {
  readonly held = new Map<string, Set<string>>();
  all: FoundStore[];
  changed: () => void = () => undefined;
  isWatched = false;
  isStopped = false;
  /** A tool that hangs until it is killed. */
  hangs: PromiseWithResolvers<void> | undefined;

  constructor(all: FoundStore[]) {
    this.all = all;
  }

  async status(roots: readonly Root[]): Promise<FoundStore[]> {
    return this.all.map((each) => {
      const held = roots.filter(({ facts }) => this.held.get(each.id)?.has(facts.sha256)).length;
      const state = held === 0 ? 'not-trusted' : held === roots.length ? 'trusted' : 'partly';
      return each.state === 'unavailable' ? each : { ...each, state };
    });
  }

  async install(roots: readonly Root[], ids: readonly string[] | 'own') {
    const chosen = this.all.filter(({ id, fix }) => (ids === 'own' ? fix === 'own' : ids.includes(id)));
    if (this.hangs) {
      await this.hangs.promise;
      const failed = { action: 'failed', reason: 'trust-store-failed' } as const;
      return chosen.map(({ id, kind, path }) => ({ store: { id, kind, path }, ...failed }));
    }
    for (const { id } of chosen)
      this.held.set(id, new Set([...(this.held.get(id) ?? []), ...roots.map((r) => r.facts.sha256)]));
    return chosen.map(({ id, kind, path }) => ({ store: { id, kind, path }, action: 'installed' as const }));
  }

  async remove(roots: readonly Root[], ids: readonly string[] | 'all') {
    const chosen = this.all.filter(({ id }) => ids === 'all' || ids.includes(id));
    for (const { id } of chosen) for (const { facts } of roots) this.held.get(id)?.delete(facts.sha256);
    return chosen.map(({ id, kind, path }) => ({ store: { id, kind, path }, action: 'removed' as const }));
  }

  stop() {
    this.isStopped = true;
    this.hangs?.resolve();
  }

  watch(onChange: () => void) {
    this.changed = onChange;
    this.isWatched = true;
    return () => {
      this.isWatched = false;
    };
  }
}

export function setUp(options: { stores?: FoundStore[]; relays?: TlsRelay[]; installs?: boolean } = {}) {
  const clock = fakeClock();
  const stores = new FakeStores(options.stores ?? [store('p1')]);
  let relays = options.relays ?? [];
  let roots = [root('a')];
  const list = <Item>(keyOf: (item: Item) => string) => {
    const items = new Map<string, Item>();
    return {
      list: () => [...items.values()],
      async add(added: readonly Item[]) {
        for (const item of added) items.set(keyOf(item), item);
      },
      async remove(keys: readonly string[]) {
        for (const key of keys) items.delete(key);
      },
    };
  };
  const offered = list<string>((id) => id);
  const retired = list<Root>(({ facts }) => facts.sha256);
  const published: Trust[] = [];
  const state = {
    installs: options.installs ?? true,
    successor: undefined as Root | undefined,
    crashes: false,
  };
  const service = createTrustService({
    certificates: {
      caPath: '/ca.pem',
      roots: () => roots,
      async maintain() {
        if (state.successor && roots.length === 1) roots = [...roots, state.successor];
      },
      async promote() {
        roots = roots.slice(1);
        return true;
      },
      async replace() {
        if (state.crashes) throw new Error('the power is gone');
        roots = [root('c')];
      },
    },
    stores,
    homeDir: '/home/ada',
    relays: {
      list: () => relays,
      forget(ids) {
        const before = relays.length;
        relays = ids ? relays.filter(({ id }) => !ids.includes(id)) : [];
        service.relaysChanged();
        return before - relays.length;
      },
    },
    offered,
    retired,
    installs: () => state.installs,
    onChange: (trust) => published.push(trust),
    clock,
    log: () => undefined,
  });
  /** Lets what is due happen to its end. */
  const pass = async (ms: number) => {
    clock.advance(ms);
    await service.look();
  };
  return {
    service,
    stores,
    pass,
    state,
    published,
    clock,
    relays: () => relays,
    roots: () => roots,
    retired,
    offered,
  };
}
