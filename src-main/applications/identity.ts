// What a running program is called in "Excluded applications": the path of its executable, and for a sandboxed one the name
// that stays the same from start to start. A program can be made to look like another: convenience, not security.
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from 'node:fs';
import type { ApplicationIdentity } from '../contract/application-rule.ts';

/** A .flatpak-info or a cgroup has a few hundred octets, an environment rarely more than some KB. */
const maxFileBytes = 256 * 1024;

function linkOf(path: string): string | undefined {
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
function textOf(path: string): string | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (!fstatSync(fd).isFile()) return undefined;
    const bytes = Buffer.alloc(maxFileBytes);
    let length = 0;
    // A file of /proc gives one page at a time.
    for (let read = -1; read !== 0 && length < maxFileBytes; length += read) {
      read = readSync(fd, bytes, length, maxFileBytes - length, null);
    }
    return bytes.toString('utf8', 0, length);
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** `name=` in the group `[Application]` (flatpak-metadata(5)). */
function flatpakName(info: string): string | undefined {
  const group = /^\[Application\]$([^[]*)/m.exec(info)?.[1];
  return /^name=([A-Za-z0-9_.-]+)$/m.exec(group ?? '')?.[1];
}

/** systemd escapes unit names (systemd.unit(5), "String escaping"). */
function unescapeUnit(name: string): string {
  return name.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function flatpakOf(process: string, cgroup: string): string | undefined {
  const info = textOf(`${process}/root/.flatpak-info`);
  const name = info === undefined ? undefined : flatpakName(info);
  return name ?? /\/app-flatpak-([A-Za-z0-9_.-]+)-\d+\.scope$/m.exec(unescapeUnit(cgroup))?.[1];
}

function snapOf(
  process: string,
  path: string,
  cgroup: string,
  ownMounts: string | undefined,
): string | undefined {
  const fromPath = /^(?:\/var\/lib\/snapd)?\/snap\/([A-Za-z0-9_-]+)\/[^/]+\//.exec(path)?.[1];
  if (fromPath !== undefined && fromPath !== 'bin') return fromPath;
  // A classic snap (an editor's terminal) has any program of the host in its cgroup: only with mounts of its own is it inside.
  const mounts = linkOf(`${process}/ns/mnt`);
  if (mounts === undefined || mounts === ownMounts) return undefined;
  return /\/snap\.([A-Za-z0-9_-]+)\./.exec(cgroup)?.[1];
}

/** An AppImage runs from a random mount point, and tells its children where it lies. */
function appImageOf(process: string, path: string): string | undefined {
  if (!/\/\.mount_[^/]+\//.test(path)) return undefined;
  const variables = (textOf(`${process}/environ`) ?? '').split('\0');
  return variables.find((variable) => variable.startsWith('APPIMAGE=/'))?.slice('APPIMAGE='.length);
}

/**
 * Names the program of a process, in about 0.1 ms. Undefined for kernel threads, for what has ended, and for processes of
 * others that may not be seen. Never throws.
 */
export function identify(pid: number, procRoot = '/proc'): ApplicationIdentity | undefined {
  const process = `${procRoot}/${pid}`;
  const path = linkOf(`${process}/exe`)?.replace(/ \(deleted\)$/, '');
  if (path === undefined) return undefined;
  const cgroup = textOf(`${process}/cgroup`) ?? '';
  const flatpak = flatpakOf(process, cgroup);
  if (flatpak !== undefined) return { path, sandboxId: `flatpak:${flatpak}` };
  const snap = snapOf(process, path, cgroup, linkOf(`${procRoot}/self/ns/mnt`));
  if (snap !== undefined) return { path, sandboxId: `snap:${snap}` };
  const appImage = appImageOf(process, path);
  return appImage === undefined ? { path } : { path, sandboxId: `appimage:${appImage}` };
}
