// A directory of a test's own, which other users may enter: a mail server's processes run as several of them.
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function makeDirectory(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `postern-${name}-`));
  chmodSync(directory, 0o755);
  return directory;
}
