// All stores of one user and of the machine as one: looks at each, puts roots in and takes them out. A store that fails
// fails alone.
import { dirname, join } from 'node:path';
import type { TrustAction } from '../../contract/trust.ts';
import { caFileStores } from './ca-file.ts';
import {
  failed,
  type Looking,
  type Machine,
  type OpenStore,
  type Outcome,
  type RunningProcess,
  type StoreState,
  unchanged,
} from './found-store.ts';
import { inBatches } from './in-batches.ts';
import { javaStores } from './java.ts';
import { findJavaHomes } from './java-homes.ts';
import { openJournal } from './journal.ts';
import { statOf } from './own-files.ts';
import { createRunProgram, type RunProgram, shortLine } from './run-program.ts';
import { sharedDatabases, sharedNssStores } from './shared-nss.ts';
import type { AskAdministrator, FoundStore, Root, TrustStores } from './store.ts';
import { systemStore } from './system.ts';
import { profileDirectories, thunderbirdStores } from './thunderbird.ts';
import { thunderbirdPolicyStore } from './thunderbird-policy.ts';
import { type After, watchStores } from './watch.ts';

export interface TrustStoresOptions {
  readonly homeDir: string;
  /** Where the machine's file system begins; other than `/` in tests. */
  readonly root?: string;
  /** Whose stores they are; nothing of another's home directory is touched. */
  readonly uid: number;
  /** What stores held before us. */
  readonly journalFile: string;
  readonly now: () => Date;
  readonly run?: RunProgram;
  readonly administrator?: () => AskAdministrator | undefined;
  readonly processes?: () => Promise<readonly RunningProcess[]>;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
  readonly after?: After;
}

/** Stores that are looked at together: tools of two cores. */
const storesAtOnce = 4;

/** Ten times what a slow machine with ten profiles takes. */
export const statusTimeLimitMs = 20_000;

