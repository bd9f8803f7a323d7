import { describe, expect, test } from 'vitest';
import { indexedBodyLines, keptServings, keptWholes } from '../limits.ts';
import { Script } from './script.test-support.ts';

const retr = '+OK 29 octets\r\nA: b\r\n\r\n1\r\n..2\r\n3\r\n.\r\n';
const top = (lines: string) => `+OK\r\nA: b\r\n\r\n${lines}.\r\n`;

describe.each([
  ['as sent', false],
  ['octet by octet', true],
])('%s', (_, octetMode) => {
  const script = () => new Script(octetMode);

  /** A session that has had message 1, by RETR or by a TOP. */
  const fetched = (command = 'RETR 1\r\n') => {
    const s = script().client(command).server(retr).release(1);
    s.clientGot();
    s.serverGot();
    return s;
  };

  test('TOP, then RETR, then TOP cost one transfer', () => {
    const s = fetched('TOP 1 1\r\n');
    expect(s.client('RETR 1\r\n').clientGot()).toBe(retr);
    expect(s.client('TOP 1 2\r\n').clientGot()).toBe(top('1\r\n..2\r\n'));
    expect(s.client('TOP 1 99\r\n').clientGot()).toBe(top('1\r\n..2\r\n3\r\n'));
    expect(s.serverGot()).toBe('');
  });

  test('RETR, then TOP, then RETR cost one transfer', () => {
    const s = fetched();
    expect(s.client('TOP 1 1\r\n').clientGot()).toBe(top('1\r\n'));
    expect(s.client('RETR 1\r\n').clientGot()).toBe(retr);
    expect(s.serverGot()).toBe('');
    expect(s.messages.size).toBe(1);
  });

  test('a header alone is still the server’s', () => {
    const s = fetched().client('TOP 1 0\r\n');
    expect(s.serverGot()).toBe('TOP 1 0\r\n');
  });

  test('an answer out of a kept message keeps its place', () => {
    const s = fetched().client('STAT\r\nTOP 1 1\r\nEVIL\r\nNOOP\r\n');
    expect(s.serverGot()).toBe('STAT\r\nNOOP\r\n');
    expect(s.clientGot()).toBe('');
    expect(s.server('+OK 1 29\r\n').clientGot()).toBe(
      `+OK 1 29\r\n${top('1\r\n')}-ERR Command not supported\r\n`,
    );
    expect(s.server('+OK\r\n').clientGot()).toBe('+OK\r\n');
  });

  test('one that waits for its turn is there when it comes, whatever was forgotten meanwhile', () => {
    const s = fetched().client('STAT\r\nRETR 1\r\nDELE 1\r\n');
    expect(s.dropped()).toEqual([]);
    expect(s.server('+OK 1 29\r\n+OK deleted\r\n').clientGot()).toBe(`+OK 1 29\r\n${retr}+OK deleted\r\n`);
    expect(s.dropped()).toEqual([1]);
  });

  test('one behind a held message waits for it', () => {
    const s = fetched().client('RETR 2\r\nRETR 1\r\n').server('+OK\r\n\r\ntwo\r\n.\r\n');
    expect(s.event({ kind: 'keep-alive' }).clientGot()).toBe('+OK\r\n');
    expect(s.release(2).clientGot()).toBe(`\r\ntwo\r\n.\r\n${retr}`);
  });

  test.each(['DELE 1', 'DELE x', 'RSET', 'QUIT', 'USER x', 'PASS x', 'APOP x y', 'AUTH PLAIN x', 'UTF8'])(
    'after %s the server is asked again, before it has answered',
    (command) => {
      const s = fetched().client(`${command}\r\n`);
      expect(s.dropped()).toEqual([1]);
      s.server('-ERR no\r\n').client('RETR 1\r\n');
      expect(s.serverGot()).toBe(`${command}\r\nRETR 1\r\n`);
      expect(s.server('-ERR gone\r\n').clientGot()).toBe('-ERR no\r\n-ERR gone\r\n');
    },
  );

  test('after STLS the server is asked again', () => {
    const s = new Script(octetMode, false).client('RETR 1\r\n').server(retr).release(1);
    s.client('STLS\r\n').server('+OK\r\n').event({ kind: 'tls-ready' }).client('RETR 1\r\n');
    expect(s.serverGot()).toBe('RETR 1\r\nSTLS\r\nRETR 1\r\n');
  });

  test('a DELE of another message changes nothing', () => {
    const s = fetched().client('DELE 2\r\nRETR 1\r\n');
    expect(s.serverGot()).toBe('DELE 2\r\n');
    expect(s.server('+OK\r\n').clientGot()).toBe(`+OK\r\n${retr}`);
  });

  test.each(['DELE 1', 'RSET', 'USER x'])(
    'a message that was under way when %s came is not kept',
    (command) => {
      const asked = `RETR 1\r\n${command}\r\nRETR 1\r\n`;
      const s = script().client(asked).server(`${retr}+OK\r\n-ERR gone\r\n`).release(1);
      expect(s.clientGot()).toBe(`${retr}+OK\r\n-ERR gone\r\n`);
      expect(s.dropped()).toEqual([1]);
      expect(s.client('RETR 1\r\n').serverGot()).toBe(`${asked}RETR 1\r\n`);
      const t = script().client(`RETR 1\r\n${command}\r\n`).server(`${retr}+OK\r\n`).release(1);
      expect(t.dropped()).toEqual([1]);
    },
  );

  test('one that is asked for again before its verdict is fetched again, and kept once', () => {
    const s = script().client('TOP 1 1\r\nRETR 1\r\n').server(retr).client('RETR 1\r\n');
    expect(s.serverGot()).toBe('RETR 1\r\nRETR 1\r\nRETR 1\r\n');
    s.server(`${retr}${retr}`).release(1).release(2).release(3);
    expect(s.clientGot()).toBe(`${top('1\r\n')}${retr}${retr}`);
    expect(s.dropped()).toEqual([1, 2]);
    expect(s.client('RETR 1\r\n').clientGot()).toBe(retr);
  });

  test('one that waits for its verdict serves nobody else; an error to the next forgets it', () => {
    const s = script().client('RETR 1\r\n').server(retr).client('RETR 1\r\n');
    expect(s.serverGot()).toBe('RETR 1\r\nRETR 1\r\n');
    expect(s.server('-ERR gone\r\n').release(1).clientGot()).toBe(`${retr}-ERR gone\r\n`);
    expect(s.dropped()).toEqual([1]);
    expect(s.client('RETR 1\r\n').serverGot()).toBe('RETR 1\r\n');
  });

  test('a refused message is not kept', () => {
    const s = script().client('RETR 1\r\n').server(retr).release(1, 'refuse');
    expect(s.dropped()).toEqual([1]);
    s.client('RETR 1\r\n').server(retr).release(2).clientGot();
    expect(s.serverGot()).toBe('RETR 1\r\nRETR 1\r\n');
    expect(s.client('RETR 1\r\n').clientGot()).toBe(retr);
  });

  test('what came where a header was asked for is not kept', () => {
    const s = script().client('TOP 1 0\r\n').server('+OK\r\nA: b\r\n\r\nbody\r\n.\r\n').release(1);
    expect(s.dropped()).toEqual([1]);
    expect(s.client('RETR 1\r\n').serverGot()).toBe('TOP 1 0\r\nRETR 1\r\n');
  });

  test('a number that servers may read in different ways is asked for each time', () => {
    const s = fetched('RETR 01\r\n');
    expect(s.dropped()).toEqual([1]);
    expect(s.client('RETR 01\r\n').serverGot()).toBe('RETR 01\r\n');
  });

  test('a message that has begun to leave early is kept, too', () => {
    const s = script().client('RETR 1\r\n').server(retr);
    s.event({ kind: 'keep-alive' }).event({ kind: 'keep-alive' }).release(1);
    expect(s.clientGot()).toBe(retr);
    expect(s.client('RETR 1\r\n').clientGot()).toBe(retr);
  });

  test('a server that has ended is not answered for', () => {
    const s = fetched().event({ kind: 'end', from: 'server' }).client('RETR 1\r\n');
    expect(s.clientGot()).toBe('');
    expect(s.dropped()).toEqual([1]);
  });

  test('line ends stay the server’s own', () => {
    const s = script().client('RETR 1\n').server('+OK\nA: b\n\n1\n2\n.\n').release(1);
    s.clientGot();
    expect(s.client('RETR 1\n').clientGot()).toBe('+OK\nA: b\n\n1\n2\n.\n');
    expect(s.client('TOP 1 1\n').clientGot()).toBe('+OK\r\nA: b\n\n1\n.\n');
  });
});

