// How a core of this process reaches the netfilter helper: on the system's socket, started directly as root, or by pkexec.
// Looks only; starts nothing.
import { accessSync, constants, lstatSync, type Stats } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { HelperRoute } from '../core/ports.ts';

/** Where units/postern-netfilter.socket listens. In no directory of the service, which systemd would remove with it. */
const systemSocket = '/run/postern-netfilter/helper.sock';

/** The package's helper, then a clone's (`postern helper install`). */
const installedHelpers = ['/usr/lib/postern/netfilter-helper', '/usr/local/lib/postern/netfilter-helper'];

export interface RouteSurroundings {
  readonly euid: number;
  /** The helper's module, for root. */
  readonly helperModule: string;
  /** Where Node keeps compiled code: the module's types are stripped once, and it starts in 50 ms in place of 130. */
  readonly compileCache: string | undefined;
  readonly systemSocket: string;
  readonly installedHelpers: readonly string[];
  readonly pkexec: string;
  /** Who may own what pkexec starts; another than root in tests alone. */
  readonly trustedUid: number;
}

function lstat(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/**
 * The first of the path and the directories above it that is missing, is another's than `uid`'s, is a symbolic link, or may
 * be written to by others; undefined: whoever starts this path starts what `uid` put there. A sticky directory doesn't count
 * as open: nobody replaces another's entry in it.
 */
export function untrustedPart(path: string, uid = 0): string | undefined {
  const parent = dirname(path);
  const above = parent === path ? undefined : untrustedPart(parent, uid);
  if (above !== undefined) return above;
  const found = lstat(path);
  const trusted =
    found !== undefined &&
    (found.uid === uid || found.uid === 0) &&
    !found.isSymbolicLink() &&
    ((found.mode & 0o002) === 0 || (found.isDirectory() && (found.mode & 0o1000) !== 0)) &&
    ((found.mode & 0o020) === 0 || found.gid === 0);
  return trusted ? undefined : path;
}

export function isRunnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}

/** The socket is made for one user, and passed over by all others. */
function isOwnSocket(path: string, euid: number): boolean {
  const found = lstat(path);
  return found?.isSocket() === true && found.uid === euid;
}

/** The way, or undefined where there is none. `given`: a socket that the command line names. */
export function netfilterRoute(
  given: string | undefined,
  { euid, helperModule, compileCache, systemSocket, installedHelpers, pkexec, trustedUid }: RouteSurroundings,
): HelperRoute | undefined {
  if (given !== undefined) return { kind: 'socket', path: resolve(given) };
  if (euid === 0) {
    if (lstat(helperModule) === undefined) return undefined;
    const start = [process.execPath, helperModule, '--all-users', '--core-uid', '0'] as const;
    const cached = ['/usr/bin/env', `NODE_COMPILE_CACHE=${compileCache}`, ...start] as const;
    return { kind: 'start', argv: compileCache === undefined ? [...start] : [...cached], asks: false };
  }
  if (isOwnSocket(systemSocket, euid)) return { kind: 'socket', path: systemSocket };
  if (!isRunnable(pkexec)) return undefined;
  const helper = installedHelpers.find((path) => untrustedPart(path, trustedUid) === undefined);
  return helper === undefined ? undefined : { kind: 'start', argv: [pkexec, helper], asks: true };
}

/** The way of this process. */
export function findNetfilterRoute(given: string | undefined): HelperRoute | undefined {
  return netfilterRoute(given, {
    euid: process.geteuid?.() ?? 0,
    compileCache: process.env['NODE_COMPILE_CACHE'],
    helperModule: resolve(import.meta.dirname, 'netfilter-helper/main.ts'),
    systemSocket,
    installedHelpers,
    pkexec: '/usr/bin/pkexec',
    trustedUid: 0,
  });
}
