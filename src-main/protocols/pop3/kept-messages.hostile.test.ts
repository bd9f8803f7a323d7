import { expect, test } from 'vitest';
import { heldMessages, keptServings, keptWholes, outstandingCommands } from '../limits.ts';
import { Script } from './script.test-support.ts';

const tiny = '+OK\r\nA: b\r\n\r\nx\r\n.\r\n';

test('10,000 pipelined TOPs cost few transfers at once, few answers of one, and leave few spools', () => {
  const s = new Script().client('TOP 1 1\r\n'.repeat(10_000));
  let top = 0;
  let transfers = 0;
  for (let asked = s.serverGot(); asked !== ''; asked = s.serverGot()) {
    expect(asked.length).toBeLessThanOrEqual(outstandingCommands * 'RETR 1\r\n'.length);
    for (let i = 0; i < asked.length; i += 'RETR 1\r\n'.length) {
      s.server(tiny).release(++transfers);
      top += s.clientGot().split(tiny).length - 1;
    }
    expect(s.messages.size - s.dropped().length).toBeLessThanOrEqual(1);
  }
  expect(top).toBe(10_000);
  expect(transfers).toBeGreaterThanOrEqual(10_000 / (keptServings + 1));
});

test('a client that asks for one again and again gets so many answers for each transfer', () => {
  const s = new Script().client('RETR 1\r\n').server(tiny).release(1);
  s.clientGot();
  s.client('RETR 1\r\n'.repeat(10_000));
  expect(s.clientGot()).toBe(tiny.repeat(keptServings));
  expect(s.serverGot()).toHaveLength('RETR 1\r\n'.length * (1 + outstandingCommands));
});

test('a server is not read from while many messages wait behind one, however early they were decided', () => {
  const s = new Script();
  for (let i = 1; i <= heldMessages; i++) s.client(`RETR ${i}\r\n`).server(tiny);
  expect(s.notes).toEqual(['pause server']);
  for (let i = heldMessages; i > 1; i--) s.release(i);
  expect(s.notes).toEqual(['pause server']);
  s.release(1);
  expect(s.notes).toEqual(['pause server', 'resume server']);
  expect(s.messages.size - s.dropped().length).toBe(keptWholes);
});

test('a DELE for every number there is leaves nothing behind', () => {
  const s = new Script().client('RETR 1\r\n').server(tiny).release(1);
  for (let i = 2; i < 2_000; i++) s.client(`RETR ${i}\r\nDELE ${i}\r\n`).server('-ERR no\r\n-ERR no\r\n');
  s.clientGot();
  expect(s.client('RETR 1\r\n').clientGot()).toBe(tiny);
});

test('an answer of another message is not taken for the one that was asked for', () => {
  const s = new Script().client('RETR 1\r\nRETR 2\r\n').server('-ERR no\r\n').server(tiny).release(1);
  expect(s.clientGot()).toBe(`-ERR no\r\n${tiny}`);
  s.serverGot();
  expect(s.client('RETR 1\r\n').serverGot()).toBe('RETR 1\r\n');
  expect(s.client('RETR 2\r\n').serverGot()).toBe('');
});
