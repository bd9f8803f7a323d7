// Reads what the kernel tells of a process, and what lies in a process's own root. Never throws, follows no trap, and reads no
// endless file.
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from 'node:fs';

/** A .flatpak-info or a cgroup has a few hundred octets, an environment rarely more than some KB. */
const maxFileBytes = 256 * 1024;

export function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/**
 * The beginning of a plain file, or undefined when it can't be had. What lies in a process's own root may be anything: a link
 * or a pipe in its place must neither be followed nor waited for.
 */
export function textOf(path: string, maxBytes = maxFileBytes): string | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (!fstatSync(fd).isFile()) return undefined;
    const bytes = Buffer.alloc(maxBytes);
    let length = 0;
    // A file of /proc gives one page at a time.
    for (let read = -1; read !== 0 && length < maxBytes; length += read) {
      read = readSync(fd, bytes, length, maxBytes - length, null);
    }
    return bytes.toString('utf8', 0, length);
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** The effective uid in a process's status (proc_pid_status(5)). `process`: its directory below /proc. */
export function uidOf(process: string): number | undefined {
  const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(textOf(`${process}/status`) ?? '')?.[1];
  return uid === undefined ? undefined : Number(uid);
}
