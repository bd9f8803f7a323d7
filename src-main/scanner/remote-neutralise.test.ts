import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  bad,
  clean,
  engine,
  type FakeScanner,
  finder,
  leaf,
  order,
  scanner,
  setUp,
} from './remote-scanner.fixture.ts';
import { type ScanOptions, type ScanResult, unscanned } from './scan-job.ts';

describe('a message in which a remote engine found something', () => {
  const message = 'Head\r\n\r\ngood BAD good';
  /** Blanks out what is known: in the part where it is, in the body, or all. */
  function harmless(text: string, { neutralise, known = [] }: ScanOptions): Partial<ScanResult> {
    if (!neutralise || known.length === 0) return {};
    const bodyAt = text.indexOf('\r\n\r\n') + 4;
    const blank = (from: number, to: number) => ({
      overwrites: [{ offset: from, bytes: Buffer.alloc(to - from, 0x5f) }],
    });
    if (known.some(({ part }) => part === '*')) return blank(0, text.length);
    if (known.some(({ part }) => part === '')) return blank(bodyAt, text.length);
    return blank(text.indexOf('BAD'), text.indexOf('BAD') + 3);
  }

  const applied = (text: string, { overwrites }: ScanResult) => {
    const changed = Buffer.from(text, 'latin1');
    for (const { offset, bytes } of overwrites) changed.set(bytes, offset);
    return changed.toString('latin1');
  };
  const ordersOf = (builtIn: FakeScanner) =>
    builtIn.asked.map(({ leaves, known }) => known?.map(({ part }) => part) ?? leaves);

  /** Gives out the word as a part of its own, where parts are asked for. */
  const locating = () =>
    scanner((text, options) => ({
      ...harmless(text, options),
      leaves: options.leaves === 'all' && text.includes('BAD') ? [leaf('1', 'good'), leaf('2', 'BAD')] : [],
    }));

  it('is left alone where nobody asked for more', async () => {
    const builtIn = locating();
    const { overwrites, tags } = await setUp(builtIn, finder()).scanner.scan(order(message));
    expect([overwrites, tags, builtIn.asked.length]).toEqual([[], [], 1]);
  });

  it('is made harmless in the part where it is, proven by that engine', async () => {
    const builtIn = locating();
    const [one, other] = [finder(), engine(() => clean, 'icap')];
    const options = { neutralise: true, sha256: 'abc', name: 'n' } as const;
    const result = await setUp(builtIn, one, other).scanner.scan(order(message), options);
    expect(applied(message, result)).toBe('Head\r\n\r\ngood ___ good');
    expect(result.verdict).toMatchObject({ outcome: 'infected', detections: [{ name: 'Bad', part: '2' }] });
    expect(ordersOf(builtIn)).toEqual(['ambiguous', 'all', ['2'], 'all']);
    expect(builtIn.asked[2]).toEqual({
      neutralise: true,
      sha256: 'abc',
      name: 'n',
      known: [{ name: 'Bad', part: '2', category: 'malware' }],
    });
    expect(one.asked).toEqual([message, 'good', 'BAD', 'Head\r\n\r\ngood ___ good']);
    expect(other.asked).toEqual([message]);
  });

  it('is made harmless everywhere where no part says where it is', async () => {
    const builtIn = scanner(harmless);
    const result = await setUp(builtIn, finder()).scanner.scan(order(message), { neutralise: true });
    expect(applied(message, result)).toBe(`Head\r\n\r\n${'_'.repeat(13)}`);
    expect(ordersOf(builtIn)).toEqual(['ambiguous', 'all', ['']]);
  });

  it('loses its header when even that does not help', async () => {
    const text = `BAD ${message}`;
    const builtIn = scanner(harmless);
    const result = await setUp(builtIn, finder()).scanner.scan(order(text), { neutralise: true });
    expect(applied(text, result)).toBe('_'.repeat(text.length));
    expect(ordersOf(builtIn)).toEqual(['ambiguous', 'all', [''], ['*']]);
  });

  it('is made harmless everywhere when the engine is gone before it could prove anything', async () => {
    const builtIn = locating();
    const dying = engine((text) =>
      text.includes('BAD') ? bad : text.includes('_') ? { kind: 'down' } : clean,
    );
    const result = await setUp(builtIn, dying).scanner.scan(order(message), { neutralise: true });
    expect(applied(message, result)).toBe(`Head\r\n\r\n${'_'.repeat(13)}`);
    expect(result.verdict).toMatchObject({ outcome: 'infected', limits: [] });
  });

  it('needs no more where what was found here is all there is', async () => {
    const overwrites = [{ offset: message.indexOf('BAD'), bytes: Buffer.from('xxx') }];
    const builtIn = scanner(() => ({ overwrites }));
    const one = finder();
    const result = await setUp(builtIn, one).scanner.scan(order(message), { neutralise: true });
    expect(result.overwrites).toBe(overwrites);
    expect(builtIn.asked.length).toBe(1);
    expect(one.asked.at(-1)).toBe('Head\r\n\r\ngood xxx good');
  });

  it('is not taken for harmless because the rest of it is', async () => {
    // The engine sees nothing in the whole: only decoded is it what it is.
    const overwrites = [{ offset: 0, bytes: Buffer.from('x') }];
    const builtIn = scanner((text, options) => ({
      overwrites: options.known ? [{ offset: 8, bytes: Buffer.alloc(4, 0x5f) }] : overwrites,
      leaves: text.includes('abcd') && options.leaves !== 'none' ? [leaf('2', 'BAD')] : [],
    }));
    const text = 'Head\r\n\r\nabcd';
    const result = await setUp(builtIn, finder()).scanner.scan(order(text), { neutralise: true });
    expect(applied(text, result)).toBe('Head\r\n\r\n____');
    expect(ordersOf(builtIn)).toEqual(['ambiguous', ['2'], 'all']);
  });

  it('loses all of it when no worker comes to an end with it', async () => {
    const builtIn = scanner(() => unscanned('scan-time', 1));
    const result = await setUp(builtIn, finder()).scanner.scan(order(message), { neutralise: true });
    expect(applied(message, result)).toMatch(/^\[Rem\r\n\r\noved/);
    expect(applied(message, result)).not.toContain('BAD');
    expect(result.verdict).toMatchObject({ outcome: 'infected', limits: ['scan-time'] });
  });

  it('may be in a file', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'remote-'));
    const path = join(directory, 'spool');
    const large = `${message}${'x'.repeat(200_000)}\r\n`;
    writeFileSync(path, large);
    try {
      const one = engine((text) => (text === path || text.includes('BAD') ? bad : clean));
      const known = scanner((_text, options) => harmless(large, options));
      const source = { kind: 'file', path, sizeBytes: large.length } as const;
      const result = await setUp(known, one).scanner.scan(source, { neutralise: true });
      expect(applied(large, result)).not.toContain('BAD');
      expect(one.asked).toEqual([path, applied(large, result)]);
      const lost = scanner(() => unscanned('scan-time', 1));
      const all = await setUp(lost, one).scanner.scan(source, { neutralise: true });
      expect(applied(large, all)).toMatch(/^\[Rem\r\n\r\noved by Po[^x]*_+\r\n$/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('is only marked where that is all that was asked for', async () => {
    const tags = [{ offset: 1, bytes: Buffer.from('t') }];
    const builtIn = scanner((_text, options) => ({ tags: options.known ? tags : [] }));
    const tag = { header: true } as const;
    const result = await setUp(builtIn, finder()).scanner.scan(order(message), { tag });
    expect([result.overwrites, result.tags]).toEqual([[], tags]);
    expect(builtIn.asked[1]).toEqual({ tag, known: [expect.objectContaining({ name: 'Bad', part: '' })] });
  });

  it('is neither where it is only suspicious', async () => {
    const builtIn = scanner(harmless);
    const doubting = engine(() => ({ kind: 'found', name: 'Macro', category: 'suspicious' }));
    const { verdict, overwrites } = await setUp(builtIn, doubting).scanner.scan(order(message), {
      neutralise: true,
    });
    expect([verdict.outcome, overwrites, builtIn.asked.length]).toEqual(['suspicious', [], 1]);
  });

  it('is made harmless at once where the time of the engines is over', async () => {
    const builtIn = locating();
    const set = setUp(
      builtIn,
      engine((text) => {
        if (text !== message) return clean;
        set.time.pass(90_000);
        return bad;
      }),
    );
    const result = await set.scanner.scan(order(message), { neutralise: true });
    expect(applied(message, result)).toBe(`Head\r\n\r\n${'_'.repeat(13)}`);
    expect(ordersOf(builtIn)).toEqual(['ambiguous', ['']]);
  });
});
