// What a test needs of the machine. What is missing is named in the title of the skipped tests.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];

/** The reason to skip, to be put behind a title, or undefined when all is there. */
export function missingTools(programs: readonly string[], { root = false } = {}): string | undefined {
  const missing = programs.filter((program) => !folders.some((folder) => existsSync(join(folder, program))));
  if (root && process.getuid?.() !== 0) missing.push('root');
  return missing.length === 0 ? undefined : ` (SKIPPED: needs ${missing.join(', ')})`;
}
