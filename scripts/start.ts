// `npm start [-- options]`: the desktop where there are an Electron binary and a display; else, with one line why not,
// the headless host with the console, in this very process.
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join, resolve } from 'node:path';
import { buildIfStale } from './build.ts';
import { ensureDebianPackages } from './debian.ts';

const root = resolve(import.meta.dirname, '..');
const electron = join(root, 'node_modules/electron/dist/electron');
/** Electron's own installer fetches some 120 MB; without a network it must not hold the start up. */
const fetchTimeoutMs = 180_000;

function isRunnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function fetchElectron(): void {
  const installer = join(root, 'node_modules/electron/install.js');
  if (!existsSync(installer)) return;
  console.error('Fetching the Electron binary …');
  spawnSync(process.execPath, [installer], { stdio: 'ignore', timeout: fetchTimeoutMs });
}

/** Why there is no desktop window, or `undefined` when there can be one. */
function whyNoDesktop(built: boolean): string | undefined {
  if (!process.env['DISPLAY'] && !process.env['WAYLAND_DISPLAY']) return 'there is no display';
  // Chromium refuses to run as root with its sandbox, and we don't run it without.
  if (process.getuid?.() === 0) return 'the window does not run as root';
  if (!built) return 'it is not built';
  if (!isRunnable(electron)) fetchElectron();
  return isRunnable(electron) ? undefined : 'there is no Electron binary';
}

function startDesktop(args: readonly string[]): void {
  const child = spawn(electron, [root, ...args], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  child.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}

const args = process.argv.slice(2);
if (
  args[args.indexOf('--intercept') + 1] !== 'off' &&
  !args.includes('--intercept=off') &&
  !existsSync('/usr/sbin/nft')
) {
  await ensureDebianPackages(['nftables'], { why: 'interception by the kernel' });
}
const reason = whyNoDesktop(await buildIfStale());
if (reason === undefined) {
  startDesktop(args);
} else {
  console.error(`No desktop window: ${reason}. Starting headless, with the console in a browser.`);
  // As bin/postern does.
  enableCompileCache(join(root, 'node_modules/.cache/node'));
  // Without a window there is none to hide.
  process.argv.splice(2, args.length, 'headless', ...args.filter((word) => word !== '--hidden'));
  await import('../src-main/hosts/cli/main.ts');
}
