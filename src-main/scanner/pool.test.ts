import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Following, type Scanner, type ScannerOptions, startScanner } from './pool.ts';
import { attachment, eicar, message, multipart, suspiciousMarker, textPart } from './test-messages.ts';

const running: Scanner[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((scanner) => scanner.stop()));
});

async function start(worker: string, changes: Partial<ScannerOptions> = {}): Promise<Scanner> {
  const scanner = await startScanner({
    workerUrl: new URL(worker, import.meta.url),
    rulesDirectory: new URL('./rules/', import.meta.url),
    workers: 1,
    ...changes,
  });
  running.push(scanner);
  return scanner;
}

function order(text: string) {
  return { kind: 'bytes', bytes: Buffer.from(text) } as const;
}

const notScanned = (code: string) => ({
  overwrites: [],
  verdict: { outcome: 'not-scanned', complete: false, limits: [code], detections: [] },
});
const clean = { verdict: { outcome: 'clean' } };

describe('the scanner', () => {
  const infected = multipart('b', [textPart, attachment('eicar.com', eicar)]);

  it('gives verdicts and overwrites', async () => {
    const scanner = await start('./worker.ts');
    expect(scanner.engines).toMatchObject([{ id: 'yara-x' }, { id: 'hashes' }]);
    expect(scanner.revision).toMatch(/^[0-9a-f]{64}$/);
    expect(scanner).toMatchObject({ problems: [], crashes: 0 });
    const { verdict, overwrites } = await scanner.scan(
      { kind: 'bytes', bytes: infected },
      { neutralise: true },
    );
    expect(verdict).toMatchObject({
      outcome: 'infected',
      complete: true,
      bytes: infected.length,
      parts: 2,
      detections: [{ name: 'Postern.Test.Eicar', engine: 'yara-x', category: 'test', part: '2/eicar.com' }],
    });
    expect(verdict.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(verdict.ms).toBeGreaterThanOrEqual(0);
    const changed = Buffer.from(infected);
    for (const { offset, bytes } of overwrites) changed.set(bytes, offset);
    expect(await scanner.scan({ kind: 'bytes', bytes: changed })).toMatchObject(clean);
  });

  it('works out overwrites only when asked, and only of what is infected', async () => {
    const scanner = await start('./worker.ts');
    expect((await scanner.scan({ kind: 'bytes', bytes: infected })).overwrites).toEqual([]);
    const suspicious = message([], suspiciousMarker);
    expect(await scanner.scan({ kind: 'bytes', bytes: suspicious }, { neutralise: true })).toMatchObject({
      verdict: { outcome: 'suspicious' },
      overwrites: [],
    });
  });

  it('has another revision with other limits', async () => {
    const [one, same, other] = await Promise.all([
      start('./worker.ts'),
      start('./worker.ts'),
      start('./worker.ts', { limits: { mimeDepth: 10 } }),
    ]);
    expect(same.revision).toBe(one.revision);
    expect(other.revision).not.toBe(one.revision);
  });

  it('marks an infected message in its header when asked, beside its overwrites or alone', async () => {
    const scanner = await start('./worker.ts');
    const bytes = message([`X-Room: ${'x'.repeat(200)}`], eicar);
    const headerBytes = bytes.indexOf('\r\n\r\n') + 4;
    const tag = { subject: '[%DETECTIONNAME%]', header: true };
    for (const neutralise of [true, false]) {
      const { overwrites, tags } = await scanner.scan({ kind: 'bytes', bytes }, { neutralise, tag });
      expect(overwrites.length > 0).toBe(neutralise);
      expect(overwrites.every(({ offset }) => offset >= headerBytes)).toBe(true);
      const changed = Buffer.from(bytes);
      for (const { offset, bytes: octets } of tags) changed.set(octets, offset);
      expect(changed.subarray(headerBytes)).toEqual(bytes.subarray(headerBytes));
      expect(changed.toString('latin1', 0, headerBytes)).toContain('\r\nSubject: [Postern.Test.Eicar] t\r\n');
    }
    const suspicious = message([`X-Room: ${'x'.repeat(200)}`], suspiciousMarker);
    expect((await scanner.scan({ kind: 'bytes', bytes: suspicious }, { tag })).tags).toEqual([]);
    expect((await scanner.scan({ kind: 'bytes', bytes }, { neutralise: true })).tags).toEqual([]);
  });

  it('scans files, and rejects with the reason where one cannot be read', async () => {
    const scanner = await start('./worker.ts', { limits: { messageBytes: 100 } });
    const directory = mkdtempSync(join(tmpdir(), 'scanner-'));
    try {
      const path = join(directory, 'a');
      writeFileSync(path, eicar);
      expect(await scanner.scan({ kind: 'file', path, sizeBytes: eicar.length })).toMatchObject({
        verdict: { outcome: 'infected', bytes: eicar.length },
      });
      writeFileSync(path, Buffer.alloc(101));
      expect(await scanner.scan({ kind: 'file', path, sizeBytes: 50 })).toMatchObject(
        notScanned('message-size'),
      );
      const missing = scanner.scan({ kind: 'file', path: join(directory, 'b'), sizeBytes: 1 });
      await expect(missing).rejects.toMatchObject({ code: 'ENOENT' });
      const folder = scanner.scan({ kind: 'file', path: directory, sizeBytes: 1 });
      await expect(folder).rejects.toMatchObject({ code: 'EINVAL' });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('does not start without rules that compile', async () => {
    await expect(start('./worker.ts', { rulesDirectory: '/nowhere' })).rejects.toThrow(
      'no scan worker starts',
    );
  });
});

describe('the pool', () => {
  it('does not scan what is larger than a message may be', async () => {
    const scanner = await start('./test-worker.ts', { limits: { messageBytes: 5 } });
    expect(await scanner.scan(order('12345'))).toMatchObject(clean);
    expect(await scanner.scan(order('123456'))).toMatchObject(notScanned('message-size'));
  });

  it.each(['CRASH', 'LEAVE', 'HEAP!'])('loses only the message on which a worker fails: %s', async (text) => {
    const scanner = await start('./test-worker.ts');
    const scans = ['1', '2', text, '3', '4'].map((each) => scanner.scan(order(each)));
    expect(await Promise.all(scans)).toMatchObject([clean, clean, notScanned('engine-failed'), clean, clean]);
    expect(scanner.crashes).toBe(1);
  });

  it('gives up a worker that takes too long, and goes on with the others', async () => {
    const scanner = await start('./test-worker.ts', { limits: { hardMs: 50 } });
    const scans = ['HANG!', '1', '2'].map((each) => scanner.scan(order(each)));
    expect(await Promise.all(scans)).toMatchObject([notScanned('scan-time'), clean, clean]);
  });

  it('shares shared octets and copies others', async () => {
    const scanner = await start('./test-worker.ts');
    const shared = Buffer.from(new SharedArrayBuffer(5));
    const own = Buffer.from('WRITE');
    shared.write('WRITE');
    await Promise.all([shared, own].map((bytes) => scanner.scan({ kind: 'bytes', bytes })));
    expect([shared.toString(), own.toString()]).toEqual(['!!!!!', 'WRITE']);
  });

  it('answers many small messages at once, each its own', async () => {
    const scanner = await start('./test-worker.ts', { workers: 2 });
    const texts = Array.from({ length: 500 }, (_, i) => 'x'.repeat(i));
    const results = await Promise.all(texts.map((text) => scanner.scan(order(text))));
    expect(results.map(({ verdict }) => verdict.bytes)).toEqual(texts.map((text) => text.length));
  });

  it('lets no more messages wait than it may', async () => {
    const scanner = await start('./test-worker.ts', { limits: { hardMs: 100 } });
    const scans = Array.from({ length: 1 + 7 + 4_096 }, () => scanner.scan(order('HANG!')));
    expect(await scanner.scan(order('1'))).toMatchObject(notScanned('queue-full'));
    const ends = Promise.allSettled(scans);
    await scanner.stop();
    expect((await ends).every(({ status }) => status === 'rejected')).toBe(true);
  });

  it('holds large messages back while others of them are in flight', async () => {
    const scanner = await start('./test-worker.ts', { workers: 2, limits: { hardMs: 50 } });
    const large = (text: string) => {
      const bytes = Buffer.from(new SharedArrayBuffer(40 * 1024 * 1024));
      bytes.write(text);
      return scanner.scan({ kind: 'bytes', bytes });
    };
    // The second would have a free worker, and answer before the first is given up.
    const order: string[] = [];
    await Promise.all([
      large('HANG!').then(() => order.push('hang')),
      large('text').then(() => order.push('text')),
    ]);
    expect(order).toEqual(['hang', 'text']);
  });

  it('rejects when it is told to stop waiting, before and during a scan', async () => {
    const scanner = await start('./test-worker.ts', { limits: { hardMs: 500 } });
    const reason = new Error('no longer wanted');
    await expect(scanner.scan(order('1'), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const abort = new AbortController();
    const scans = ['HANG!', '1'].map((text) => scanner.scan(order(text), { signal: abort.signal }));
    abort.abort(reason);
    const ends = await Promise.allSettled(scans);
    expect(ends.map((end) => end.status === 'rejected' && end.reason)).toEqual([reason, reason]);
  });

  it('rejects what is being scanned when it stops, and everything afterwards', async () => {
    const scanner = await start('./test-worker.ts');
    const scan = scanner.scan(order('HANG!'));
    const rejected = expect(scan).rejects.toThrow('stopped');
    await scanner.stop();
    await scanner.stop();
    await rejected;
    await expect(scanner.scan(order('1'))).rejects.toThrow('stopped');
  });

  it('rejects its start when no worker starts', async () => {
    await expect(start('./test-worker.ts', { rulesDirectory: 'broken' })).rejects.toMatchObject({
      message: 'no scan worker starts',
      cause: { message: 'this worker does not start' },
    });
  });
});

describe('a message that is followed', () => {
  const memory = (text: string, sizeBytes = 100) => {
    const bytes = Buffer.from(new SharedArrayBuffer(sizeBytes));
    bytes.write(text);
    return bytes;
  };
  const scan = async (scanner: Scanner, bytes: Uint8Array, followed?: Following) => {
    const { verdict } = await scanner.scan({ kind: 'bytes', bytes }, { followed });
    return verdict.sha256 === '' ? verdict.limits : JSON.parse(verdict.sha256);
  };
  /** What its only worker knows of followed messages. */
  const known = async (scanner: Scanner) => (await scan(scanner, Buffer.from('1'))).known;

  it('is known to the worker that scans it, and to none afterwards', async () => {
    const scanner = await start('./test-worker.ts', { workers: 2 });
    const bytes = memory('text');
    for (const sizeBytes of [10, 20, 100]) {
      const followed = scanner.follow();
      followed.arrived(bytes.subarray(0, 5));
      followed.arrived(bytes.subarray(0, sizeBytes));
      expect(await scan(scanner, bytes, followed)).toEqual({ known: [5 + sizeBytes], mine: 5 + sizeBytes });
      // These come too late, and mean nothing.
      followed.arrived(bytes);
      followed.drop();
    }
    const single = await Promise.all([known(scanner), known(scanner)]);
    expect(single).toEqual([[], []]);
  });

  it('is scanned as any other when it was dropped, or is smaller than what had come, or in a file', async () => {
    const scanner = await start('./test-worker.ts');
    const bytes = memory('text');
    const dropped = scanner.follow();
    dropped.arrived(bytes);
    expect(await known(scanner)).toEqual([100]);
    dropped.drop();
    dropped.arrived(bytes);
    expect(await scan(scanner, bytes, dropped)).toEqual({ known: [], mine: 0 });
    const smaller = scanner.follow();
    smaller.arrived(bytes);
    expect(await scan(scanner, bytes.subarray(0, 50), smaller)).toEqual({ known: [], mine: 0 });
    const spooled = scanner.follow();
    spooled.arrived(bytes);
    const file = { kind: 'file', path: '/nowhere', sizeBytes: 100 } as const;
    await scanner.scan(file, { followed: spooled });
    expect(await known(scanner)).toEqual([]);
  });

  it('is known anew in another memory, and not by the one before', async () => {
    const scanner = await start('./test-worker.ts');
    const moved = scanner.follow();
    const [first, second] = [memory('text'), memory('text', 200)];
    moved.arrived(first);
    moved.arrived(second.subarray(0, 150));
    expect(await scan(scanner, second, moved)).toEqual({ known: [150], mine: 150 });
    const late = scanner.follow();
    late.arrived(first);
    expect(await scan(scanner, second, late)).toEqual({ known: [], mine: 0 });
    const elsewhere = scanner.follow();
    elsewhere.arrived(second.subarray(0, 150));
    expect(await scan(scanner, second.subarray(10), elsewhere)).toEqual({ known: [], mine: 0 });
  });

  it('shares its worker with as many others as that may follow', async () => {
    const scanner = await start('./test-worker.ts');
    const all = [10, 20, 30].map((sizeBytes) => ({
      bytes: memory('text', sizeBytes),
      followed: scanner.follow(),
    }));
    for (const { bytes, followed } of all) followed.arrived(bytes);
    const [one, two, three] = all;
    expect(await scan(scanner, two?.bytes ?? memory(''), two?.followed)).toEqual({
      known: [10, 20],
      mine: 20,
    });
    // There is room for it now.
    three?.followed.arrived(three.bytes);
    expect(await known(scanner)).toEqual([10, 30]);
    for (const { bytes, followed } of [one, three].filter((each) => each !== undefined)) {
      expect(await scan(scanner, bytes, followed)).toMatchObject({ mine: bytes.length });
    }
  });

  it('is followed by the workers in turn', async () => {
    const scanner = await start('./test-worker.ts', { workers: 2 });
    const all = [10, 20].map((sizeBytes) => ({
      bytes: memory('text', sizeBytes),
      followed: scanner.follow(),
    }));
    for (const { bytes, followed } of all) followed.arrived(bytes);
    const scans = all.map(({ bytes, followed }) => scan(scanner, bytes, followed));
    expect(await Promise.all(scans)).toEqual([10, 20].map((mine) => ({ known: [mine], mine })));
  });

  it('is scanned by another worker when its own is busy, and forgotten there', async () => {
    const scanner = await start('./test-worker.ts', { workers: 2, limits: { hardMs: 200 } });
    const bytes = memory('text');
    const followed = scanner.follow();
    followed.arrived(bytes.subarray(0, 50));
    // The first goes to the worker that follows nothing; the second to the one that is left.
    const hanging = [1, 2].map(() => scan(scanner, memory('HANG!')));
    followed.arrived(bytes);
    expect(await scan(scanner, bytes, followed)).toEqual({ known: [], mine: 0 });
    expect(await Promise.all(hanging)).toEqual([['scan-time'], ['scan-time']]);
  });

  it('survives the worker that follows it', async () => {
    const scanner = await start('./test-worker.ts');
    const bytes = memory('CRASH ON THE WAY');
    const followed = scanner.follow();
    followed.arrived(bytes);
    const lost = await scan(scanner, memory('1'));
    expect(lost).toEqual(['engine-failed']);
    followed.arrived(bytes);
    bytes.write('text');
    expect(await scan(scanner, bytes, followed)).toEqual({ known: [], mine: 0 });
  });

  it('is forgotten by its worker when its scan is no longer wanted', async () => {
    const scanner = await start('./test-worker.ts', { limits: { hardMs: 200 } });
    const bytes = memory('text');
    const followed = scanner.follow();
    followed.arrived(bytes);
    const busy = scan(scanner, memory('HANG!'));
    const abort = new AbortController();
    const waiting = scanner.scan({ kind: 'bytes', bytes }, { followed, signal: abort.signal });
    abort.abort(new Error('no longer wanted'));
    await expect(waiting).rejects.toThrow('no longer wanted');
    await busy;
    expect(await known(scanner)).toEqual([]);
  });

  it('has the verdict and the overwrites that it has without', async () => {
    const scanner = await start('./worker.ts');
    const content = Buffer.concat([Buffer.alloc(2_000_000, 'some octets '), eicar, Buffer.alloc(300_000)]);
    const infected = multipart('b', [textPart, attachment('a.bin', content)]);
    const bytes = Buffer.from(new SharedArrayBuffer(infected.length));
    infected.copy(bytes);
    const followed = scanner.follow();
    for (let to = 500_000; to < bytes.length; to += 500_000) followed.arrived(bytes.subarray(0, to));
    const [ahead, plain] = [
      await scanner.scan({ kind: 'bytes', bytes }, { neutralise: true, followed }),
      await scanner.scan({ kind: 'bytes', bytes }, { neutralise: true }),
    ];
    expect(plain.verdict.outcome).toBe('infected');
    expect(ahead).toEqual({ ...plain, verdict: { ...plain.verdict, ms: ahead.verdict.ms } });
  });
});
