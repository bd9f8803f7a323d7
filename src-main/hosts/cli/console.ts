// `postern console`: a fresh one-time URL of the running core's console.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
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
  const browser = spawn('xdg-open', [url], { stdio: 'ignore', detached: true });
  // ENOENT comes as an event; `once` turns it into a failure of the command.
  await once(browser, 'spawn');
  browser.unref();
}
