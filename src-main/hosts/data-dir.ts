// Where a core keeps everything, and the names in there that hosts and commands meet by.
import { chmodSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly uid: number | undefined;
}

/** `/var/lib/postern` for root; else below `$XDG_STATE_HOME`, which counts only when absolute (XDG Base Directory 0.8). */
export function defaultDataDir({ env, home, uid }: Surroundings): string {
  if (uid === 0) return '/var/lib/postern';
  const state = env['XDG_STATE_HOME'];
  return join(state !== undefined && isAbsolute(state) ? state : join(home, '.local', 'state'), 'postern');
}

/** The directory that a command line names, or the default of whoever runs it. */
export function dataDirOf(given: string | undefined): string {
  if (given !== undefined) return resolve(given);
  return defaultDataDir({ env: process.env, home: homedir(), uid: process.getuid?.() });
}

/** The unix socket on which the core of a data directory answers its commands. */
export function socketPath(dataDir: string): string {
  return join(dataDir, 'core.sock');
}

/** Where the system's core answers the members of its group (assets/linux/systemd/postern.service). */
export const systemControlSocket = '/run/postern/core.sock';

/** Where the system's core keeps a copy of its root's certificate that every user may read. */
export const publicCaPath = '/run/postern/ca.pem';

/** Makes the directory, and closes it to others also when it was there before. */
export function openDataDir(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  chmodSync(dataDir, 0o700);
}
