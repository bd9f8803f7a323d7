// `postern trust …`: the stores that programs look for authorities in. Says what is meant by the words of a command line, and
// what was done.
import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { TrustAction, TrustStore } from '../../contract/trust.ts';
import { CommandFailure } from '../failure.ts';
import { findRoots, noRootWords, notDoneExitCode } from './ca.ts';
import { withCore } from './core-client.ts';
import { printLine } from './output.ts';
import { type Access, accessHere, euid, hasOwnCore, stateWith, withAccess } from './trust-access.ts';
import { actionLine, install, relayLine, rootLines, storeLine } from './trust-lines.ts';

export interface TrustArguments {
  readonly dataDir: string;
  /** Ids, kinds, paths or names of stores; none: all that are meant without a name. */
  readonly stores: readonly string[];
  /** Directories with an NSS database that no list of profiles names. */
  readonly profiles: readonly string[];
  /** The machine's own store, too. */
  readonly system?: boolean;
}

/** The ids that words on the command line mean; a word that means none fails the command. */
export function namedStores(stores: readonly TrustStore[], words: readonly string[]): string[] {
  const ids = words.flatMap((word) => {
    const meant = stores.filter(
      ({ id, kind, name, path }) => [id, kind, name].includes(word) || path === resolve(word),
    );
    if (meant.length === 0) throw new CommandFailure('not-found', word);
    return meant.map(({ id }) => id);
  });
  return [...new Set(ids)];
}

/** What is meant without a name: this user's own; root's are those of the machine, too, and `--system` adds its bundle. */
export function unnamedStores(
  stores: readonly TrustStore[],
  { isRoot, system }: { readonly isRoot: boolean; readonly system: boolean },
): string[] | 'own' {
  if (!isRoot && !system) return 'own';
  return stores
    .filter(({ fix, kind }) => fix === 'own' || (fix === 'administrator' && (isRoot || kind === 'system')))
    .map(({ id }) => id);
}

async function changeProfiles(
  { journalFile }: Access,
  { dataDir, profiles }: TrustArguments,
  action: 'install' | 'remove',
): Promise<TrustAction[]> {
  if (profiles.length === 0) return [];
  const found = findRoots(dataDir);
  if (found === undefined) return [];
  const { changeNssDirectory } = await import('../../core/stored-trust.ts');
  const actions: TrustAction[] = [];
  for (const profile of profiles) {
    const options = { ...stateWith(journalFile), directory: resolve(profile), action, roots: found.roots };
    actions.push(await changeNssDirectory(options));
  }
  return actions;
}

/** Prints what was done, or that there was `nothing`; gives the exit code. */
function report(
  actions: readonly TrustAction[] | undefined,
  dataDir: string,
  nothing = 'no store was found',
): number {
  if (actions === undefined) {
    process.stderr.write(`postern: ${noRootWords} (${dataDir})\n`);
    return notDoneExitCode;
  }
  // A root that could neither come nor go failed twice.
  for (const line of new Set(actions.map(actionLine))) printLine(line);
  if (actions.length === 0) printLine(nothing);
  return actions.some(({ action }) => action === 'failed') ? notDoneExitCode : 0;
}

export async function trustStatus(dataDir: string, json: boolean): Promise<void> {
  const look = async (access: Access) => ({ asker: access.asker, trust: await access.status() });
  const given = await withAccess(dataDir, look);
  // Stores can be looked at all the same.
  const { asker, trust } = given ?? (await look(await accessHere(dataDir, { roots: [], path: '' })));
  if (json) return printLine(JSON.stringify(trust));
  if (given === undefined) printLine(noRootWords);
  rootLines(trust.roots).forEach(printLine);
  for (const store of trust.stores) printLine(storeLine(store, asker));
  for (const relay of trust.relays) printLine(relayLine(relay));
}

async function meantIds(
  access: Access,
  { stores, system = false }: TrustArguments,
): Promise<string[] | 'own'> {
  const isRoot = euid() === 0;
  const known = stores.length > 0 || system || isRoot ? (await access.status()).stores : [];
  const words = system && stores.length > 0 ? [...stores, 'system'] : stores;
  return words.length > 0 ? namedStores(known, words) : unnamedStores(known, { isRoot, system });
}

export async function installTrust(given: TrustArguments): Promise<number> {
  const { dataDir, stores, profiles, system = false } = given;
  const done = await withAccess(dataDir, async (access) => {
    mkdirSync(dirname(access.journalFile), { recursive: true, mode: 0o700 });
    const byHand = await changeProfiles(access, given, 'install');
    const isByHandAlone = profiles.length > 0 && stores.length === 0 && !system;
    const others = isByHandAlone ? [] : await access.install(await meantIds(access, given));
    const actions = [...byHand, ...others];
    const isNew = actions.some(({ action }) => action === 'installed');
    return { actions, isForRoot: isNew && !(await access.retryRefused()) };
  });
  const exitCode = report(done?.actions, dataDir);
  if (done?.isForRoot)
    printLine(
      'a program that refused before is tried again in time, or at once by: sudo postern trust forget',
    );
  return exitCode;
}

export async function removeTrust(given: TrustArguments): Promise<number> {
  const { dataDir, stores, profiles } = given;
  const actions = await withAccess(dataDir, async (access) => {
    const byHand = await changeProfiles(access, given, 'remove');
    if (profiles.length > 0 && stores.length === 0) return byHand;
    const ids = stores.length > 0 ? namedStores((await access.status()).stores, stores) : 'all';
    return [...byHand, ...(await access.remove(ids))];
  });
  return report(actions, dataDir);
}

export async function replaceRoot(dataDir: string): Promise<number> {
  return await withCore(dataDir, async (core) => {
    const actions = await core.trust.replace();
    printLine('a new root was made');
    rootLines([(await core.trust.certificate()).facts]).forEach(printLine);
    const exitCode = report(actions, dataDir, 'no store had the old one');
    // The system's core sees no user's stores, and changes none of the machine's.
    if (!(await hasOwnCore(dataDir))) printLine(`to do: sudo ${install}, and ${install} by each user`);
    return exitCode;
  });
}

export async function forgetRelays(dataDir: string, ids: readonly string[]): Promise<void> {
  await withCore(dataDir, async (core) => {
    const known = new Set((await core.trust.status()).relays.map(({ id }) => id));
    const missing = ids.find((id) => !known.has(id));
    if (missing !== undefined) throw new CommandFailure('not-found', missing);
    await core.trust.forget(ids.length === 0 ? {} : { ids: [...ids] });
  });
}
