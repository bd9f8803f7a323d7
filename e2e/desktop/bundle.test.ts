// The scanner as it is built for the desktop: its workers find what lies beside them, and the process that unpacks.
import { pathToFileURL } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { buildIfStale } from '../../scripts/build.ts';
import { startScanner } from '../../src-main/scanner/pool.ts';
import { makeArchive } from '../../src-main/scanner/sandbox/archives.fixture.ts';
import { openSummaries } from '../../src-main/scanner/summaries.ts';
import { attachment, eicar, multipart, textPart } from '../../src-main/scanner/test-messages.ts';

const built = (name: string) => new URL(name, pathToFileURL(`${process.cwd()}/out/main/`));

beforeAll(async () => {
  expect(await buildIfStale()).toBe(true);
});

test('the built scan worker has its rules, and unpacks in a process of its own', async () => {
  const scanner = await startScanner({
    workerUrl: built('worker.js'),
    rulesDirectory: built('rules/'),
    workers: 1,
  });
  try {
    expect(scanner.problems).toEqual([]);
    const archive = await makeArchive('7z', { 'eicar.com': eicar });
    const bytes = multipart('b', [textPart, attachment('a.7z', archive)]);
    const { verdict, overwrites } = await scanner.scan({ kind: 'bytes', bytes }, { neutralise: true });
    expect(verdict).toMatchObject({ outcome: 'infected', limits: [] });
    expect(verdict.detections.map(({ part }) => part)).toEqual(['2/a.7z/eicar.com']);
    expect(overwrites.length).toBeGreaterThan(0);
  } finally {
    await scanner.stop();
  }
});

test('the built summary worker says sender and subject', async () => {
  const summaries = openSummaries({ workerUrl: built('summary-worker.js') });
  try {
    const mail = Buffer.from('From: a@example.test\r\nSubject: =?utf-8?q?H=C3=A9?=\r\n\r\nText\r\n');
    expect(await summaries.summarise(mail)).toMatchObject({ sender: 'a@example.test', subject: 'Hé' });
  } finally {
    summaries.stop();
  }
});
