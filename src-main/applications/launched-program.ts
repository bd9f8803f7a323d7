// Which program a command starts, named as it will be named while it runs: launchers are often links, wrapper scripts, or
// scripts of an interpreter, and a rule for the launcher's path would never match.
import { accessSync, closeSync, constants, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import { isInterpreter } from '../contract/application-rule.ts';
import type { DesktopEntry } from './desktop-entry.ts';
import { scriptArgument } from './script-argument.ts';

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

/** The file that a path leads to in the end, if this user may do with it as `mode` says. */
function realFile(path: string, mode = constants.F_OK): string | undefined {
  try {
    const real = realpathSync(path);
    accessSync(real, mode);
    return statSync(real).isFile() ? real : undefined;
  } catch {
    return undefined;
  }
}

const executable = (path: string) => realFile(path, constants.X_OK);

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

/** The command itself and its arguments, behind `env` and its assignments. */
function withoutEnv(argv: readonly string[]): readonly string[] {
  if (basename(argv[0] ?? '') !== 'env') return argv;
  const at = argv.findIndex((word, i) => i > 0 && !word.includes('=') && !word.startsWith('-'));
  return at < 0 ? [] : argv.slice(at);
}

const commandOf = (argv: readonly string[]) => withoutEnv(argv)[0] ?? '';

const plain = (path: string): LaunchedProgram => ({
  application: path,
  path,
  interpreter: isInterpreter(path),
});

/** A script counts as a program, whatever interpreter runs it. */
const runScript = (path: string): LaunchedProgram => ({ application: path, path, interpreter: false });

/** A script: a shell's is a wrapper around a program of the same name, any other is a program of its own. */
function scriptProgram(
  script: string,
  shebang: readonly string[],
  folders: ProgramFolders,
): LaunchedProgram | undefined {
  const found = find(commandOf(shebang), folders.binDirs);
  const interpreter = found === undefined ? undefined : executable(found);
  if (interpreter === undefined) return undefined;
  if (!/^(?:ba|da|k|z)?sh$/.test(basename(interpreter)))
    return isInterpreter(interpreter) ? runScript(script) : plain(interpreter);
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

/** What a command with its arguments starts: `python3 /opt/mail/main.py` is its script. */
function launchedByArguments(argv: readonly string[], folders: ProgramFolders): LaunchedProgram | undefined {
  const program = launchedBy(argv[0] ?? '', folders);
  if (!program?.interpreter) return program;
  const typed = scriptArgument(program.path, argv);
  const script = typed !== undefined && isAbsolute(typed) ? realFile(typed) : undefined;
  return script === undefined ? program : runScript(script);
}

/** What a desktop entry starts. */
export function launchedByEntry(entry: DesktopEntry, folders: ProgramFolders): LaunchedProgram | undefined {
  const argv = withoutEnv(entry.exec);
  const command = argv[0] ?? '';
  if (entry.flatpak !== undefined)
    return { application: `flatpak:${entry.flatpak}`, path: command, interpreter: false };
  if (entry.snap !== undefined)
    return { application: `snap:${entry.snap}`, path: command, interpreter: false };
  return launchedByArguments(argv, folders);
}
