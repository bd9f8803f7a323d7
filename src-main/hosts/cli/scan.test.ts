import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Detection, outcomeOf, type Verdict } from '../../contract/verdict.ts';
import { type ScanOptions, scanFiles } from './scan.ts';
import { emptyTally, progressLine, summaryLine } from './scan-report.ts';

type Scanner = ScanOptions['scanner'];

let base: string;

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'postern-scan-'));
  for (const name of [
    'clean',
    'clean-2',
    'infected',
    'suspicious',
    'encrypted',
    'infected-encrypted',
    'gone',
    'bad\u001b[2J',
  ]) {
    writeFileSync(join(base, name), '');
  }
});

afterAll(() => rmSync(base, { recursive: true }));

function verdictOf(name: string): Verdict {
  const detection = (category: Detection['category']): Detection => ({
    name: 'Postern.Test.X',
    engine: 'literal',
    category,
    part: '2/x.com',
    sha256: 'ab',
  });
  const detections = name.startsWith('infected')
    ? [detection('test')]
    : name === 'suspicious'
      ? [detection('suspicious')]
      : [];
  const complete = !name.includes('encrypted');
  return {
    outcome: outcomeOf(detections, complete),
    complete,
    detections,
    notes: [],
    engines: [],
    limits: complete ? [] : ['encrypted'],
    sha256: 'cd',
    bytes: 0,
    parts: 1,
    ms: 1.23456,
  };
}

const scanner: Scanner = {
  parallel: 2,
  scanStream: async () => verdictOf('clean'),
  async scanFile(_, name = '') {
    if (basename(name) === 'gone') throw Object.assign(new Error('gone'), { code: 'EACCES' });
    return verdictOf(basename(name));
  },
};

async function scan(names: readonly string[], options: Partial<ScanOptions> = {}) {
  const lines: string[] = [];
  const errors: string[] = [];
  const exitCode = await scanFiles({
    paths: names.map((name) => join(base, name)),
    json: false,
    scanner,
    input: Readable.from([]),
    print: (line) => lines.push(line.replaceAll(`${base}/`, '')),
    printError: (line) => errors.push(line.replaceAll(`${base}/`, '')),
    readerLeft: () => false,
    ...options,
  });
  return { exitCode, lines, errors };
}

describe('the exit code', () => {
  test.each([
    [['clean', 'clean-2'], 0],
    [['clean', 'infected'], 1],
    [['suspicious'], 1],
    [['clean', 'encrypted'], 2],
    [['encrypted', 'infected'], 1],
    [['gone'], 2],
    [['nothing'], 3],
    [['nothing', 'infected'], 1],
    [['nothing', 'encrypted'], 3],
  ])('of %j is %i', async (names, expected) => {
    expect((await scan(names)).exitCode).toBe(expected);
  });
});

test('lines for people say what was found where, what was not looked into, and the sum', async () => {
  const { lines, errors } = await scan([
    'clean',
    'infected',
    'encrypted',
    'infected-encrypted',
    'gone',
    'nothing',
  ]);
  expect(lines).toEqual([
    'clean: clean',
    'infected: infected: Postern.Test.X (2/x.com)',
    'encrypted: not scanned: not looked into: encrypted content',
    'infected-encrypted: infected: Postern.Test.X (2/x.com); not looked into: encrypted content',
    'gone: not scanned: not looked into: scanning failed',
    '5 files: 1 clean, 2 infected, 0 suspicious, 2 not scanned',
  ]);
  expect(errors).toEqual([
    "postern: can't be read: gone: EACCES",
    'postern: no such file or directory: nothing',
  ]);
});

test('lines for programs have exactly the agreed keys, and no sum', async () => {
  const { lines } = await scan(['infected', 'gone'], { json: true });
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      path: 'infected',
      outcome: 'infected',
      complete: true,
      detections: [
        { name: 'Postern.Test.X', engine: 'literal', category: 'test', part: '2/x.com', sha256: 'ab' },
      ],
      limits: [],
      notes: [],
      engines: [],
      ms: 1.23,
    },
    {
      path: 'gone',
      outcome: 'not-scanned',
      complete: false,
      detections: [],
      limits: ['scan-failed'],
      notes: [],
      engines: [],
      ms: 0,
    },
  ]);
});

test('a name can not steer the terminal', async () => {
  expect((await scan(['bad\u001b[2J'])).lines[0]).toBe('bad\ufffd[2J: clean');
});

test('several files are under way, and the lines keep the order', async () => {
  let running = 0;
  let most = 0;
  const finish = new Map<string, () => void>();
  const slow: Scanner = {
    ...scanner,
    async scanFile(_, path = '') {
      most = Math.max(most, ++running);
      const name = basename(path);
      // The first ends only after the second.
      if (name === 'clean') await new Promise<void>((done) => finish.set('clean', done));
      else finish.get('clean')?.();
      running--;
      return verdictOf(name);
    },
  };
  const { lines } = await scan(['clean', 'infected', 'clean-2'], { scanner: slow });
  expect(lines.map((line) => line.replace(/:.*/, ''))).toEqual(['clean', 'infected', 'clean-2', '3 files']);
  expect(most).toBe(2);
});

test('when nobody reads any more, the rest is not scanned, and the exit code says so', async () => {
  let scanned = 0;
  const counting: Scanner = {
    ...scanner,
    async scanFile() {
      scanned++;
      return verdictOf('clean');
    },
  };
  const { exitCode } = await scan(['clean', 'clean-2'], { scanner: counting, readerLeft: () => scanned > 0 });
  expect({ exitCode, scanned }).toEqual({ exitCode: 2, scanned: 1 });
});

test('progress counts', async () => {
  const progress: string[] = [];
  await scan(['clean', 'infected'], { progress: (tally) => progress.push(summaryLine(tally)) });
  expect(progress.at(-1)).toContain('2 files: 1 clean, 1 infected');
});

test('standard input is scanned where - is named', async () => {
  let given = '';
  const reading: Scanner = {
    ...scanner,
    async scanStream(chunks) {
      for await (const chunk of chunks) given += chunk.toString();
      return verdictOf('infected');
    },
  };
  const lines: string[] = [];
  const exitCode = await scanFiles({
    paths: ['-'],
    json: false,
    scanner: reading,
    input: Readable.from([Buffer.from('mail')]),
    print: (line) => lines.push(line),
    printError: (line) => lines.push(line),
    readerLeft: () => false,
  });
  expect({ exitCode, given, line: lines[0] }).toEqual({
    exitCode: 1,
    given: 'mail',
    line: '-: infected: Postern.Test.X (2/x.com)',
  });
});

test('notes stand behind what was found', async () => {
  const noting: Scanner = {
    ...scanner,
    scanFile: async () => ({ ...verdictOf('clean'), notes: [{ name: 'Postern.Mime.BareCr', part: '' }] }),
  };
  const { lines, exitCode } = await scan(['clean'], { scanner: noting });
  expect({ line: lines[0], exitCode }).toEqual({
    line: 'clean: clean: notes: Postern.Mime.BareCr',
    exitCode: 0,
  });
});

test('a bar shows the share once it is known how much there is', () => {
  const tally = { ...emptyTally, outcomes: { ...emptyTally.outcomes, clean: 6 } };
  expect(progressLine(tally, undefined, 200)).toMatch(/^6 files: 6 clean.* …$/);
  expect(progressLine(tally, 24, 200)).toContain('[######------------------] 25 %  of 24: 6 files');
  // More files came meanwhile.
  expect(progressLine(tally, 5, 200)).toContain('] 100 %');
  expect(progressLine(tally, 24, 40)).toHaveLength(39);
});
