import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Detection } from '../contract/verdict.ts';
import { until } from './engines/remote.fixture.ts';
import { clean, engine, finder, leaf, order, scanner, setUp } from './remote-scanner.fixture.ts';
import { resultOf, unscanned } from './scan-job.ts';
import type { LeafBytes } from './worker-messages.ts';

const eicar: Detection = {
  name: 'Postern.Test.Eicar',
  engine: 'yara-x',
  category: 'test',
  part: '2/a',
  sha256: 'x',
};

describe('a scanner with remote engines', () => {
  it('without any is the scanner itself', async () => {
    const builtIn = scanner(() => ({}));
    const { scanner: both } = setUp(builtIn);
    const options = { neutralise: true, leaves: 'all' } as const;
    expect(await both.scan(order('a'), options)).toEqual(await builtIn.scan(order('a'), options));
    expect(builtIn.asked[0]).toBe(options);
    expect(both.revision).toBe('r1');
    expect([both.engines, both.crashes, both.problems]).toEqual([builtIn.engines, 3, []]);
  });

  it('asks all of them at the same time, and adds up what they say', async () => {
    const builtIn = scanner(() => ({}));
    let begun = 0;
    const both = Promise.withResolvers<void>();
    const together = async () => {
      if (++begun === 2) both.resolve();
      await both.promise;
      return clean;
    };
    const set = setUp(builtIn, engine(together), engine(together, 'icap'));
    expect(await set.scanner.scan(order('a'))).toMatchObject({
      leaves: [],
      verdict: {
        outcome: 'clean',
        complete: true,
        engines: [
          { id: 'clamd', version: 'v1', status: 'ok' },
          { id: 'icap', version: 'v1', status: 'ok' },
        ],
      },
    });
  });

  it.each([
    [{ kind: 'down' }, 'down', 'engine-down'],
    [{ kind: 'timeout' }, 'timeout', 'engine-timeout'],
    [{ kind: 'failed' }, 'failed', 'engine-failed'],
    [{ kind: 'skipped' }, 'skipped', 'engine-size'],
    [{ kind: 'incomplete', limits: ['archive-depth'] }, 'ok', 'archive-depth'],
  ] as const)('is not complete where one answers %j', async (answer, status, code) => {
    const { scanner: both } = setUp(
      scanner(() => ({})),
      engine(() => answer),
    );
    const { verdict } = await both.scan(order('a'));
    expect(verdict).toMatchObject({
      outcome: 'not-scanned',
      complete: false,
      limits: [code],
      engines: [{ status }],
    });
  });

  it('keeps the built-in verdict whatever an engine does', async () => {
    const throwing = engine(() => {
      throw new Error('broken');
    });
    const { scanner: both } = setUp(
      scanner((_text) => ({
        verdict: { ...resultOf(unscanned('encrypted', 1).verdict).verdict, detections: [eicar] },
      })),
      throwing,
    );
    const { verdict } = await both.scan(order('a'));
    expect(verdict).toMatchObject({ outcome: 'infected', detections: [eicar] });
    expect(verdict.limits.toSorted()).toEqual(['encrypted', 'engine-failed']);
  });

  it('names what an engine found beside what was found here, however much that was', async () => {
    const many = Array.from({ length: 64 }, (_, at): Detection => {
      return { ...eicar, name: `S${at}`, category: 'suspicious' };
    });
    const builtIn = scanner((text) => ({
      verdict: {
        ...resultOf(unscanned('encrypted', 1).verdict).verdict,
        detections: many,
        sha256: hash('sha256', text),
      },
    }));
    const { verdict } = await setUp(builtIn, finder()).scanner.scan(order('BAD'));
    expect(verdict.outcome).toBe('infected');
    expect(verdict.detections.length).toBe(64);
    expect(verdict.detections.at(-1)).toEqual({
      name: 'Bad',
      engine: 'clamd',
      category: 'malware',
      part: '',
      sha256: hash('sha256', 'BAD'),
    });
  });

  it('has a revision of its own for each state of an engine', () => {
    const builtIn = scanner(() => ({}));
    const one = finder();
    const { scanner: both } = setUp(builtIn, one);
    const revisions = [builtIn.revision, both.revision];
    one.version = '';
    revisions.push(both.revision);
    one.version = 'v2';
    revisions.push(both.revision);
    builtIn.revision = 'r2';
    revisions.push(both.revision);
    expect(new Set(revisions).size).toBe(5);
    one.version = 'v1';
    builtIn.revision = 'r1';
    expect(both.revision).toBe(revisions[1]);
  });

  it('gives up an engine when its time is over, and tells it so', async () => {
    let told = false;
    const hanging = engine(
      (_text, signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            told = true;
            reject(signal.reason);
          });
        }),
    );
    const { scanner: both, time } = setUp(
      scanner(() => ({})),
      hanging,
    );
    const scan = both.scan(order('a'));
    await until(() => hanging.asked.length === 1);
    time.pass(90_000);
    expect((await scan).verdict).toMatchObject({
      limits: ['engine-timeout'],
      engines: [{ status: 'timeout' }],
    });
    expect([told, time.pending]).toEqual([true, []]);
  });

  it('rejects by its signal, and as the scanner does, and ends what the engines do', async () => {
    const signals: AbortSignal[] = [];
    const hanging = engine((_text, signal) => {
      signals.push(signal);
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    });
    const reason = new Error('no longer wanted');
    const before = setUp(
      scanner(() => ({})),
      hanging,
    );
    await expect(before.scanner.scan(order('a'), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const abort = new AbortController();
    const during = before.scanner.scan(order('a'), { signal: abort.signal });
    await until(() => signals.length === 1);
    abort.abort(reason);
    await expect(during).rejects.toBe(reason);
    const unreadable = Object.assign(new Error('gone'), { code: 'ENOENT' });
    await expect(
      setUp(
        scanner(() => unreadable),
        hanging,
      ).scanner.scan(order('a')),
    ).rejects.toBe(unreadable);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    expect(before.time.pending).toEqual([]);
  });
});

