// How a command changes the stores that programs look for authorities in. The caller's own core does the work where one runs;
// without one it is done here, with the root that a core has made.
import { existsSync, lstatSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import type { TlsRelay, Trust, TrustAction, TrustStore } from '../../contract/trust.ts';
import type { Root } from '../../core/stored-trust.ts';
import { publicCaPath, socketPath } from '../data-dir.ts';
import { CommandFailure } from '../failure.ts';
import { findSystemCore } from '../system-core.ts';
import { findAdministrator } from '../trust-route.ts';
import { type FoundRoots, findRoots } from './ca.ts';
import { withCore } from './core-client.ts';
import type { Asker } from './trust-lines.ts';

export const euid = () => process.geteuid?.() ?? 0;

/** What can be done with the stores, by a core or here. */
export interface Access {
  readonly asker: Asker;
  /** Where it is noted what stores of this home directory were like before. */
  readonly journalFile: string;
  status(): Promise<Trust>;
  install(ids: readonly string[] | 'own'): Promise<readonly TrustAction[]>;
  remove(ids: readonly string[] | 'all'): Promise<readonly TrustAction[]>;
  /** Has programs tried again that refused our certificates before a store got the root. False: the caller may not say so. */
  retryRefused(): Promise<boolean>;
}

/** Whether a core of this user answers there; root does not let another user's core do its work. */
export async function hasOwnCore(dataDir: string): Promise<boolean> {
  const path = socketPath(dataDir);
  const socket = lstatSync(path, { throwIfNoEntry: false });
  return socket?.uid === euid() && (await findSystemCore(path)).kind === 'attach';
}

/** Root's own, whatever HOME says under sudo or in a package's script. */
const ownHome = () => (euid() === 0 ? userInfo().homedir : homedir());

const journalIn = (directory: string) => join(directory, 'trust-journal.json');
const journalBelow = (home: string) => journalIn(join(home, '.local', 'state', 'postern'));

/** Beside the core's own files, or at home where those are another's. */
function journalOf(dataDir: string): string {
  const owner = lstatSync(dataDir, { throwIfNoEntry: false })?.uid ?? euid();
  return owner === euid() ? journalIn(dataDir) : journalBelow(ownHome());
}

const placedRootsFile = (directory: string) => join(directory, 'trust-placed.json');

/** Nothing that is left out is worth a line here: a store that can't be read says so itself. */
const log = () => undefined;

export const stateWith = (journalFile: string) => ({
  homeDir: homedir(),
  uid: euid(),
  journalFile,
  now: () => new Date(),
  log,
});

export async function accessHere(
  dataDir: string,
  { roots, path }: Pick<FoundRoots, 'path'> & { readonly roots: readonly Root[] },
  journalFile = journalOf(dataDir),
): Promise<Access> {
  const { openPlacedRoots, openTrustStores } = await import('../../core/stored-trust.ts');
  const stores = openTrustStores({ ...stateWith(journalFile), administrator: findAdministrator });
  const placed = openPlacedRoots({ file: placedRootsFile(dirname(journalFile)), log });
  const asker = askerOf(path);
  /** What the machine trusts of the system's core is root's business. */
  const isTheirs = ({ fix }: Pick<TrustStore, 'fix'>) =>
    asker !== "user of the system's core" || fix !== 'administrator';
  const changeable = async () => (await stores.status(roots)).filter(isTheirs).map(({ id }) => id);
  const isTrusted = async (root: Root) =>
    (await stores.status([root])).some((store) => isTheirs(store) && store.state === 'trusted');
  return {
    asker,
    journalFile,
    status: async () => ({
      roots: roots.map(({ facts }) => facts),
      caPath: path,
      homeDir: homedir(),
      stores: await stores.status(roots),
      relays: await relaysOf(dataDir),
    }),
    async install(ids) {
      await placed.add(roots);
      const actions = await stores.install(roots, ids);
      const replaced = placed.others(roots);
      if (replaced.length === 0) return actions;
      const removed = await stores.remove(replaced, await changeable());
      await placed.keepOnly(isTrusted);
      return [...actions, ...removed.filter(({ action }) => action !== 'unchanged')];
    },
    async remove(ids) {
      const all = [...roots, ...placed.others(roots)];
      const actions = await stores.remove(all, ids === 'all' ? await changeable() : ids);
      await placed.keepOnly(isTrusted);
      tidy(journalFile);
      return actions;
    },
    retryRefused: () => retryRefused(dataDir),
  };
}

/** What commands have noted goes with the last of it; a core's own directory stays. */
function tidy(journal: string): void {
  const directory = dirname(journal);
  for (const [file, nothing] of [
    [journal, /"entries": \[\]/],
    [placedRootsFile(directory), /^\[\]$/],
  ] as const)
    if (existsSync(file) && nothing.test(readFileSync(file, 'utf8'))) rmSync(file);
  if (existsSync(directory) && readdirSync(directory).length === 0) rmdirSync(directory);
}

function askerOf(caPath: string): Asker {
  if (euid() === 0) return 'root';
  return caPath === publicCaPath ? "user of the system's core" : 'user';
}

/** The core doesn't see what is done here. */
async function retryRefused(dataDir: string): Promise<boolean> {
  try {
    await withCore(dataDir, async (core) => {
      const { relays } = await core.trust.status();
      const refused = relays.filter(({ reason }) => reason === 'certificate-refused').map(({ id }) => id);
      if (refused.length > 0) await core.trust.forget({ ids: refused });
    });
    return true;
  } catch (error) {
    // Where no core runs, it remembers nothing that is worth a word.
    if (error instanceof CommandFailure) return true;
    return false;
  }
}

/** The system's core may tell of them; one that won't is no reason to fail. */
async function relaysOf(dataDir: string): Promise<TlsRelay[]> {
  return await withCore(dataDir, (core) => core.trust.status()).then(
    ({ relays }) => relays,
    () => [],
  );
}

export async function withAccess<Result>(
  dataDir: string,
  use: (access: Access) => Promise<Result>,
): Promise<Result | undefined> {
  const found = findRoots(dataDir);
  if (await hasOwnCore(dataDir)) {
    return await withCore(dataDir, async (core) => {
      // One that was started with another home directory looks after the programs there.
      const { state } = await core.state.get();
      if (state.trust.homeDir !== homedir() && found)
        return await use(await accessHere(dataDir, found, journalBelow(homedir())));
      return await use({
        asker: euid() === 0 ? 'root' : 'user',
        journalFile: journalOf(dataDir),
        status: () => core.trust.status(),
        install: (ids) => core.trust.install(ids === 'own' ? {} : { stores: [...ids] }),
        remove: (ids) => core.trust.remove(ids === 'all' ? {} : { stores: [...ids] }),
        retryRefused: async () => true,
      });
    });
  }
  return found === undefined ? undefined : await use(await accessHere(dataDir, found));
}