test('those used last are kept', () => {
  const s = new Script();
  for (let n = 1; n <= keptWholes; n++) s.client(`RETR ${n}\r\n`).server(retr).release(n);
  s.client('TOP 1 1\r\n')
    .client(`RETR ${keptWholes + 1}\r\n`)
    .server(retr)
    .release(keptWholes + 1);
  expect(s.dropped()).toEqual([2]);
  s.serverGot();
  s.client('RETR 1\r\nRETR 3\r\nRETR 2\r\n');
  expect(s.serverGot()).toBe('RETR 2\r\n');
});

test('a message serves so often, and is fetched anew then', () => {
  const s = new Script().client('RETR 1\r\n').server(retr).release(1);
  s.serverGot();
  for (let i = 0; i < keptServings; i++) s.client('TOP 1 1\r\n');
  expect(s.serverGot()).toBe('');
  expect(s.dropped()).toEqual([1]);
  s.client('TOP 1 1\r\n');
  expect(s.serverGot()).toBe('RETR 1\r\n');
});

test('lines past those that are remembered are fetched anew', () => {
  const body = 'x\r\n'.repeat(indexedBodyLines + 5);
  const s = new Script().client('RETR 1\r\n').server(`+OK\r\n\r\n${body}.\r\n`).release(1);
  s.clientGot();
  s.serverGot();
  expect(s.client(`TOP 1 ${indexedBodyLines}\r\n`).clientGot()).toHaveLength(10 + 3 * indexedBodyLines);
  expect(s.client(`TOP 1 ${indexedBodyLines + 1}\r\n`).serverGot()).toBe('RETR 1\r\n');
  s.server(`+OK\r\n\r\n${body}.\r\n`).release(2);
  expect(s.clientGot()).toHaveLength(10 + 3 * (indexedBodyLines + 1));
  expect(s.client(`TOP 1 ${indexedBodyLines + 1}\r\n`).serverGot()).toBe('');
});