const afterByTimer: After = (delayMs, callback) => {
  const timer = setTimeout(callback, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
};

const messageOf = (error: unknown) => shortLine(error instanceof Error ? error.message : 'unknown');

/** Nothing is looked at before it is asked for. */
export function openTrustStores(options: TrustStoresOptions): TrustStores {
  const { homeDir, root = '/', uid, journalFile, now, log, after = afterByTimer } = options;
  const stopped = new AbortController();
  const machine: Machine = {
    homeDir,
    inRoot: (path) => join(root, path),
    uid,
    run: options.run ?? createRunProgram(undefined, stopped.signal),
    journal: openJournal({
      file: journalFile,
      now,
      onDamaged: (movedTo) => log('trust-store-journal-damaged', { movedTo }),
    }),
    administrator: options.administrator ?? (() => undefined),
    log,
  };

  const isOwnHome = async () => (await statOf(homeDir))?.uid === uid;
  const javaHomes = async () => await findJavaHomes(machine, await isOwnHome());
  const ofHome = [thunderbirdStores(machine), sharedNssStores(machine), caFileStores(machine)];
  const ofMachine = [
    systemStore(machine, async () => (await javaHomes()).hasSystem),
    thunderbirdPolicyStore(machine),
    javaStores(machine, javaHomes),
  ];

  async function find(roots: readonly Root[]): Promise<OpenStore[]> {
    const isOwn = await isOwnHome();
    const processes = await (options.processes?.() ?? Promise.resolve([])).catch((error: unknown) => {
      log('trust-store-processes-unknown', { detail: messageOf(error) });
      return [];
    });
    const looking: Looking = { processes, roots };
    const kinds = isOwn ? [...ofHome, ...ofMachine] : ofMachine;
    const found = await Promise.all(
      kinds.map((kind) =>
        kind.find(looking).catch((error: unknown): OpenStore[] => {
          log('trust-store-kind-failed', { detail: messageOf(error) });
          return [];
        }),
      ),
    );
    return [...found.flat(), ...(isOwn ? [] : await foreignHome())];
  }

  /** A home directory of somebody else is one store that nothing can be done with. */
  async function foreignHome(): Promise<OpenStore[]> {
    const [path = homeDir] = profileDirectories(homeDir);
    const detail = `${homeDir} belongs to another user`;
    if (!(await statOf(path))) return [];
    const refuse = async () => failed('trust-denied', detail);
    return [
      {
        id: `thunderbird:${path}`,
        kind: 'thunderbird',
        programs: ['Thunderbird'],
        path,
        running: false,
        state: async () => ({ state: 'unavailable', reason: 'trust-denied', detail, fix: 'by-hand' }),
        install: refuse,
        remove: async () => unchanged,
      },
    ];
  }

  async function lookAt(
    store: OpenStore,
    roots: readonly Root[],
    late: Promise<StoreState>,
  ): Promise<FoundStore> {
    const { id, kind, programs, name, path, running } = store;
    const state = await Promise.race([late, store.state(roots)]).catch(
      (error: unknown): StoreState => ({
        state: 'unavailable',
        reason: 'trust-store-failed',
        detail: messageOf(error),
        fix: 'by-hand',
      }),
    );
    return { id, kind, programs, ...(name === undefined ? {} : { name }), path, running, ...state };
  }

  /** All that is found, with the stores themselves. */
  async function look(roots: readonly Root[]) {
    const stores = await find(roots);
    let cancel: (() => void) | undefined;
    const late = new Promise<StoreState>((resolve) => {
      cancel = after(statusTimeLimitMs, () =>
        resolve({
          state: 'unavailable',
          reason: 'trust-store-failed',
          detail: 'no answer in time',
          fix: 'by-hand',
        }),
      );
    });
    const found = await inBatches(stores, storesAtOnce, async (store) => ({
      store,
      found: await lookAt(store, roots, late),
    }));
    cancel?.();
    return found;
  }

  async function change(
    { id, kind, name, path, ...store }: OpenStore,
    action: 'install' | 'remove',
    roots: readonly Root[],
  ): Promise<TrustAction> {
    const outcomes: Outcome[] = [];
    for (const each of roots) {
      const outcome = await store[action](each).catch((error: unknown) =>
        failed('trust-store-failed', messageOf(error)),
      );
      outcomes.push(outcome);
      // A person who has said no is not asked again for the next root.
      if (outcome.action === 'failed') break;
    }
    const outcome =
      outcomes.find((each) => each.action === 'failed') ??
      outcomes.find((each) => each.action !== 'unchanged') ??
      unchanged;
    log(`trust-store-${outcome.action}`, { store: id, ...outcome });
    return { store: { id, kind, path, ...(name === undefined ? {} : { name }) }, ...outcome };
  }

  let last: Promise<unknown> = Promise.resolve();
  /** One call at a time changes stores, and one store after the other: each reads, tells the journal, and writes. */
  async function changeAll(
    action: 'install' | 'remove',
    roots: readonly Root[],
    choose: () => Promise<readonly OpenStore[]>,
  ): Promise<TrustAction[]> {
    const mine = last.then(async () => {
      const actions: TrustAction[] = [];
      for (const store of await choose()) actions.push(await change(store, action, roots));
      return actions;
    });
    last = mine.catch(() => undefined);
    return await mine;
  }

  const named = async (roots: readonly Root[], ids: readonly string[]) =>
    (await find(roots)).filter(({ id }) => ids.includes(id));

  async function ownOnes(roots: readonly Root[]): Promise<OpenStore[]> {
    const all = await look(roots);
    return all.filter(({ found }) => found.fix === 'own').map(({ store }) => store);
  }

  /** What `watch` compares, and where the next change may show itself. */
  async function lookForChange() {
    const isOwn = await isOwnHome();
    const stores = isOwn ? await find([]) : [];
    const databases = stores.filter(({ kind }) => kind === 'thunderbird' || kind === 'shared-nss');
    const marks = await Promise.all(
      databases.map(async ({ id, path }) => `${id} ${(await statOf(join(path, 'cert9.db'))) !== undefined}`),
    );
    const rest = stores.filter((store) => !databases.includes(store)).map(({ id }) => id);
    const directories = [
      homeDir,
      ...profileDirectories(homeDir),
      ...sharedDatabases(homeDir).flatMap((path) => [dirname(path), path]),
      ...databases.map(({ path }) => path),
    ];
    return {
      directories: isOwn ? [...new Set(directories)] : [],
      stores: [...marks, ...rest].sort().join('\n'),
    };
  }

  return {
    status: async (roots) => (await look(roots)).map(({ found }) => found),
    install: (roots, ids) =>
      changeAll('install', roots, () => (ids === 'own' ? ownOnes(roots) : named(roots, ids))),
    remove: (roots, ids) =>
      changeAll('remove', roots, () => (ids === 'all' ? find(roots) : named(roots, ids))),
    watch: (onChange) =>
      watchStores({
        look: lookForChange,
        onChange,
        after,
        onExhausted: (code) => log('trust-store-watch-exhausted', { detail: code }),
      }),
    stop: () => stopped.abort(),
  };
}
