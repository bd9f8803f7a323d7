// The helpers of a clone: copies that belong to root, below /usr/local, which pkexec may start. Nothing in them is a file that
// a user can write to.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import {
  helperFiles,
  helperNames,
  type InstalledFile,
  policyFiles,
  UnfitModule,
  wrapperName,
} from './helper-files.ts';
import { untrustedPart } from './netfilter-route.ts';

/** Where everything goes; others than these in tests alone. */
export interface HelperPlaces {
  readonly libraryDir: string;
  /** polkit's actions. */
  readonly policyDir: string;
  /** A helper of the Debian package, whose helpers go first. */
  readonly packagedHelper: string;
  readonly node: string;
  readonly ownerUid: number;
}

/** How long a copy may take to say its first line: twenty times what it needs. */
const trialMs = 10_000;

export function helperPlaces(): HelperPlaces {
  return {
    libraryDir: '/usr/local/lib/postern',
    policyDir: '/usr/share/polkit-1/actions',
    packagedHelper: '/usr/lib/postern/netfilter-helper',
    node: process.execPath,
    ownerUid: 0,
  };
}

export type HelperStatus =
  | { readonly kind: 'none' }
  | { readonly kind: 'packaged'; readonly path: string }
  | { readonly kind: 'installed'; readonly libraryDir: string }
  /** `paths`: what is missing, another's, or not as this clone would write it. */
  | { readonly kind: 'differs'; readonly libraryDir: string; readonly paths: readonly string[] };

export type InstallResult =
  | { readonly ok: true; readonly libraryDir: string }
  /** In words for whoever installs. */
  | { readonly ok: false; readonly problem: string };

const contentOf = ({ content }: InstalledFile) =>
  typeof content === 'string' ? Buffer.from(content) : readFileSync(content.copyOf);

function write(directory: string, file: InstalledFile): string {
  const path = join(directory, file.path);
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  if (typeof file.content === 'string') writeFileSync(path, file.content, { flag: 'wx' });
  else copyFileSync(file.content.copyOf, path);
  // Whatever the umask, or the mode of what was copied.
  chmodSync(path, file.mode);
  return path;
}

/** Puts `next` in the place of a directory or file; what was there is gone afterwards. */
function replace(next: string, place: string): void {
  const old = `${next}.old`;
  if (existsSync(place)) renameSync(place, old);
  renameSync(next, place);
  rmSync(old, { recursive: true, force: true });
}

/**
 * Without a person or a request behind it a helper says why it ends, which takes all of its modules. Gives the path of one that
 * doesn't.
 */
function silent(staged: string, files: readonly InstalledFile[]): string | undefined {
  const modules = files.map(({ path }) => path).filter((path) => path.endsWith('-helper/main.js'));
  return modules.find((module) => {
    const { stdout } = spawnSync(join(staged, 'node'), [join(staged, module)], {
      env: {},
      input: '',
      encoding: 'utf8',
      timeout: trialMs,
    });
    return !/^\{"(?:hello|end|ok)":/.test(stdout ?? '');
  });
}

/** Installs the helpers of this clone, or renews them. Needs root. */
export function installHelper(places: HelperPlaces): InstallResult {
  const { libraryDir, policyDir, packagedHelper, node, ownerUid } = places;
  const parent = dirname(libraryDir);
  if (existsSync(packagedHelper))
    return { ok: false, problem: `the package's helper is installed: ${packagedHelper}` };
  if (!existsSync(policyDir))
    return { ok: false, problem: 'polkit is missing (packages polkitd and pkexec)' };
  mkdirSync(parent, { recursive: true, mode: 0o755 });
  const open = untrustedPart(parent, ownerUid);
  if (open !== undefined) return { ok: false, problem: `others than root may change ${open}` };

  let staged: string | undefined;
  try {
    const files = helperFiles(libraryDir, node);
    staged = mkdtempSync(join(parent, '.postern-'));
    for (const file of files) write(staged, file);
    for (const directory of directoriesOf(files)) chmodSync(join(staged, directory), 0o755);
    const unfit = silent(staged, files);
    if (unfit !== undefined) return { ok: false, problem: `a helper of this clone does not start: ${unfit}` };
    replace(staged, libraryDir);
    for (const policy of policyFiles(libraryDir, '.local')) {
      // polkit reads names that end in .policy alone.
      const temporary = write(policyDir, { ...policy, path: `.${policy.path}.${process.pid}` });
      renameSync(temporary, join(policyDir, policy.path));
    }
    return { ok: true, libraryDir };
  } catch (error) {
    if (error instanceof UnfitModule)
      return { ok: false, problem: `a helper of this clone can't stand alone: ${error.message}` };
    throw error;
  } finally {
    if (staged !== undefined) rmSync(staged, { recursive: true, force: true });
  }
}

/** The library itself and every directory in it. */
function directoriesOf(files: readonly InstalledFile[]): Set<string> {
  const directories = new Set(['.']);
  for (const { path } of files) {
    for (let each = dirname(path); each !== '.'; each = dirname(each)) directories.add(each);
  }
  return directories;
}

function policiesOf({ libraryDir, policyDir }: HelperPlaces) {
  return policyFiles(libraryDir, '.local').map((file) => ({ file, path: join(policyDir, file.path) }));
}

/** Takes away what `installHelper` has made; answers whether there was anything. */
export function removeHelper(places: HelperPlaces): boolean {
  const all = [...policiesOf(places).map(({ path }) => path), places.libraryDir];
  const present = all.filter((place) => existsSync(place));
  for (const place of present) rmSync(place, { recursive: true });
  return present.length > 0;
}

function isAsWritten(path: string, file: InstalledFile, ownerUid: number): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return (
    found?.isFile() === true &&
    found.uid === ownerUid &&
    (found.mode & 0o7777) === file.mode &&
    readFileSync(path).equals(contentOf(file))
  );
}

/** What is installed, and whether it is what this clone would install. */
export function helperStatus(places: HelperPlaces): HelperStatus {
  const { libraryDir, packagedHelper, node, ownerUid } = places;
  if (existsSync(packagedHelper)) return { kind: 'packaged', path: packagedHelper };
  const policies = policiesOf(places);
  if (!existsSync(libraryDir) && !policies.some(({ path }) => existsSync(path))) return { kind: 'none' };
  const differing = helperFiles(libraryDir, node)
    .map((file) => ({ file, path: join(libraryDir, file.path) }))
    .concat(policies)
    .filter(({ file, path }) => !isAsWritten(path, file, ownerUid))
    .map(({ path }) => path);
  const open = helperNames.flatMap(
    (name) => untrustedPart(join(libraryDir, wrapperName(name)), ownerUid) ?? [],
  );
  const paths = [...new Set([...open, ...differing])];
  return paths.length === 0 ? { kind: 'installed', libraryDir } : { kind: 'differs', libraryDir, paths };
}
