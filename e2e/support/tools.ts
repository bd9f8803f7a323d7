// What a test needs of the machine. What is missing is named in the title of the skipped tests.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];

/** Whether this machine lets us make a host of our own; a container often does not. */
function canMakeNamespaces(): boolean {
  const name = `pstn-probe-${process.pid}`;
  const ip = (...args: string[]) => spawnSync('ip', args, { stdio: 'ignore' }).status === 0;
  try {
    return (
      ip('netns', 'add', name) &&
      ip('netns', 'exec', name, 'true') &&
      ip('-n', name, 'link', 'set', 'lo', 'up')
    );
  } finally {
    ip('netns', 'del', name);
  }
}

export interface Needs {
  readonly root?: boolean;
  /** Network namespaces, which take root and `ip`. */
  readonly namespaces?: boolean;
}

/** The reason to skip, to be put behind a title, or undefined when all is there. */
export function missingTools(
  programs: readonly string[],
  { root = false, namespaces = false }: Needs = {},
): string | undefined {
  const wanted = namespaces ? ['ip', ...programs] : programs;
  const missing = wanted.filter((program) => !folders.some((folder) => existsSync(join(folder, program))));
  if ((root || namespaces) && process.getuid?.() !== 0) missing.push('root');
  if (namespaces && missing.length === 0 && !canMakeNamespaces()) missing.push('network namespaces');
  return missing.length === 0 ? undefined : ` (SKIPPED: needs ${missing.join(', ')})`;
}
