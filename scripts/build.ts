// `npm run build`, also after `npm ci`: builds the screen and the desktop host into out/ when they are missing or older
// than what they are made of. Quiet unless it fails.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const sources = ['src-main', 'src-renderer', 'electron.config.ts', 'package-lock.json'].map((name) =>
  join(root, name),
);
/** What is built last: nothing built is older. */
const results = ['out/main/main.js', 'out/preload/preload.cjs', 'out/renderer/index.html'].map((name) =>
  join(root, name),
);

function changedAt(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return Number.NaN;
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(stats.mtimeMs, ...readdirSync(path).map((name) => changedAt(join(path, name))));
}

const isFresh = () => Math.min(...results.map(changedAt)) >= Math.max(...sources.map(changedAt));

/** Answers whether out/ is there and up to date now. */
export async function buildIfStale(): Promise<boolean> {
  if (isFresh()) return true;
  const builder = join(root, 'node_modules/electron-vite/bin/electron-vite.js');
  if (!existsSync(builder)) {
    console.error('Not built: the packages for building are not installed (npm ci without --omit=dev).');
    return false;
  }
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [builder, 'build', '--config', 'electron.config.ts'],
    { cwd: root, encoding: 'utf8' },
  );
  if (status !== 0) console.error(`${stdout}${stderr}The build failed.`);
  return status === 0;
}

if (import.meta.main) process.exitCode = (await buildIfStale()) ? 0 : 1;
