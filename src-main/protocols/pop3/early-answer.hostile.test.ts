import { expect, test } from 'vitest';
import { pop3LineBytes } from '../limits.ts';
import { Script } from './script.test-support.ts';

test('a message that has begun to leave shows nothing of a body that has no header, or one whose header hides it', () => {
  const bodies = ['MARK\r\nA: b\r\n\r\n', '\r\nX: MARK\r\n', 'A: b\n\nX: MARK\r\n', 'A: b\r\r\nX: MARK\r\n'];
  for (const body of [...bodies, 'A: b\r\n \r\nX: MARK\r\n', 'A: b\r\n--MARK: x\n']) {
    const s = new Script().client('RETR 1\r\n').server(`+OK\r\n${body}.\r\n`);
    for (let i = 0; i < 50; i++) s.event({ kind: 'keep-alive' });
    expect(s.clientGot().replace('A: b\r\n--MARK: x', '')).not.toContain('MARK');
  }
});

test('a message that has begun to leave is ended without a word by whatever ends the connection', () => {
  const begun = () => {
    const s = new Script().client('RETR 1\r\n').server('+OK\r\nSubject: x\r\n\r\nhalf\r\n');
    s.event({ kind: 'keep-alive' }).event({ kind: 'keep-alive' }).clientGot();
    return s;
  };
  const client = begun().client('x'.repeat(pop3LineBytes + 1));
  const server = begun()
    .server('.\r\n')
    .server(`+OK ${'x'.repeat(pop3LineBytes)}\r\n`);
  const unasked = begun().server('.\r\n+OK\r\n');
  for (const s of [client, server, unasked]) {
    expect(s.notes.at(-1)).toMatch(/^close /);
    expect(s.clientGot()).toBe('');
  }
});

test('a message that has begun to leave has an error line of its server for a line of its own', () => {
  const s = new Script()
    .client('RETR 1\r\nNOOP\r\n')
    .server('+OK\r\nSubject: x\r\n\r\n1\r\n-ERR no\r\n+OK\r\n');
  for (let i = 0; i < 2; i++) s.event({ kind: 'keep-alive' });
  expect(s.clientGot()).toBe('+OK\r\nSubj');
  s.server('.\r\n+OK\r\n').release(1);
  expect(s.clientGot()).toBe('ect: x\r\n\r\n1\r\n-ERR no\r\n+OK\r\n.\r\n+OK\r\n');
});

test('a message that has begun to leave hears nothing after its connection was closed, or its server has ended', () => {
  const s = new Script().client('RETR 1\r\n').server('+OK\r\nSubject: x\r\n\r\n');
  s.event({ kind: 'keep-alive' }).event({ kind: 'end', from: 'server' }).clientGot();
  for (let i = 0; i < 3; i++) s.event({ kind: 'keep-alive' });
  expect(s.release(1).client('EVIL\r\n').clientGot()).toBe('');
});
