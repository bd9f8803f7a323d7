// `postern quarantine …`: lists infected originals and gives them back.

import { once } from 'node:events';
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import type { QuarantineEntry } from '../../contract/api.ts';
import type { CoreClient } from '../core-socket.ts';
import { CommandFailure } from '../failure.ts';
import { withCore } from './core-client.ts';
import { printable, printLine } from './output.ts';

function entryLine({ id, at, verdict, server, sender, subject }: QuarantineEntry): string {
  const names = verdict.detections.map((detection) => detection.name).join(', ');
  return printable([id, at, names, server, sender ?? '', subject ?? ''].join('  '));
}

export async function listQuarantine(dataDir: string, json: boolean): Promise<void> {
  const entries = await withCore(dataDir, (core) => core.quarantine.list());
  if (json) return printLine(JSON.stringify(entries));
  entries.map(entryLine).forEach(printLine);
}

export async function showQuarantined(dataDir: string, id: string): Promise<void> {
  const entry = await withCore(dataDir, (core) => core.quarantine.show({ id }));
  printLine(JSON.stringify(entry, undefined, 2));
}

/** Writes the original to `file` (which must not exist yet), or to standard output where that is no terminal. */
export async function restoreQuarantined(
  dataDir: string,
  id: string,
  file: string | undefined,
): Promise<void> {
  if (file === undefined && process.stdout.isTTY) {
    throw new CommandFailure('invalid-input', 'name a file, or - to see it in this terminal');
  }
  await withCore(dataDir, async (core) => {
    if (file === undefined || file === '-') await restoreToOutput(core, id);
    else await restoreToFile(core, id, file);
  });
}

async function restoreToOutput(core: CoreClient, id: string): Promise<void> {
  for await (const { base64 } of await core.quarantine.restore({ id })) {
    if (!process.stdout.write(Buffer.from(base64, 'base64'))) await once(process.stdout, 'drain');
  }
}

async function restoreToFile(core: CoreClient, id: string, file: string): Promise<void> {
  const chunks = await core.quarantine.restore({ id });
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    for await (const { base64 } of chunks) {
      const bytes = Buffer.from(base64, 'base64');
      for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
    }
  } catch (error) {
    // Half an original must not pass for one.
    unlinkSync(file);
    throw error;
  } finally {
    closeSync(descriptor);
  }
}
