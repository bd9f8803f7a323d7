// The netfilter helper of a clone: a copy that belongs to root, below /usr/local, which pkexec may start. Nothing in it is a
// file that a user can write to.
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
import { helperFiles, type InstalledFile, policyFile, UnfitModule, wrapperName } from './helper-files.ts';
import { untrustedPart } from './netfilter-route.ts';

/** Where everything goes; others than these in tests alone. */
export interface HelperPlaces {
  readonly libraryDir: string;
  /** polkit's actions. */
  readonly policyDir: string;
  /** The helper of the Debian package, which goes first. */
  readonly packagedHelper: string;
  readonly node: string;
  readonly ownerUid: number;
}

const action = 'org.postern.netfilter.local';

/** How long the copy may take to say its first line: twenty times what it needs. */
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

/** Without a person behind it the helper says why it ends, which takes all of its modules. */
function speaks(staged: string, files: readonly InstalledFile[]): boolean {
  const module = files.find(({ path }) => path.endsWith('/main.js'))?.path ?? '';
  const { stdout } = spawnSync(join(staged, 'node'), [join(staged, module)], {
    env: {},
    input: '',
    encoding: 'utf8',
    timeout: trialMs,
  });
  return /^\{"(?:hello|end)":/.test(stdout ?? '');
}

/** Installs the helper of this clone, or renews it. Needs root. */
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
    if (!speaks(staged, files)) return { ok: false, problem: 'the helper of this clone does not start' };
    replace(staged, libraryDir);
    const policy = policyFile(action, libraryDir);
    // polkit reads names that end in .policy alone.
    const temporary = write(policyDir, { ...policy, path: `.${policy.path}.${process.pid}` });
    renameSync(temporary, join(policyDir, policy.path));
    return { ok: true, libraryDir };
  } catch (error) {
    if (error instanceof UnfitModule)
      return { ok: false, problem: `the helper of this clone can't stand alone: ${error.message}` };
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

/** Takes away what `installHelper` has made; answers whether there was anything. */
export function removeHelper({ libraryDir, policyDir }: HelperPlaces): boolean {
  const places = [join(policyDir, `${action}.policy`), libraryDir];
  const present = places.filter((place) => existsSync(place));
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
  const { libraryDir, policyDir, packagedHelper, node, ownerUid } = places;
  if (existsSync(packagedHelper)) return { kind: 'packaged', path: packagedHelper };
  const policy = policyFile(action, libraryDir);
  const policyPath = join(policyDir, policy.path);
  if (!existsSync(libraryDir) && !existsSync(policyPath)) return { kind: 'none' };
  const differing = helperFiles(libraryDir, node)
    .map((file) => ({ file, path: join(libraryDir, file.path) }))
    .concat({ file: policy, path: policyPath })
    .filter(({ file, path }) => !isAsWritten(path, file, ownerUid))
    .map(({ path }) => path);
  const open = untrustedPart(join(libraryDir, wrapperName), ownerUid);
  const paths = [...new Set(open === undefined ? differing : [open, ...differing])];
  return paths.length === 0 ? { kind: 'installed', libraryDir } : { kind: 'differs', libraryDir, paths };
}
