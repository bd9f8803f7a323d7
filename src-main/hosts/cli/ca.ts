// `postern ca …`: the root's certificate for people and programs, never its key; and where commands find it.
import { lstatSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Root, rootsIn } from '../../core/stored-trust.ts';
import { dataDirOf, publicCaPath } from '../data-dir.ts';
import { CommandFailure } from '../failure.ts';
import { printable, printLine } from './output.ts';
import { rootLines } from './trust-lines.ts';

export interface FoundRoots {
  readonly path: string;
  /** The present one, then the one that is to follow it. */
  readonly roots: readonly [Root, ...Root[]];
}

/** What a command says that needs a root where none was made yet. */
export const noRootWords = 'there is no root certificate yet: start Postern once';
/** There is no root, or not everything could be done. */
export const notDoneExitCode = 1;

/** An authority's file has a few kilobytes. */
const maxCaBytes = 1024 * 1024;

function rootsOf(path: string): FoundRoots | undefined {
  const file = lstatSync(path, { throwIfNoEntry: false });
  if (file === undefined) return undefined;
  const [root, ...more] = file.isFile() && file.size <= maxCaBytes ? rootsIn(readFileSync(path, 'utf8')) : [];
  if (root === undefined) throw new CommandFailure('invalid-input', `no certificate: ${path}`);
  return { path, roots: [root, ...more] };
}

/** The roots of a data directory's core; where it never had one, those of the system's core (for the default directory). */
export function findRoots(
  dataDir: string,
  systemsPath: string | undefined = dataDir === dataDirOf(undefined) ? publicCaPath : undefined,
): FoundRoots | undefined {
  return (
    rootsOf(join(dataDir, 'certificates', 'ca.pem')) ??
    (systemsPath === undefined ? undefined : rootsOf(systemsPath))
  );
}

function complain(dataDir: string): number {
  process.stderr.write(`postern: ${noRootWords} (${dataDir})\n`);
  return notDoneExitCode;
}

/** Writes the certificates as PEM to a file, or to standard output for `-` and without one. Gives the exit code. */
export function exportCa(dataDir: string, file = '-'): number {
  const found = findRoots(dataDir);
  if (found === undefined) return complain(dataDir);
  const pem = found.roots.map((root) => root.pem).join('');
  if (file === '-') {
    process.stdout.write(pem);
    return 0;
  }
  const draft = `${file}.${process.pid}.part`;
  writeFileSync(draft, pem, { mode: 0o644, flag: 'wx' });
  renameSync(draft, file);
  return 0;
}

/** The lines for people. */
export function caLines({ path, roots }: FoundRoots): string[] {
  return [...rootLines(roots.map(({ facts }) => facts)), printable(`file: ${path}`)];
}

export function showCa(dataDir: string): number {
  const found = findRoots(dataDir);
  if (found === undefined) return complain(dataDir);
  caLines(found).forEach(printLine);
  return 0;
}
