import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { defaultLimits } from './limits.ts';
import { defaultOptions } from './options.ts';
import { type Scanner, type ScannerOptions, startScanner } from './pool.ts';

let directory: string;
let changes: number;
const running: Scanner[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pool-rules-'));
  for (const name of ['ours', 'users']) mkdirSync(join(directory, name));
  changes = 0;
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((scanner) => scanner.stop()));
  rmSync(directory, { recursive: true, force: true });
});

const write = (whose: 'ours' | 'users', text: string) => writeFileSync(join(directory, whose, 'rules'), text);

async function start(options: Partial<ScannerOptions> = {}): Promise<Scanner> {
  const scanner = await startScanner({
    workerUrl: new URL('./test-worker.ts', import.meta.url),
    rulesDirectory: join(directory, 'ours'),
    userRulesDirectory: join(directory, 'users'),
    workers: 1,
    onChange: () => {
      changes++;
    },
    ...options,
  });
  running.push(scanner);
  return scanner;
}

const scan = (scanner: Scanner, text: string) => scanner.scan({ kind: 'bytes', bytes: Buffer.from(text) });

/** What the worker says of itself that scans next. */
async function facts(scanner: Scanner) {
  const { verdict } = await scan(scanner, 'FACTS');
  return JSON.parse(verdict.sha256);
}

describe('a scanner whose settings change', () => {
  it('works by the new ones from the next message on, in the order in which it was told', async () => {
    const scanner = await start();
    const before = scanner.revision;
    const first = facts(scanner);
    const options = { ...defaultOptions, archives: false };
    scanner.configure({ limits: { archiveDepth: 3 }, options });
    expect(scanner.revision).not.toBe(before);
    const second = facts(scanner);
    scanner.configure({ limits: { archiveDepth: 4 } });
    const third = facts(scanner);
    expect(await first).toMatchObject({ limits: defaultLimits, options: defaultOptions });
    expect(await second).toMatchObject({ limits: { ...defaultLimits, archiveDepth: 3 }, options });
    expect(await third).toMatchObject({ limits: { ...defaultLimits, archiveDepth: 4 }, options });
    scanner.configure({ limits: defaultLimits, options: defaultOptions });
    expect(scanner.revision).toBe(before);
  });

  it('knows the new message size at once, and so does a worker that starts later', async () => {
    const scanner = await start();
    scanner.configure({ limits: { messageBytes: 5, mimeDepth: 7 } });
    expect((await scan(scanner, '123456')).verdict.limits).toEqual(['message-size']);
    expect((await scan(scanner, 'CRASH')).verdict.limits).toEqual(['engine-failed']);
    expect(await facts(scanner)).toMatchObject({ limits: { mimeDepth: 7 } });
  });

  it('says that it has changed, and does not where nothing has', async () => {
    const scanner = await start();
    const before = changes;
    scanner.configure({ limits: { mimeDepth: 7 } });
    expect(changes).toBe(before + 1);
    scanner.configure({ limits: { mimeDepth: 7 } });
    await scanner.reload();
    expect(changes).toBe(before + 1);
  });
});

