// Which program a command starts, named as it will be named while it runs: launchers are often links, wrapper scripts, or
// scripts of an interpreter, and a rule for the launcher's path would never match.
import { accessSync, closeSync, constants, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import { isInterpreter } from '../contract/application-rule.ts';
import type { DesktopEntry } from './desktop-entry.ts';

/** Where programs lie. */
export interface ProgramFolders {
  /** As in PATH. */
  readonly binDirs: readonly string[];
  /** Where a wrapper's own program lies, in a folder of its name. */
  readonly libDirs: readonly string[];
}

export interface LaunchedProgram {
  /** What goes into the settings. */
  readonly application: string;
  readonly path: string;
  readonly interpreter: boolean;
}

/** Linux reads no longer first line (BINPRM_BUF_SIZE). */
const maxShebangBytes = 256;

/** The file that a path leads to in the end, if it can be executed. */
function executable(path: string): string | undefined {
  try {
    const real = realpathSync(path);
    accessSync(real, constants.X_OK);
    return statSync(real).isFile() ? real : undefined;
  } catch {
    return undefined;
  }
}

/** The words of a script's first line, or undefined for a binary. */
function shebangOf(path: string): string[] | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    const bytes = Buffer.alloc(maxShebangBytes);
    const [line = ''] = bytes.toString('latin1', 0, readSync(fd, bytes)).split('\n', 1);
    return line.startsWith('#!') ? line.slice(2).trim().split(/\s+/) : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Finds a command, as a shell would. */
function find(command: string, binDirs: readonly string[]): string | undefined {
  if (isAbsolute(command)) return command;
  if (command === '' || command.includes('/')) return undefined;
  return binDirs.map((folder) => join(folder, command)).find((path) => executable(path) !== undefined);
}

/** The command itself, behind `env` and its assignments. */
function commandOf(argv: readonly string[]): string {
  const isEnv = basename(argv[0] ?? '') === 'env';
  return (isEnv ? argv.slice(1).find((word) => !word.includes('=') && !word.startsWith('-')) : argv[0]) ?? '';
}

const plain = (path: string): LaunchedProgram => ({
  application: path,
  path,
  interpreter: isInterpreter(path),
});

/** A script: a shell's is a wrapper around a program of the same name, any other runs as its interpreter. */
function scriptProgram(
  script: string,
  shebang: readonly string[],
  folders: ProgramFolders,
): LaunchedProgram | undefined {
  const found = find(commandOf(shebang), folders.binDirs);
  const interpreter = found === undefined ? undefined : executable(found);
  if (interpreter === undefined) return undefined;
  if (!/^(?:ba|da|k|z)?sh$/.test(basename(interpreter))) return plain(interpreter);
  const name = basename(script);
  const candidates = folders.libDirs.flatMap((folder) => [
    join(folder, name, name),
    join(folder, name, `${name}-bin`),
  ]);
  const wrapped = candidates
    .map(executable)
    .find((path) => path !== undefined && shebangOf(path) === undefined);
  return wrapped === undefined ? undefined : plain(wrapped);
}

/** What `command` starts; undefined when there is no such program, or a wrapper does not show what it wraps. */
export function launchedBy(command: string, folders: ProgramFolders): LaunchedProgram | undefined {
  const launcher = find(command, folders.binDirs);
  if (launcher === undefined) return undefined;
  // The launcher of a Snap is a link to the `snap` command, and tells its name by its own.
  const snap = /^(?:\/var\/lib\/snapd)?\/snap\/bin\/([A-Za-z0-9_-]+)/.exec(launcher)?.[1];
  if (snap !== undefined) return { application: `snap:${snap}`, path: launcher, interpreter: false };
  const path = executable(launcher);
  if (path === undefined) return undefined;
  if (/\.appimage$/i.test(path)) return { application: `appimage:${path}`, path, interpreter: false };
  const shebang = shebangOf(path);
  return shebang === undefined ? plain(path) : scriptProgram(path, shebang, folders);
}

/** What a desktop entry starts. */
export function launchedByEntry(entry: DesktopEntry, folders: ProgramFolders): LaunchedProgram | undefined {
  const command = commandOf(entry.exec);
  if (entry.flatpak !== undefined)
    return { application: `flatpak:${entry.flatpak}`, path: command, interpreter: false };
  if (entry.snap !== undefined)
    return { application: `snap:${entry.snap}`, path: command, interpreter: false };
  return launchedBy(command, folders);
}