describe('decoded parts', () => {
  const doubtful = (leaves: readonly LeafBytes[]) =>
    scanner((_text, options) => ({ leaves: options.leaves === 'none' ? [] : leaves }));

  it('go to the engines, each content once, and what is found is found there', async () => {
    const one = finder();
    const leaves = [leaf('1', 'good'), leaf('2/a', 'BAD'), leaf('3', 'good'), leaf('4', '')];
    const builtIn = doubtful(leaves);
    const { verdict, leaves: given } = await setUp(builtIn, one).scanner.scan(order('raw'));
    expect(builtIn.asked).toEqual([{ leaves: 'ambiguous' }]);
    expect(one.asked).toEqual(['raw', 'good', 'BAD']);
    expect(verdict.detections).toEqual([
      { name: 'Bad', engine: 'clamd', category: 'malware', part: '2/a', sha256: hash('sha256', 'BAD') },
    ]);
    expect(given).toEqual([]);
  });

  it('stand for the whole where the same is found in them', async () => {
    const builtIn = doubtful([leaf('2/a', 'BAD')]);
    const { verdict } = await setUp(builtIn, finder()).scanner.scan(order('raw BAD'));
    expect(verdict.detections).toMatchObject([{ part: '2/a' }]);
  });

  it('are bounded', async () => {
    const one = finder();
    const leaves = Array.from({ length: 40 }, (_, at) => leaf(`${at}`, `part ${at}`));
    const { verdict } = await setUp(doubtful(leaves), one).scanner.scan(order('raw'));
    expect(one.asked.length).toBe(1 + 32);
    expect(verdict.limits).toEqual(['engine-size']);
    const two = finder();
    const large = [1, 2].map((octet) => ({ part: `${octet}`, bytes: Buffer.alloc(40 * 1024 * 1024, octet) }));
    const second = await setUp(doubtful(large), two).scanner.scan(order('raw'));
    expect([two.asked.length, second.verdict.limits]).toEqual([2, ['engine-size']]);
  });

  it('do not go to an engine that did not answer, but to one that takes no such large message', async () => {
    for (const [kind, asked] of [
      ['down', 1],
      ['timeout', 1],
      ['failed', 1],
      ['skipped', 2],
    ] as const) {
      const one = engine((text) => (text === 'raw' ? { kind } : clean));
      const { verdict } = await setUp(doubtful([leaf('1', 'a')]), one).scanner.scan(order('raw'));
      expect([one.asked.length, verdict.engines[0]?.status]).toEqual([asked, kind]);
    }
  });
});
