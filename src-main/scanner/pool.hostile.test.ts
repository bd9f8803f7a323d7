import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Scanner, type ScannerOptions, startScanner } from './pool.ts';

const running: Scanner[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((scanner) => scanner.stop()));
});

async function start(changes: Partial<ScannerOptions> = {}): Promise<Scanner> {
  const scanner = await startScanner({
    workerUrl: new URL('./test-worker.ts', import.meta.url),
    rulesDirectory: '/nowhere',
    workers: 1,
    ...changes,
  });
  running.push(scanner);
  return scanner;
}

const scan = (scanner: Scanner, bytes: Uint8Array) => scanner.scan({ kind: 'bytes', bytes });
const scanText = (scanner: Scanner, text: string) => scan(scanner, Buffer.from(text));

/** How often each outcome came: the first limit, or the outcome. */
async function tally(scans: readonly Promise<{ verdict: { outcome: string; limits: readonly string[] } }>[]) {
  const counts: Record<string, number> = {};
  for (const { verdict } of await Promise.all(scans)) {
    const key = verdict.limits[0] ?? verdict.outcome;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

describe('a pool under attack', () => {
  it('answers ten thousand messages at once: those that may wait are scanned', async () => {
    const scanner = await start({ workers: 2 });
    const scans = Array.from({ length: 10_000 }, (_, each) => scanText(scanner, `${each}`));
    // 16 are with the workers.
    expect(await tally(scans)).toEqual({ clean: 4_096 + 16, 'queue-full': 10_000 - 4_096 - 16 });
    expect((await scanText(scanner, 'later')).verdict.outcome).toBe('clean');
  });

  it('lets no more octets wait than it may, and takes more again afterwards', async () => {
    const scanner = await start({ limits: { hardMs: 1_000 } });
    const bytes = new Uint8Array(new SharedArrayBuffer(50 * 1024 * 1024));
    const scans = [scanText(scanner, 'HANG!'), ...Array.from({ length: 8 }, () => scan(scanner, bytes))];
    // The first is in flight, and five wait.
    expect(await tally(scans)).toEqual({ 'scan-time': 1, clean: 5, 'queue-full': 3 });
    expect((await scan(scanner, bytes)).verdict.outcome).toBe('clean');
  });

  it('does not count the octets of files as memory', async () => {
    const scanner = await start({ limits: { hardMs: 1_000 } });
    const file = { kind: 'file', path: '/nowhere', sizeBytes: 50 * 1024 * 1024 } as const;
    const scans = [scanText(scanner, 'HANG!'), ...Array.from({ length: 20 }, () => scanner.scan(file))];
    expect(await tally(scans)).toEqual({ 'scan-time': 1, clean: 20 });
  });

  it('loses no other message when each worker ends on one, and counts them', async () => {
    const scanner = await start({ workers: 2 });
    const texts = Array.from({ length: 40 }, (_, each) => (each % 10 === 5 ? 'CRASH' : `${each}`));
    const scans = texts.map((text) => scanText(scanner, text));
    expect(await tally(scans)).toEqual({ clean: 36, 'engine-failed': 4 });
    expect(scanner.crashes).toBe(4);
  });

  it('stops to replace workers that hang in native code, and works again once they have ended', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'pool-'));
    try {
      const fifo = join(directory, 'fifo');
      execFileSync('mkfifo', [fifo]);
      const scanner = await start({ limits: { hardMs: 100 } });
      const scans = Array.from({ length: 7 }, () => scanText(scanner, `FIFO!${fifo}`));
      // Four may hang, and then the one that is left.
      expect(await tally(scans)).toEqual({ 'scan-time': 5, 'engine-failed': 2 });
      expect(await tally([scanText(scanner, 'text')])).toEqual({ 'engine-failed': 1 });
      expect(scanner.crashes).toBe(5);
      closeSync(openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK));
      await vi.waitFor(
        async () => expect(await tally([scanText(scanner, 'text')])).toEqual({ clean: 1 }),
        5_000,
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('scans a large message that must be copied, in its turn and whole', async () => {
    const scanner = await start();
    const bytes = Buffer.alloc(10 * 1024 * 1024 + 1, 'WRITE');
    const results = await Promise.all([scan(scanner, bytes), scanText(scanner, 'small')]);
    expect(results.map(({ verdict }) => verdict.bytes)).toEqual([bytes.length, 5]);
    expect(bytes.equals(Buffer.alloc(bytes.length, 'WRITE'))).toBe(true);
  });

  it('rejects a message that is being copied when it is stopped, or nobody waits any more', async () => {
    const scanner = await start();
    const bytes = new Uint8Array(10 * 1024 * 1024);
    const abort = new AbortController();
    const reason = new Error('no longer wanted');
    const given = scanner.scan({ kind: 'bytes', bytes }, { signal: abort.signal });
    abort.abort(reason);
    await expect(given).rejects.toBe(reason);
    const stopped = expect(scan(scanner, bytes)).rejects.toThrow('stopped');
    await scanner.stop();
    await stopped;
  });
});
