import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readRequest } from './helper-request.ts';

const open = {
  id: 1,
  do: 'open',
  listen: 40_000,
  ipv6: true,
  detect: ['imap'],
  block: false,
  add: {},
};

const change = { id: 1, do: 'change', detect: [], block: true, remove: {}, add: {} };

function problemOf(value: unknown): string | undefined {
  const read = readRequest(typeof value === 'string' ? value : JSON.stringify(value));
  return read.ok ? undefined : read.problem;
}

test('the requests that the others are made from are good', () => {
  expect(problemOf(open)).toBeUndefined();
  expect(problemOf(change)).toBeUndefined();
});

test.each([
  '',
  'add table inet x; flush ruleset',
  '{"id":1,"do":"open"',
  '{"do":"alive"}{"do":"alive"}',
  '{"do":"alive"} x',
  '\0{"do":"alive"}',
  '{"do":"alive","x":"\0"}',
  `${'['.repeat(100_000)}`,
  'null',
  '[]',
  '1',
  '"alive"',
  '[{"do":"alive"}]',
])('no JSON object: %j', (line) => {
  expect(problemOf(line)).toBe('json');
});

test.each([undefined, null, 'flush', 'Open', 'constructor', '__proto__', 'toString', 1, {}, ['open']])(
  'nothing that can be done: %j',
  (word) => expect(problemOf({ ...open, do: word })).toBe('do'),
);

describe('a field', () => {
  test.each([
    ['id', 0],
    ['id', -1],
    ['id', 1.5],
    ['id', '1'],
    ['id', null],
    ['id', 2 ** 53],
    ['listen', 0],
    ['listen', 22],
    ['listen', 1_023],
    ['listen', 65_536],
    ['listen', -40_000],
    ['listen', 1e300],
    ['listen', 40_000.5],
    ['listen', '40000'],
    ['listen', [40_000]],
    ['ipv6', 1],
    ['ipv6', 'true'],
    ['block', null],
    ['detect', 'imap'],
    ['detect', ['smtp']],
    ['detect', ['imap\n']],
    ['detect', ['imap', 'pop3', 'imap']],
    ['detect', { length: 1, 0: 'imap' }],
    ['add', null],
    ['add', []],
    ['add', 'ports'],
  ])('%s that is %j is not what it should be', (name, value) => {
    expect(problemOf({ ...open, [name]: value })).toBe(name);
  });

  test.each(Object.keys(open).filter((name) => name !== 'do'))('%s must be there', (name) => {
    expect(problemOf({ ...open, [name]: undefined })).toBe(name);
  });

  test.each(['extra', '', 'toString', 'hasOwnProperty', '__proto__', 'constructor'])(
    'that is unknown, %j, is refused',
    (name) => {
      const text = JSON.stringify(open).replace('{', `{${JSON.stringify(name)}:1,`);
      expect(problemOf(text)).toBe('unknown');
      const inside = JSON.stringify(open).replace('"add":{', `"add":{${JSON.stringify(name)}:[]`);
      expect(problemOf(inside)).toBe('add');
    },
  );

  test('of another request is unknown too', () => {
    expect(problemOf({ do: 'alive', id: 1 })).toBe('unknown');
    expect(problemOf({ id: 1, do: 'close', block: true, add: {} })).toBe('unknown');
  });
});

const hex6 = (digit: string) => digit.repeat(32);

describe('elements', () => {
  test.each([
    ['ports', [110]],
    ['ports', [110, 110, 110]],
    ['ports', ['110', '110']],
    ['ports', [0, 1]],
    ['ports', [-1, 1]],
    ['ports', [1, 65_536]],
    ['ports', [1, 1e21]],
    ['ports', [1.5, 2]],
    ['ports', [143, 110]],
    ['ports', [110, '143 }; flush ruleset; add element inet x y { 1']],
    ['ports', { 0: 1, 1: 2, length: 2 }],
    ['ports', 110],
    ['bridges', [1143, null]],
    ['skip4', ['0a000001']],
    ['skip4', ['0a000001', '0a000000']],
    ['skip4', ['10.0.0.1', '10.0.0.2']],
    ['skip4', ['0A000001', '0A000001']],
    ['skip4', ['0a00001', '0a00001']],
    ['skip4', ['0a000001\n', '0a000001\n']],
    ['skip4', ['0a00000\0', '0a000001']],
    ['skip4', [hex6('0'), hex6('1')]],
    ['skip4', [167772161, 167772162]],
    ['skip4', ['`reboot`', '`reboot`']],
    ['skip6', ['0a000000', '0a000001']],
    ['skip6', ['fd77::1', 'fd77::1']],
    ['skip6', [hex6('f'), hex6('0')]],
    ['skip6', [`${hex6('f')}f`, `${hex6('f')}f`]],
    ['found4', ['0a000001', 143]],
    ['found4', ['0a000001', 143, 0]],
    ['found4', ['0a000001', 143, -1]],
    ['found4', ['0a000001', 143, 2_592_001]],
    ['found4', ['0a000001', 0, 1]],
    ['found4', [hex6('0'), 143, 1]],
    ['found6', ['0a000001', 143, 1]],
    ['down4', ['0a000001', 143, '1s; flush ruleset']],
    ['down6', [hex6('g'), 143, 1]],
  ])('in %s: not %j', (set, element) => {
    expect(problemOf({ ...open, add: { [set]: [element] } })).toBe('add');
    expect(problemOf({ ...change, block: { [set]: [element] } })).toBe('block');
    expect(problemOf({ ...change, remove: { [set]: [element] } })).toBe('remove');
  });

  test.each([null, [], 'ports', 1, { rev: [] }])('no content of a block: %j', (block) => {
    expect(problemOf({ ...change, block })).toBe('block');
  });

  test('10,000 ranges are too many', () => {
    const ports = Array.from({ length: 10_000 }, (_, i) => [i + 1, i + 1]);
    expect(problemOf({ ...open, add: { ports } })).toBe('add');
  });

  test('the name of no set is a set', () => {
    expect(problemOf({ ...open, add: { rev: [] } })).toBe('add');
    expect(problemOf({ ...open, add: { 'ports { 1 }; flush ruleset': [] } })).toBe('add');
  });
});

test.each([
  [[['0a4d0001', 1]]],
  [
    [
      ['0a4d0001', 1],
      [hex6('0'), 2],
    ],
  ],
  [
    [
      ['0a4d0001', 0],
      ['cb00710a', 2],
    ],
  ],
  [
    [
      ['0a4d0001', 1],
      ['-K dst', 2],
    ],
  ],
  [
    [
      ['0a4d0001', 1, 1],
      ['cb00710a', 2],
    ],
  ],
])('no connection: %j', (connection) => {
  expect(problemOf({ id: 1, do: 'end', connections: [connection] })).toBe('connections');
});

test.each([
  ['inode', '../../etc'],
  ['inode', -1],
  ['inode', 0],
  ['uid', -1],
  ['uid', 2 ** 32 - 1],
  ['uid', '0'],
])('no owner to look for: %s %j', (name, value) => {
  expect(problemOf({ id: 1, do: 'owner', inode: 1, uid: 1, [name]: value })).toBe(name);
});

test('whatever the line, there is an answer, and it repeats nothing of the line', () => {
  const names = ['json', 'do', 'unknown', 'id', ...Object.keys(open), 'remove', 'connections'];
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
      const problem = problemOf(line);
      expect(problem === undefined || names.includes(problem)).toBe(true);
    }),
  );
});
