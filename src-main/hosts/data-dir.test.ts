import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defaultDataDir, openDataDir } from './data-dir.ts';

test.each([
  [{ uid: 0, env: { XDG_STATE_HOME: '/state' } }, '/var/lib/postern'],
  [{ uid: 1000, env: {} }, '/home/ada/.local/state/postern'],
  [{ uid: 1000, env: { XDG_STATE_HOME: '/state' } }, '/state/postern'],
  [{ uid: 1000, env: { XDG_STATE_HOME: '' } }, '/home/ada/.local/state/postern'],
  [{ uid: 1000, env: { XDG_STATE_HOME: 'relative' } }, '/home/ada/.local/state/postern'],
])('%j keeps its data in %s', (surroundings, expected) => {
  expect(defaultDataDir({ ...surroundings, home: '/home/ada' })).toBe(expected);
});

test('the data directory is made for its owner alone, and closed when it was open', () => {
  const base = mkdtempSync(join(tmpdir(), 'postern-data-'));
  try {
    const dataDir = join(base, 'a', 'b');
    openDataDir(dataDir);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    chmodSync(dataDir, 0o755);
    openDataDir(dataDir);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  } finally {
    rmSync(base, { recursive: true });
  }
});
