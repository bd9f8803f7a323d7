import { expect, test } from 'vitest';
import { type HelperRequest, maxElements, maxEnded } from './helper-messages.ts';
import { readRequest } from './helper-request.ts';

const open: HelperRequest = {
  id: 1,
  do: 'open',
  listen: 40_000,
  ipv6: true,
  detect: ['imap', 'pop3'],
  block: false,
  add: {
    ports: [[110, 110]],
    bridges: [[1143, 1144]],
    skip4: [['0a000000', '0a0000ff']],
    skip6: [['0'.repeat(32), 'f'.repeat(32)]],
    found4: [['cb00710a', 10_143, 1]],
    found6: [['fd990000000000000000000000000010', 1, 2_592_000]],
    down4: [['00000000', 65_535, 5]],
    down6: [],
  },
};
const requests: readonly HelperRequest[] = [
  open,
  { id: 2, do: 'change', detect: [], block: false, remove: {}, add: {} },
  { id: 3, do: 'change', detect: [], block: true, remove: { ports: [[1, 2]] }, add: {} },
  { id: 3, do: 'change', detect: [], block: { ports: [[1, 2]] }, remove: {}, add: {} },
  { id: 4, do: 'close', block: true },
  {
    id: Number.MAX_SAFE_INTEGER,
    do: 'end',
    connections: [
      [
        ['0a4d0001', 40_000],
        ['cb00710a', 143],
      ],
    ],
  },
  { id: 6, do: 'owner', inode: 4711, uid: 0 },
  { do: 'alive' },
];

test.each(requests)('a request is read as it was written: $do', (request) => {
  expect(readRequest(JSON.stringify(request))).toEqual({ ok: true, request });
});

test('as many elements in a set as there may be, and not one more', () => {
  const change = (count: number) => {
    const bridges = Array.from({ length: count }, (_, i) => [i + 1, i + 1]);
    return readRequest(
      JSON.stringify({ id: 1, do: 'change', detect: [], block: false, remove: {}, add: { bridges } }),
    );
  };
  expect(change(maxElements)).toMatchObject({ ok: true });
  expect(change(maxElements + 1)).toEqual({ ok: false, problem: 'add' });
});

test('as many connections as may be ended at once, and not one more', () => {
  const connection = [
    ['0a4d0001', 1],
    ['cb00710a', 2],
  ];
  const end = (count: number) =>
    readRequest(JSON.stringify({ id: 1, do: 'end', connections: Array(count).fill(connection) }));
  expect(end(maxEnded)).toMatchObject({ ok: true });
  expect(end(maxEnded + 1)).toEqual({ ok: false, problem: 'connections' });
});
