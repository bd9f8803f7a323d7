// Debian packages that a script needs: installed as root, else named in the one line to run. Those that can't stand beside
// an installed one are only downloaded, to be unpacked where they are used.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };

/** Those of the names that are not installed; all of them on a system that is not Debian. */
export function missingPackages(names: readonly string[]): readonly string[] {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
  const { stdout, error } = spawnSync('dpkg-query', ['-W', '-f=${Package} ${db:Status-Status}\n', ...names], {
    encoding: 'utf8',
  });
  if (error !== undefined) return names;
  const installed = new Set(
    stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.slice(0, line.indexOf(' '))),
  );
  return names.filter((name) => !installed.has(name));
}

function aptGet(args: readonly string[], { cwd }: { readonly cwd?: string } = {}): boolean {
  const { status, stdout, stderr } = spawnSync('apt-get', ['-q', '-y', ...args], {
    encoding: 'utf8',
    env: environment,
    ...(cwd === undefined ? {} : { cwd }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (status !== 0) process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`);
  return status === 0;
}

/**
 * Sees to it that the packages are there, and answers whether they are. `why` ends the sentence "needed for …".
 * Without root, or without apt, it says what is missing and changes nothing.
 */
export async function ensureDebianPackages(
  names: readonly string[],
  { why }: { readonly why: string },
): Promise<boolean> {
  const missing = missingPackages(names);
  if (missing.length === 0) return true;
  const list = missing.join(' ');
  if (process.getuid?.() !== 0) {
    console.error(`Needed for ${why}: sudo apt-get install --no-install-recommends ${list}`);
    return false;
  }
  console.error(`Installing for ${why}: ${list}`);
  const installed = aptGet(['update']) && aptGet(['install', '--no-install-recommends', ...missing]);
  if (!installed) console.error(`Could not be installed: ${list}`);
  return installed;
}

/** Of this user alone: what lies in it is run by the tests. */
const cacheDirectory = () =>
  join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'postern', 'debian');

/** The downloaded archive of a package, or undefined. */
export function downloadedPackage(name: string): string | undefined {
  try {
    const file = readdirSync(cacheDirectory()).find((each) => each.startsWith(`${name}_`));
    return file === undefined ? undefined : join(cacheDirectory(), file);
  } catch (error) {
    // Nothing was downloaded yet.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Sees to it that the packages' archives are there, without installing them, and answers whether they are. */
export async function downloadDebianPackages(
  names: readonly string[],
  { why }: { readonly why: string },
): Promise<boolean> {
  const missing = names.filter((name) => downloadedPackage(name) === undefined);
  if (missing.length === 0) return true;
  console.error(`Downloading for ${why}: ${missing.join(' ')}`);
  mkdirSync(cacheDirectory(), { recursive: true, mode: 0o700 });
  // A download that is cut short leaves no half archive under its name.
  const directory = mkdtempSync(join(cacheDirectory(), '.partial-'));
  try {
    // As root, apt would fetch as a user of its own, who may not write here.
    const download = ['-o', 'APT::Sandbox::User=root', 'download', ...missing];
    const got =
      aptGet(download, { cwd: directory }) || (aptGet(['update']) && aptGet(download, { cwd: directory }));
    if (!got) {
      console.error(`Could not be downloaded: ${missing.join(' ')}`);
      return false;
    }
    for (const file of readdirSync(directory))
      renameSync(join(directory, file), join(cacheDirectory(), file));
    return true;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
