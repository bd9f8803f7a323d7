import { expect, test } from 'vitest';
import type { End } from '../../interception/linux/helper-messages.ts';
import { endConnections } from './connections.ts';

const v4: readonly [End, End] = [
  ['0a4d0001', 40_000],
  ['cb00710a', 143],
];
const v6: readonly [End, End] = [
  ['fd770000000000000000000000000001', 40_001],
  ['fd990000000000000000000000000010', 993],
];
const listed = (uid: string) => `0 0 10.77.0.1:40000 203.0.113.10:143 ${uid} ino:17 sk:1 cgroup:/ <->\n`;

/** A stand-in for ss: lists sockets with this text, and ends what it is told to. */
function standIn(listing: string | undefined) {
  const ended: string[] = [];
  const run = async (program: string, args: readonly string[]) => {
    expect(program).toBe('ss');
    const [options, ...filter] = args;
    if (options === '-Htne') return listing;
    ended.push(filter.join(' '));
    return 'one line\n';
  };
  return { ended, run };
}

test("a user's helper ends what is the user's", async () => {
  const { ended, run } = standIn(listed('timer:(keepalive,1min,0) uid:1001'));
  expect(await endConnections(1001, [v4, v6], run)).toBe(2);
  expect(ended).toEqual([
    'state established src 10.77.0.1:40000 dst 203.0.113.10:143',
    'state established src [fd77:0000:0000:0000:0000:0000:0000:0001]:40001 dst [fd99:0000:0000:0000:0000:0000:0000:0010]:993',
  ]);
});

test.each([
  ["another's", listed('uid:1002')],
  ['what ss fails at', undefined],
  ["root's, which names no user", listed('')],
  ['none', ''],
  ['two', listed('uid:1001') + listed('uid:1002')],
])('and not what is %s', async (_, listing) => {
  const { ended, run } = standIn(listing);
  expect(await endConnections(1001, [v4], run)).toBe(0);
  expect(ended).toEqual([]);
});

test("the system's helper ends anybody's, and counts what was there", async () => {
  const said = ['one line\n', ''];
  expect(await endConnections('all', [v4, v6], async () => said.shift() ?? '')).toBe(1);
});
