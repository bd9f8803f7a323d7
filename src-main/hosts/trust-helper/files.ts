// Files of the machine's stores: below directories that nobody but root can change, never through a link, whole or not at all.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { dirname, join } from 'node:path';

/** Where the machine's files begin, and who owns them; others than `/` and root in tests alone. */
export interface Machine {
  readonly root: string;
  readonly uid: number;
}

/** What the helper can't do, in words for whoever asked. */
export class Refusal extends Error {}

/** Policies are written by people; ours beside them holds one, in base64. */
const maxFileBytes = 1024 * 1024;

export const exists = (path: string) => fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** Refuses a directory that somebody else could change, as far up as the machine goes; a group may be root's equal (staff). */
function checkDirectory({ root, uid }: Machine, path: string): void {
  if (path !== root && path !== dirname(path)) checkDirectory({ root, uid }, dirname(path));
  const found = fs.lstatSync(path);
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o002) !== 0)
    throw new Refusal(`${path} is no directory of root's alone`);
}

/** Makes a directory where there is none, with those above it. */
export function makeDirectory(machine: Machine, path: string): void {
  if (exists(path)) return;
  makeDirectory(machine, dirname(path));
  checkDirectory(machine, dirname(path));
  fs.mkdirSync(path, { mode: 0o755 });
}

export interface FileContent {
  readonly octets: Buffer;
  readonly mode: number;
}

/** A file's octets and its mode; undefined when there is none. */
export function readFile(machine: Machine, path: string): FileContent | undefined {
  if (!exists(path)) return undefined;
  checkDirectory(machine, dirname(path));
  const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
  try {
    const found = fs.fstatSync(fd);
    const isOwn = found.isFile() && found.uid === machine.uid && (found.mode & 0o022) === 0;
    if (!isOwn || found.size > maxFileBytes) throw new Refusal(`${path} is no file of root's alone`);
    return { octets: fs.readFileSync(fd), mode: found.mode & 0o777 };
  } finally {
    fs.closeSync(fd);
  }
}

/** Puts a file in place of what is there, or takes it away. */
export function putFile(machine: Machine, path: string, file: FileContent | undefined): void {
  if (!file && !exists(path)) return;
  checkDirectory(machine, dirname(path));
  if (!file) {
    fs.rmSync(path);
    return;
  }
  const draft = join(dirname(path), `.postern-${randomBytes(8).toString('hex')}`);
  try {
    const fd = fs.openSync(draft, 'wx', 0o600);
    try {
      fs.writeFileSync(fd, file.octets);
      // Whatever the umask.
      fs.fchmodSync(fd, file.mode);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(draft, path);
  } finally {
    fs.rmSync(draft, { force: true });
  }
}

/** Takes a directory away that has nothing in it. */
export function removeIfEmpty(machine: Machine, path: string): void {
  if (!exists(path) || fs.readdirSync(path).length > 0) return;
  checkDirectory(machine, path);
  fs.rmdirSync(path);
}
