// The files that rules come from: ours, which are as they were shipped, and the user's, which may be anything. What is
// wrong with one of the user's is said, and it is left out.
import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { extname, join } from 'node:path';

/** What is wrong with a file of rules, for its author. */
export interface RuleProblem {
  /** The name of the file, or the path of the directory. */
  readonly file: string;
  /** The first is 1. */
  readonly line?: number;
  readonly message: string;
}

/** Rules of YARA, or a list of hashes. */
export interface RuleFile {
  readonly name: string;
  readonly kind: 'rules' | 'hashes';
  /** Of ours: a fault in it is a bug. */
  readonly isOurs: boolean;
  readonly source: string;
}

/** Octets of one file: tens of thousands of rules, which take some seconds to compile. */
const fileBytes = 4 * 1024 * 1024;

/** Octets of all files of a directory: each worker holds its rules in memory. */
const directoryBytes = 64 * 1024 * 1024;

/** Files of a directory: large public collections have some hundreds. */
const directoryFiles = 1_000;

const kinds: Readonly<Record<string, RuleFile['kind']>> = {
  '.yar': 'rules',
  '.yara': 'rules',
  '.hdb': 'hashes',
  '.hsb': 'hashes',
};

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

/** The octets of a regular file; a text says why there are none. */
function readRegular(path: string): Buffer | string {
  try {
    // A FIFO would hold this thread for good. A symbolic link may lead to rules that others keep up to date.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(fd);
      if (!stats.isFile()) return 'not a regular file';
      // One more than there should be: a file that grows meanwhile is cut off, not followed.
      const bytes = Buffer.allocUnsafe(Math.min(stats.size, fileBytes) + 1);
      let length = 0;
      for (let got = -1; got !== 0 && length < bytes.length; length += got)
        got = readSync(fd, bytes, length, bytes.length - length, null);
      if (length > fileBytes) return `larger than ${fileBytes / 1024 / 1024} MiB`;
      return length > stats.size ? 'changed while it was read' : bytes.subarray(0, length);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return `can't be read: ${codeOf(error)}`;
  }
}

interface NamedFile {
  readonly name: string;
  readonly kind: RuleFile['kind'];
}

/** The files of a directory that may have rules, by name. Throws the system's error. */
function listFiles(directory: string): NamedFile[] {
  return readdirSync(directory)
    .sort()
    .flatMap((name) => {
      const kind = kinds[extname(name)];
      return kind === undefined || name.startsWith('.') ? [] : [{ name, kind }];
    });
}

/** Our own files. Throws where one of them can't be read: they are shipped, so that is a fault of the installation. */
export function readOurRules(directory: string): RuleFile[] {
  const files = listFiles(directory).map(({ name, kind }): RuleFile => {
    const bytes = readRegular(join(directory, name));
    if (typeof bytes === 'string') throw new Error(`${name}: ${bytes}`);
    return { name, kind, isOurs: true, source: bytes.toString('utf8') };
  });
  if (files.length === 0) throw new Error(`no rules in ${directory}`);
  return files;
}

/** The user's files, as far as they can be read; a directory that is missing has none. Never throws. */
export function readUserRules(directory: string): {
  readonly files: readonly RuleFile[];
  readonly problems: readonly RuleProblem[];
} {
  const files: RuleFile[] = [];
  const problems: RuleProblem[] = [];
  let listed: readonly NamedFile[] = [];
  try {
    listed = listFiles(directory);
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'ENOENT') problems.push({ file: directory, message: `can't be read: ${code}` });
  }
  if (listed.length > directoryFiles)
    problems.push({ file: directory, message: `only the first ${directoryFiles} files are read` });
  let left = directoryBytes;
  for (const { name, kind } of listed.slice(0, directoryFiles)) {
    const bytes = readRegular(join(directory, name));
    if (typeof bytes === 'string') problems.push({ file: name, message: bytes });
    else if (!isUtf8(bytes)) problems.push({ file: name, message: 'not UTF-8' });
    else if (bytes.length > left)
      problems.push({
        file: name,
        message: `more than ${directoryBytes / 1024 / 1024} MiB of rules in all`,
      });
    else {
      left -= bytes.length;
      files.push({ name, kind, isOurs: false, source: bytes.toString('utf8') });
    }
  }
  return { files, problems };
}
