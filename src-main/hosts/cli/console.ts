// `postern console`: a fresh one-time URL of the running core's console.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withCore } from './core-client.ts';
import { printLine } from './output.ts';

export async function consoleCommand({
  dataDir,
  open,
}: {
  readonly dataDir: string;
  readonly open: boolean;
}): Promise<void> {
  const { url } = await withCore(dataDir, (core) => core.console.url());
  printLine(url);
  if (!open) return;
  // Every user can read a program's arguments (proc(5)): the URL goes there by a file of the owner's alone.
  const page = join(dataDir, 'console.html');
  writeFileSync(page, `<!doctype html><meta http-equiv="refresh" content="0;url=${url}">\n`, { mode: 0o600 });
  const browser = spawn('xdg-open', [page], { stdio: 'ignore', detached: true });
  // A missing program comes as an event; `once` turns it into a failure of the command.
  await once(browser, 'spawn');
  browser.unref();
}
