// Builds the renderer for tests that need it, once: when out/renderer is missing or older than what it is made of.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'vite';
import config from '../../electron.config.ts';

const sources = ['src-renderer', 'src-main/contract', 'assets/icons', 'electron.config.ts'];

function newestMs(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newestMs(join(path, name))));
}

export async function buildRendererIfStale(): Promise<void> {
  const built = resolve('out/renderer/index.html');
  const newest = Math.max(...sources.map((path) => newestMs(resolve(path))));
  if (existsSync(built) && statSync(built).mtimeMs >= newest) return;
  const { renderer } = config;
  if (renderer === undefined) throw new Error('electron.config.ts has no renderer');
  // Under a test runner this says "test", and the bundle would be another than the one that is shipped.
  const before = process.env['NODE_ENV'];
  process.env['NODE_ENV'] = 'production';
  try {
    await build({ ...renderer, configFile: false, logLevel: 'warn' });
  } finally {
    if (before === undefined) delete process.env['NODE_ENV'];
    else process.env['NODE_ENV'] = before;
  }
}
