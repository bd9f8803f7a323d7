import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Verdict } from '../contract/verdict.ts';
import { FullDisk } from './full-disk.fixture.ts';
import { openQuarantine, type QuarantineInput, type QuarantineProblem } from './quarantine.ts';

const verdict: Verdict = {
  outcome: 'infected',
  complete: true,
  detections: [
    { name: 'Postern.Test.Word', engine: 'literal', category: 'test', part: '2', sha256: 'ab'.repeat(32) },
  ],
  notes: [],
  engines: [],
  limits: [],
  sha256: 'cd'.repeat(32),
  bytes: 3,
  parts: 1,
  ms: 1,
};

let directory: string;
let problems: QuarantineProblem[];
let random: number;
let time: number;

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'quarantine-')), 'quarantine');
  problems = [];
  random = 0;
  time = Date.parse('2025-11-24T12:00:00Z');
});
afterEach(() => rmSync(join(directory, '..'), { recursive: true, force: true }));

function open(disk?: FullDisk) {
  return openQuarantine({
    directory,
    now: () => {
      time += 1_000;
      return new Date(time);
    },
    random: (size) => Buffer.alloc(size, ++random),
    onProblem: (problem) => problems.push(problem),
    ...(disk ? { open: disk.open } : {}),
  });
}

function message(octets: Buffer, server = 'imap.example.test'): QuarantineInput {
  return {
    read: async (from, to) => octets.subarray(from, to),
    sizeBytes: octets.length,
    verdict,
    server,
    subject: 'Hei på deg',
  };
}

async function allOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

function everyOctet(sizeBytes: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: sizeBytes }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
}

async function put(quarantine: Awaited<ReturnType<typeof open>>, input: QuarantineInput): Promise<string> {
  const result = await quarantine.put(input);
  if (!result.ok) throw new Error(result.reason);
  return result.id;
}

describe('the quarantine', () => {
  test.each([0, 1, 31, 32, 33, 262_144, 600_001])('gives %i octets back as they were', async (size) => {
    const quarantine = await open();
    const id = await put(quarantine, message(everyOctet(size)));
    expect(Buffer.compare(await allOf(quarantine.read(id)), everyOctet(size))).toBe(0);
  });

  test('keeps them over a restart, with what is known of them', async () => {
    const id = await put(await open(), message(Buffer.from('the original')));
    const later = await open();
    expect(await later.show(id)).toEqual({
      id,
      at: '2025-11-24T12:00:01.000Z',
      sha256: createHash('sha256').update('the original').digest('hex'),
      sizeBytes: 12,
      verdict,
      server: 'imap.example.test',
      subject: 'Hei på deg',
    });
    expect((await allOf(later.read(id))).toString()).toBe('the original');
  });

  test('stores them masked, for its owner alone', async () => {
    const octets = Buffer.from('a text that a scanner of files would find '.repeat(50));
    const id = await put(await open(), message(octets));
    const path = join(directory, `${id}.quarantined`);
    const file = readFileSync(path);
    expect(file.toString('latin1')).toMatch(/^POSTERN-QUARANTINE-1\n\{/);
    expect(file.indexOf('a text that')).toBe(-1);
    expect(file.length).toBeGreaterThan(octets.length);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  test('lists the newest first, and follows what happens to the files', async () => {
    const quarantine = await open();
    const ids: string[] = [];
    for (const text of ['one', 'two', 'three']) ids.push(await put(quarantine, message(Buffer.from(text))));
    expect((await quarantine.list()).map(({ id }) => id)).toEqual(ids.toReversed());
    rmSync(join(directory, `${ids[1]}.quarantined`));
    expect((await quarantine.list()).map(({ id }) => id)).toEqual([ids[2], ids[0]]);
    expect(await quarantine.show(ids[1] ?? '')).toBeUndefined();
  });

  test('keeps the same message of the same server once, also when both come at once', async () => {
    const quarantine = await open();
    const octets = Buffer.from('again and again');
    const ids = await Promise.all(Array.from({ length: 20 }, () => put(quarantine, message(octets))));
    expect(new Set(ids).size).toBe(1);
    expect(await put(quarantine, message(octets))).toBe(ids[0]);
    expect(await put(await open(), message(octets))).toBe(ids[0]);
    expect(await put(quarantine, message(octets, 'other.example.test'))).not.toBe(ids[0]);
    expect(readdirSync(directory)).toHaveLength(2);
  });

  test('keeps it anew when the first copy is gone', async () => {
    const quarantine = await open();
    const octets = Buffer.from('again');
    const first = await put(quarantine, message(octets));
    rmSync(join(directory, `${first}.quarantined`));
    const second = await put(quarantine, message(octets));
    expect(second).not.toBe(first);
    expect((await allOf(quarantine.read(second))).toString()).toBe('again');
  });
});

describe('when it can not be kept', () => {
  test.each([0, 10, 2_000, 100_000])(
    'a disk that is full after %i octets is an answer, and leaves nothing',
    async (room) => {
      const quarantine = await open(new FullDisk(room));
      expect(await quarantine.put(message(everyOctet(200_000)))).toEqual({
        ok: false,
        reason: 'quarantine-failed',
      });
      expect(problems).toMatchObject([{ kind: 'put-failed' }]);
      expect(readdirSync(directory)).toEqual([]);
      expect(await quarantine.list()).toEqual([]);
    },
  );

  test('writes that fall short are gone on with', async () => {
    const disk = new FullDisk(1_000_000);
    const { open: openFile } = disk;
    const short = new FullDisk(0);
    Object.assign(short, {
      open: async (path: string, flags: string, mode: number) => {
        const file = await openFile(path, flags, mode);
        const write: typeof file.write = (bytes, offset, length, position) =>
          file.write(bytes, offset, Math.min(length, 7), position);
        return { ...file, write };
      },
    });
    const quarantine = await open(short);
    const id = await put(quarantine, message(everyOctet(1_000)));
    expect(Buffer.compare(await allOf(quarantine.read(id)), everyOctet(1_000))).toBe(0);
  });

  test('a message that can not be read to its end is not kept', async () => {
    const quarantine = await open();
    const input = { ...message(Buffer.from('short')), sizeBytes: 6 };
    expect(await quarantine.put(input)).toEqual({ ok: false, reason: 'quarantine-failed' });
    const failing = {
      ...message(Buffer.from('x')),
      read: async () => await Promise.reject(new Error('EIO')),
    };
    expect(await quarantine.put(failing)).toEqual({ ok: false, reason: 'quarantine-failed' });
    expect(readdirSync(directory)).toEqual([]);
  });

  test('what a crash left half written is not an entry, and goes', async () => {
    const quarantine = await open();
    const id = await put(quarantine, message(Buffer.from('whole')));
    const half = join(directory, '20251124T120000Z-00000000000000ff.quarantined.tmp');
    writeFileSync(half, readFileSync(join(directory, `${id}.quarantined`)).subarray(0, 60));
    const later = await open();
    expect((await later.list()).map((entry) => entry.id)).toEqual([id]);
    expect(existsSync(half)).toBe(false);
  });

  test('a directory that went away is an answer', async () => {
    const quarantine = await open();
    await quarantine.list();
    rmSync(directory, { recursive: true });
    expect(await quarantine.put(message(Buffer.from('x')))).toEqual({
      ok: false,
      reason: 'quarantine-failed',
    });
  });
});
