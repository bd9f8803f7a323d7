import { expect, test } from 'vitest';
import { ActionList } from './actions.ts';
import { octets } from './bytes.ts';
import type { Side } from './engine.ts';

const chunk = octets('abcdef');
const send = (to: Side, bytes: Uint8Array) => ({ kind: 'send', to, bytes }) as const;

test('octets that lie behind each other in a chunk leave as one', () => {
  const actions = new ActionList();
  for (let at = 0; at < 6; at += 2) actions.emit(send('client', chunk.subarray(at, at + 2)));
  expect(actions.take()).toEqual([send('client', chunk)]);
});

test.each([
  ['to the other side', send('client', chunk.subarray(0, 2)), send('server', chunk.subarray(2))],
  ['of another chunk', send('client', chunk), send('client', octets('g'))],
  ['behind a gap', send('client', chunk.subarray(0, 2)), send('client', chunk.subarray(3))],
])('octets %s leave on their own', (_, first, second) => {
  const actions = new ActionList();
  actions.emit(first);
  actions.emit(second);
  expect(actions.take()).toEqual([first, second]);
});

test('what was taken is not taken again, nor grows', () => {
  const actions = new ActionList();
  actions.emit(send('client', chunk.subarray(0, 2)));
  const taken = actions.take();
  actions.emit(send('client', chunk.subarray(2)));
  expect(taken).toEqual([send('client', chunk.subarray(0, 2))]);
  expect(actions.take()).toEqual([send('client', chunk.subarray(2))]);
  expect(actions.take()).toEqual([]);
});

test('closes once, with a last line to the client', () => {
  const actions = new ActionList();
  expect(actions.closed).toBe(false);
  actions.close('line-too-long', '* BYE');
  actions.close('protocol-violation', '* BYE');
  expect(actions.closed).toBe(true);
  expect(actions.take()).toEqual([
    send('client', octets('* BYE Closed by the mail scanner: line-too-long\r\n')),
    { kind: 'close', reason: 'line-too-long' },
  ]);
});

test('closes without a word to a client that is in the middle of a message', () => {
  const actions = new ActionList();
  actions.close('scan-failed', undefined);
  expect(actions.closed).toBe(true);
  expect(actions.take()).toEqual([{ kind: 'close', reason: 'scan-failed' }]);
});