describe('a scanner whose rules change', () => {
  it('has the new ones once it has read them, and says so', async () => {
    const scanner = await start({ workers: 3 });
    const before = scanner.revision;
    write('ours', 'new BAD');
    expect(await facts(scanner)).toMatchObject({ loaded: '' });
    const announced = changes;
    await scanner.reload();
    expect(scanner.engines).toEqual([{ id: 'test', version: 'new BAD', rules: 0 }]);
    expect(scanner.problems).toEqual([{ file: 'rules', line: 1, message: 'bad' }]);
    expect(scanner.revision).not.toBe(before);
    expect(changes).toBeGreaterThan(announced);
    const all = await Promise.all([1, 2, 3].map(() => facts(scanner)));
    expect(all.map(({ loaded }) => loaded)).toEqual(['new BAD', 'new BAD', 'new BAD']);
    write('ours', '');
    await scanner.reload();
    expect([scanner.revision, scanner.problems]).toEqual([before, []]);
  });

  it('goes on scanning meanwhile, and is never of one revision while its workers are not', async () => {
    const scanner = await start({ workers: 2 });
    const before = scanner.revision;
    write('users', 'new');
    const seen: string[] = [];
    const reloading = scanner.reload();
    const scans = Array.from({ length: 200 }, async () => {
      const earlier = scanner.revision;
      const { loaded } = await facts(scanner);
      if (scanner.revision === earlier) seen.push(`${earlier === before ? 'before' : 'later'} ${loaded}`);
    });
    await Promise.all([reloading, ...scans]);
    expect(seen.filter((each) => each === 'before new')).toEqual([]);
    expect((await facts(scanner)).loaded).toBe('new');
    const after = scanner.revision;
    expect(after).not.toBe(before);
    expect((await scan(scanner, 'CRASH')).verdict.limits).toEqual(['engine-failed']);
    await facts(scanner);
    expect(scanner.revision).toBe(after);
  });

  it('keeps the old ones where the new ones can not be read, says so, and can try again', async () => {
    write('ours', 'old');
    const scanner = await start({ workers: 2 });
    const before = scanner.revision;
    write('ours', 'FAIL');
    await expect(scanner.reload()).rejects.toThrow('failed as asked');
    expect(scanner.revision).toBe(before);
    expect(scanner.problems).toEqual([{ file: join(directory, 'ours'), message: 'failed as asked' }]);
    expect((await facts(scanner)).loaded).toBe('old');
    write('ours', 'new');
    await scanner.reload();
    expect([scanner.problems, (await facts(scanner)).loaded]).toEqual([[], 'new']);
  });

  it('does without the rules of the user on which its workers end, at the start and later', async () => {
    write('users', 'CRASH');
    const scanner = await start({ workers: 2 });
    const problem = { file: join(directory, 'users'), message: expect.stringContaining('left out') };
    expect(scanner.problems).toEqual([problem]);
    expect((await facts(scanner)).loaded).toBe('');
    write('users', 'good');
    await scanner.reload();
    expect([scanner.problems, (await facts(scanner)).loaded]).toEqual([[], 'good']);
    write('users', 'CRASH');
    await scanner.reload();
    expect(scanner.problems).toEqual([problem]);
    expect((await facts(scanner)).loaded).toBe('');
  });

  it('reads them once for several who ask at once', async () => {
    const scanner = await start({ workers: 2 });
    write('ours', 'new');
    await Promise.all([scanner.reload(), scanner.reload(), scanner.reload()]);
    expect((await facts(scanner)).loaded).toBe('new');
  });

  it('has them for all workers when one that starts finds others than those before it', async () => {
    const scanner = await start({ workers: 2 });
    const before = scanner.revision;
    write('users', 'new');
    expect((await facts(scanner)).loaded).toBe('');
    expect((await scan(scanner, 'CRASH')).verdict.limits).toEqual(['engine-failed']);
    await vi.waitFor(async () => {
      const all = await Promise.all([1, 2].map(() => facts(scanner)));
      expect(all.map(({ loaded }) => loaded)).toEqual(['new', 'new']);
    }, 5_000);
    expect(scanner.revision).not.toBe(before);
    const after = scanner.revision;
    await scanner.reload();
    expect(scanner.revision).toBe(after);
  });

  it('tells whoever waits for them that it was stopped', async () => {
    const scanner = await start();
    const reloading = expect(scanner.reload()).rejects.toThrow('stopped');
    await scanner.stop();
    await reloading;
    await expect(scanner.reload()).rejects.toThrow('stopped');
  });

  it('does not start where ours can not be read', async () => {
    write('ours', 'CRASH');
    await expect(start()).rejects.toMatchObject({ cause: { message: 'crashed as asked' } });
  });
});

describe('the real workers', () => {
  it("look for the user's rules after they were read again, and say what is wrong with them", async () => {
    const scanner = await start({
      workerUrl: new URL('./worker.ts', import.meta.url),
      rulesDirectory: new URL('./rules/', import.meta.url),
      cacheDirectory: join(directory, 'cache'),
      workers: 2,
    });
    const names = async () => {
      const { verdict } = await scan(scanner, 'Subject: s\r\n\r\na needle');
      return verdict.detections.map(({ name }) => name);
    };
    expect(await names()).toEqual([]);
    const before = scanner.revision;
    writeFileSync(join(directory, 'users', 'a.yar'), 'rule Found { strings: $a = "needle" condition: $a }');
    writeFileSync(join(directory, 'users', 'bad.yar'), 'rule {');
    await scanner.reload();
    expect(await Promise.all([1, 2, 3, 4].map(names))).toEqual(Array.from({ length: 4 }, () => ['Found']));
    expect(scanner.problems).toMatchObject([{ file: 'bad.yar', line: 1 }]);
    expect(scanner.revision).not.toBe(before);
    rmSync(join(directory, 'users'), { recursive: true });
    await scanner.reload();
    expect([await names(), scanner.problems, scanner.revision]).toEqual([[], [], before]);
  });
});
