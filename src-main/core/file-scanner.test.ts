import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultSettings } from '../contract/settings.ts';
import { eicar } from '../scanner/test-messages.ts';
import { type FileScanner, startFileScanner } from './file-scanner.ts';

let scanner: FileScanner;
let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'postern-file-scanner-'));
  scanner = await startFileScanner({
    workerUrl: new URL('../scanner/worker.ts', import.meta.url),
    rulesDirectory: fileURLToPath(new URL('../scanner/rules', import.meta.url)),
    dataDir: join(directory, 'data'),
    clock: { now: () => new Date(), after: () => () => undefined },
    scanning: { ...defaultSettings.scanning, clamd: 'off', maxMessageMiB: 1 },
  });
});

afterAll(async () => {
  await scanner.stop();
  rmSync(directory, { recursive: true });
});

function file(name: string, ...contents: readonly (Buffer | string)[]): string {
  const path = join(directory, name);
  writeFileSync(path, Buffer.concat(contents.map((content) => Buffer.from(content))));
  return path;
}

const clean = 'From a@b Mon\nSubject: one\n\ntext\n\n';
const infected = ['From c@d Tue\nSubject: two\n\n', eicar, '\n\n'];

describe('a mailbox', () => {
  it('has one verdict, whose detections name the message', async () => {
    const verdict = await scanner.scanFile(file('inbox', clean, ...infected, clean));
    expect(verdict).toMatchObject({ outcome: 'infected', complete: true, limits: [] });
    expect(verdict.detections.map(({ part }) => part.split('/')[0])).toEqual(['2']);
  });

  it('with a message that is too large is not complete, and the others are scanned', async () => {
    const large = `From x Wed\nSubject: large\n\n${'y'.repeat(2 * 1024 * 1024)}\n\n`;
    const verdict = await scanner.scanFile(file('large', clean, large, ...infected));
    expect(verdict).toMatchObject({ outcome: 'infected', limits: ['message-size'] });
    expect(verdict.detections[0]?.part).toMatch(/^3/);
  });
});

describe('a stream', () => {
  const stream = (...contents: readonly (Buffer | string)[]) =>
    scanner.scanStream(Readable.from(contents.map((content) => Buffer.from(content))));

  it('is scanned as a file is', async () => {
    expect(await stream('Subject: x\n\n', eicar)).toMatchObject({ outcome: 'infected' });
    expect(await stream('Subject: x\n\n', 'text')).toMatchObject({ outcome: 'clean' });
    expect(await stream(clean, ...infected)).toMatchObject({ outcome: 'infected' });
    expect(await stream()).toMatchObject({ outcome: 'clean' });
  });

  it('that is too large is not scanned', async () => {
    expect(await stream('x'.repeat(2 * 1024 * 1024))).toMatchObject({ limits: ['message-size'] });
  });
});

it('a file is scanned whose size the system does not know', async () => {
  expect(await scanner.scanFile('/proc/self/status')).toMatchObject({ outcome: 'clean', complete: true });
  expect((await scanner.scanFile('/proc/self/status')).bytes).toBeGreaterThan(0);
});

it('a file that is moved while it waits is scanned all the same', async () => {
  const others = Array.from({ length: 50 }, (_, i) => file(`before-${i}`, 'Subject: x\n\ntext'));
  const path = file('moving.eml', 'Subject: x\n\n', eicar);
  const scans = [...others, path].map((each) => scanner.scanFile(each));
  // Its turn to be opened is over then, but not yet that to be scanned.
  for (let times = 0; times < 2; times++) await (await open(path)).close();
  renameSync(path, `${path}:2,S`);
  expect((await Promise.all(scans)).at(-1)).toMatchObject({ outcome: 'infected' });
});

it('a file that can not be opened rejects with the code of the system', async () => {
  await expect(scanner.scanFile(join(directory, 'gone'))).rejects.toMatchObject({ code: 'ENOENT' });
});
