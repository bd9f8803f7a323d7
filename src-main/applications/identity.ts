// What a running program is called in "Excluded applications": the path of its executable, and for a sandboxed one the name
// that stays the same from start to start. A program can be made to look like another: convenience, not security.
import { realpathSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import {
  type ApplicationIdentity,
  isInterpreter,
  maxApplicationRuleLength,
} from '../contract/application-rule.ts';
import { linkOf, textOf } from './process-files.ts';
import { scriptArgument } from './script-argument.ts';

/** A script's path and the options before it; a class path can be long. */
const maxArgumentBytes = 32 * 1024;

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

/** Where a path of the process's own view leads on this machine, if it is the same file there. */
function realPath(process: string, path: string): string | undefined {
  try {
    const real = realpathSync.native(path);
    const [here, there] = [statSync(real), statSync(`${process}/root${path}`)];
    return here.dev === there.dev && here.ino === there.ino ? real : undefined;
  } catch {
    return undefined;
  }
}

/** The script that an interpreter runs. Which one is unknown when the interpreter has changed its folder since. */
function scriptOf(process: string, interpreter: string): string | undefined {
  const argv = textOf(`${process}/cmdline`, maxArgumentBytes)?.split('\0');
  // The last one has no end when there are more; else what follows it is empty.
  const typed = scriptArgument(interpreter, argv?.slice(0, -1) ?? []);
  if (typed === undefined) return undefined;
  const folder = isAbsolute(typed) ? '/' : linkOf(`${process}/cwd`);
  if (folder === undefined || !isAbsolute(folder)) return undefined;
  const path = join(folder, typed);
  // A descriptor of the process's own (`/dev/fd/63`) names nothing that lasts.
  if (/^\/(?:dev|proc)\//.test(path) || path.length > maxApplicationRuleLength) return undefined;
  return realPath(process, path) ?? (isAbsolute(typed) ? path : undefined);
}

/**
 * Names the program of a process, in about 0.1 ms, and the script that it runs if it is a plain interpreter: inside a sandbox
 * that would be a path of nobody else. Undefined for kernel threads, for what has ended, and for processes of others that may
 * not be seen. Never throws.
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
  if (appImage !== undefined) return { path, sandboxId: `appimage:${appImage}` };
  const script = isInterpreter(path) ? scriptOf(process, path) : undefined;
  return script === undefined ? { path } : { path, script };
}
