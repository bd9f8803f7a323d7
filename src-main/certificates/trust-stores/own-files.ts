// Reads files of a home directory without being led astray: no link that another user has made, no pipe that never
// answers, nothing larger than it may be. What can't be read is told from what is not there.
import { constants, type Stats } from 'node:fs';
import { lstat, open, readlink } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';

/** Linux's own limit (path_resolution(7)). */
const maxLinks = 40;

/** Status of what is there, undefined when it is not there or may not be looked at. Links are not followed. */
export async function statOf(path: string): Promise<Stats | undefined> {
  return await lstat(path).catch(() => undefined);
}

/**
 * The place that a path leads to, where each link on the way belongs to this user or to root; undefined when there is
 * nothing, or another's link lies on the way. A process of root must not be led to files by those who don't own them.
 */
export async function followOwn(
  path: string,
  uid: number,
): Promise<{ path: string; stat: Stats } | undefined> {
  // NUL ends a path for the kernel, and Node throws at it.
  if (!isAbsolute(path) || path.includes('\0')) return undefined;
  let at: string = sep;
  let left = resolve(path).split(sep).filter(Boolean);
  let stat = await statOf(at);
  for (let links = 0; left.length > 0; ) {
    const [name = '', ...rest] = left;
    const next = join(at, name);
    stat = await statOf(next);
    if (stat === undefined) return undefined;
    left = rest;
    if (!stat.isSymbolicLink()) at = next;
    else {
      if ((stat.uid !== uid && stat.uid !== 0) || ++links > maxLinks) return undefined;
      const target = await readlink(next).catch(() => undefined);
      if (target === undefined) return undefined;
      left = [...resolve(dirname(next), target).split(sep).filter(Boolean), ...rest];
      at = sep;
      stat = await statOf(at);
    }
  }
  return stat && { path: at, stat };
}

export type FileText =
  | { readonly kind: 'text'; readonly bytes: Buffer; readonly mtimeMs: number }
  | { readonly kind: 'absent' }
  /** `detail`: technical words. */
  | { readonly kind: 'unreadable'; readonly detail: string };

/** Reads a regular file of at most this size. */
export async function readSmallFile(path: string, maxBytes: number): Promise<FileText> {
  if (path.includes('\0')) return { kind: 'absent' };
  try {
    // Without O_NONBLOCK, opening a named pipe waits for a writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = await file.stat();
      if (!stat.isFile()) return { kind: 'unreadable', detail: `${path} is not a file` };
      const bytes = Buffer.alloc(Math.min(stat.size, maxBytes) + 1);
      let length = 0;
      for (let read = -1; read !== 0 && length < bytes.length; length += read) {
        read = (await file.read(bytes, length, bytes.length - length, length)).bytesRead;
      }
      if (length > maxBytes)
        return { kind: 'unreadable', detail: `${path} is larger than ${maxBytes} octets` };
      return { kind: 'text', bytes: bytes.subarray(0, length), mtimeMs: stat.mtimeMs };
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'absent' };
    return { kind: 'unreadable', detail: `${path}: ${code}` };
  }
}
