import { describe, expect, it } from 'vitest';
import { keptWholes, pieceBatch } from '../limits.ts';
import { EngineScript } from '../script.test-support.ts';
import { createImapEngine } from './engine.ts';
import { greeted, inputModes, literal, unavailableAnswer as no, Script } from './script.test-support.ts';

const mail = 'From: a@example.test\r\nSubject: x\r\n\r\nHello\r\n';

function both(name: string, body: (s: Script) => void): void {
  it.each(inputModes)(`${name} (%s)`, (_, octetMode) => body(greeted(octetMode)));
}

describe('a FETCH that names pieces', () => {
  both('has the whole fetched first, and waits for its verdict', (s) => {
    s.client('a FETCH 2 BODY[1]\r\nb NOOP\r\n');
    expect(s.serverGot()).toBe('PSTN1 FETCH 2 (UID BODY.PEEK[])\r\n');
    s.server(
      `* 2 FETCH (UID 9 FLAGS (\\Recent) BODY[] ${literal(mail)} MODSEQ (5))\r\n* 4 EXISTS\r\nPSTN1 OK done\r\n`,
    );
    expect(s.clientGot()).toBe('* 2 FETCH (UID 9 FLAGS (\\Recent) MODSEQ (5))\r\n* 4 EXISTS\r\n');
    expect(s.serverGot()).toBe('');
    expect(s.held()).toEqual({ 1: mail });
    s.release(1);
    expect(s.serverGot()).toBe('a FETCH 2 BODY[1]\r\n');
    const answer = `* 2 FETCH (FLAGS (\\Seen) BODY[1] ${literal('Hello\r\n')})\r\na OK done\r\n`;
    expect(s.server(answer).clientGot()).toBe('');
    expect(s.messages.get(2)).toMatchObject({ text: 'Hello\r\n', pieceOf: 1 });
    expect(s.serverGot()).toBe('b NOOP\r\n');
    expect(s.release(2).clientGot()).toBe(answer);
    expect(s.dropped()).toEqual([2]);
  });

  both('waits for the tagged answers of earlier commands', (s) => {
    s.client('a NOOP\r\nb UID FETCH 9 (UID RFC822.SIZE BODY.PEEK[]<0.65536>)\r\n');
    expect(s.serverGot()).toBe('a NOOP\r\n');
    s.server('a OK\r\n');
    expect(s.serverGot()).toBe('PSTN1 UID FETCH 9 (UID BODY.PEEK[])\r\n');
  });

  both('fetches the whole once for all chunks, by UID and through EXPUNGE', (s) => {
    s.client('a UID FETCH 9 (UID BODY.PEEK[]<0.10>)\r\n');
    s.server(`* 2 FETCH (UID 9 BODY[] ${literal(mail)})\r\nPSTN1 OK\r\n`).release(1);
    s.server(`* 2 FETCH (UID 9 BODY[]<0> ${literal(mail.slice(0, 10))})\r\na OK\r\n`).release(2);
    expect(s.serverGot()).toContain('a UID FETCH 9 (UID BODY.PEEK[]<0.10>)\r\n');
    s.client('b UID FETCH 9 (UID BODY.PEEK[]<10.10>)\r\n');
    expect(s.serverGot()).toBe('b UID FETCH 9 (UID BODY.PEEK[]<10.10>)\r\n');
    s.server(`* 1 EXPUNGE\r\n* 1 FETCH (BODY[]<10> ${literal(mail.slice(10, 20))} UID 9)\r\nb OK\r\n`);
    expect(s.messages.get(3)?.pieceOf).toBe(1);
    s.release(3).client('c FETCH 1 BODY[1]\r\n');
    expect(s.serverGot()).toBe('c FETCH 1 BODY[1]\r\n');
    s.server('* VANISHED 1:9\r\nc OK\r\n');
    expect(s.dropped()).toEqual([1, 2, 3]);
  });

  both('forgets the wholes of a mailbox that is left', (s) => {
    s.client('a UID FETCH 9 BODY[1]\r\n').server(`* 2 FETCH (UID 9 BODY[] ${literal(mail)})\r\nPSTN1 OK\r\n`);
    s.release(1).server('a OK\r\n').client('b SELECT other\r\n');
    expect(s.dropped()).toEqual([1]);
    s.serverGot();
    s.server('b OK\r\n').client('c UID FETCH 9 BODY[1]\r\n');
    expect(s.serverGot()).toBe('PSTN1 UID FETCH 9 (UID BODY.PEEK[])\r\n');
  });

  both('is answered NO where the whole must not leave, and never sent', (s) => {
    s.client('a FETCH 2 BODY[TEXT]\r\nb NOOP\r\n');
    s.server(`* 2 FETCH (UID 9 BODY[] ${literal(mail)})\r\nPSTN1 OK\r\n`).release(1, 'refuse');
    expect(s.clientGot()).toBe(`a ${no}`);
    expect(s.serverGot()).toBe('PSTN1 FETCH 2 (UID BODY.PEEK[])\r\nb NOOP\r\n');
    expect(s.dropped()).toEqual([1]);
  });

  both('goes on without wholes where our own command fails: the pieces are judged alone', (s) => {
    s.client('a FETCH 2 (BODY[1] BODY[2])\r\n').server('PSTN1 NO no such\r\n');
    expect(s.serverGot()).toContain('a FETCH 2 (BODY[1] BODY[2])\r\n');
    s.server(`* 2 FETCH (BODY[1] ${literal('x')} BODY[2] NIL)\r\na OK\r\n`);
    expect(s.messages.get(1)).toMatchObject({ text: 'x', pieceOf: undefined });
    expect(s.release(1, 'refuse').clientGot()).toBe(`a ${no}`);
  });

  both('of many messages is done in batches; what is refused is left out', (s) => {
    const count = pieceBatch + 2;
    s.client('a UID FETCH 1:* (BODY.PEEK[1]<0.5>)\r\n');
    expect(s.serverGot()).toBe('PSTN1 UID FETCH 1:* (UID)\r\n');
    for (let n = 1; n <= count; n++) s.server(`* ${n} FETCH (UID ${n + 100})\r\n`);
    s.server('PSTN1 OK\r\n');
    const uids = Array.from({ length: count }, (_, i) => i + 101);
    const first = uids.slice(0, pieceBatch);
    const whole = (uid: number) => `* ${uid - 100} FETCH (UID ${uid} BODY[] ${literal(mail)})\r\n`;
    const piece = (uid: number) => `* ${uid - 100} FETCH (UID ${uid} BODY[1]<0> ${literal('Hello')})\r\n`;
    expect(s.serverGot()).toBe('PSTN2 UID FETCH 101:116 (UID BODY.PEEK[])\r\n');
    s.server(`${first.map(whole).join('')}PSTN2 OK\r\n`);
    first.forEach((_, i) => void s.release(i + 1, i === 0 ? 'refuse' : 'deliver'));
    expect(s.serverGot()).toBe('PSTN3 UID FETCH 102:116 (BODY.PEEK[1]<0.5>)\r\n');
    s.server(`${first.slice(1).map(piece).join('')}PSTN3 OK\r\n`);
    expect(s.messages.get(pieceBatch + 1)?.pieceOf).toBe(2);
    expect(s.serverGot()).toBe('PSTN4 UID FETCH 117:118 (UID BODY.PEEK[])\r\n');
    s.server(`${whole(117)}${whole(118)}PSTN4 OK\r\n`);
    for (const id of s.messages.keys()) s.release(id);
    expect(s.serverGot()).toBe('a UID FETCH 117:118 (BODY.PEEK[1]<0.5>)\r\n');
    s.server(`${piece(117)}${piece(118)}a OK done\r\n`);
    for (const id of s.messages.keys()) s.release(id);
    expect(s.clientGot()).toBe(`${uids.slice(1).map(piece).join('')}a ${no}`);
    expect(s.messages.size - s.dropped().length).toBe(keptWholes);
  });

  both('lets what the server says of other messages meanwhile reach the client', (s) => {
    s.client('a FETCH 2 BODY[1]\r\n');
    const news = '* 7 FETCH (FLAGS (\\Seen))\r\n* 8 FETCH (UID 3 FLAGS ())\r\n* OK hi\r\n';
    expect(s.server(`${news}* 2 FETCH (UID 9)\r\n* 2 FETCH (BODY[] NIL)\r\n`).clientGot()).toBe(news);
  });

  both('keeps the client alive, and passes its end on when it is over', (s) => {
    s.client('a FETCH 2 BODY[1]\r\n').event({ kind: 'keep-alive' }).event({ kind: 'end', from: 'client' });
    expect(s.clientGot()).toBe('* OK Still scanning\r\n');
    expect(s.notes).toEqual([]);
    s.server('PSTN1 OK\r\na OK\r\n');
    expect(s.notes).toEqual(['end server']);
  });

  both('waits no longer for a message that is expunged while it is judged', (s) => {
    s.client('a UID FETCH 9 BODY[1]\r\n').server(`* 2 FETCH (UID 9 BODY[] ${literal(mail)})\r\nPSTN1 OK\r\n`);
    s.serverGot();
    s.server('* 2 EXPUNGE\r\n');
    expect(s.dropped()).toEqual([1]);
    expect(s.serverGot()).toBe('');
    expect(s.release(1).clientGot()).toBe('* 2 EXPUNGE\r\na OK\r\n');
  });

  const whole = (n: number) => `* ${n} FETCH (UID ${n + 100} BODY[] ${literal(mail)})\r\n`;

  both('of what only the server knows names just what was listed: mail may come meanwhile', (s) => {
    s.client('a FETCH 2:* (BODY[1])\r\n');
    expect(s.serverGot()).toBe('PSTN1 FETCH 2:* (UID)\r\n');
    const news = '* 1 FETCH (FLAGS (\\Flagged))\r\n* 1 FETCH (UID 101 FLAGS ())\r\n';
    s.server(`* 2 FETCH (UID 102)\r\n* 3 FETCH (UID 103)\r\n${news}* 4 EXISTS\r\nPSTN1 OK\r\n`);
    expect(s.clientGot()).toBe(`${news}* 4 EXISTS\r\n`);
    expect(s.serverGot()).toBe('PSTN2 FETCH 2:3 (UID BODY.PEEK[])\r\n');
    s.server(`${whole(2)}${whole(3)}PSTN2 OK\r\n`)
      .release(1)
      .release(2);
    expect(s.serverGot()).toBe('a FETCH 2:3 (BODY[1])\r\n');
  });

  both('asks only for what has changed, and tells what has vanished (RFC 7162)', (s) => {
    s.client('a UID FETCH 1:* (UID BODY.PEEK[1]) (CHANGEDSINCE 5 VANISHED)\r\n');
    expect(s.serverGot()).toBe('PSTN1 UID FETCH 1:* (UID) (CHANGEDSINCE 5 VANISHED)\r\n');
    s.server('* VANISHED (EARLIER) 2,20\r\n* 3 FETCH (UID 103 MODSEQ (9))\r\nPSTN1 OK\r\n');
    expect(s.clientGot()).toBe('* VANISHED (EARLIER) 2,20\r\n');
    s.server(`${whole(3)}PSTN2 OK\r\n`).release(1);
    expect(s.serverGot()).toBe(
      'PSTN2 UID FETCH 103 (UID BODY.PEEK[])\r\na UID FETCH 103 (UID BODY.PEEK[1]) (CHANGEDSINCE 5)\r\n',
    );
  });

  both('of nothing is answered with the server’s own words, and so is a refusal', (s) => {
    s.client('a UID FETCH 50:* BODY[1]\r\nb FETCH 7:* BODY[1]\r\nc UID FETCH 7 BODY[1]\r\n');
    s.server('PSTN1 OK [HIGHESTMODSEQ 9] Fetch completed.\r\n').server('PSTN1 BAD no such\r\n');
    s.server('PSTN1 OK Fetch completed.\r\n');
    expect(s.clientGot()).toBe(
      'a OK [HIGHESTMODSEQ 9] Fetch completed.\r\nb BAD no such\r\nc OK Fetch completed.\r\n',
    );
  });

  both('passes on the code that was in an answer to us (RFC 7162 §3.2.7)', (s) => {
    s.client('a UID FETCH 102 (BODY[1])\r\n');
    s.server(`${whole(2)}* VANISHED 7\r\nPSTN1 OK [HIGHESTMODSEQ 9] done.\r\n`).release(1);
    s.server(`* 2 FETCH (UID 102 BODY[1] ${literal('Hello\r\n')})\r\na OK done.\r\n`).release(2);
    expect(s.clientGot()).toMatch(/a OK \[HIGHESTMODSEQ 9\] done\.\r\n$/);
    s.client('b UID FETCH 103 (BODY[1])\r\n');
    s.server(`${whole(3)}PSTN1 OK [HIGHESTMODSEQ 10] done.\r\n`).release(3);
    s.server(`* 3 FETCH (UID 103 BODY[1] ${literal('Hello\r\n')})\r\nb OK [EXPUNGEISSUED] x\r\n`).release(4);
    expect(s.clientGot()).toMatch(
      /\)\r\n\* OK \[HIGHESTMODSEQ 10\] Highest\r\nb OK \[EXPUNGEISSUED\] x\r\n$/,
    );
  });

  both('ends an IDLE as anything but DONE does, and is not carried out', (s) => {
    s.client('a IDLE\r\n').server('+ idling\r\n').clientGot();
    s.client('b FETCH 2 BODY[1]\r\nc NOOP\r\n');
    expect(s.serverGot()).toBe('a IDLE\r\nDONE\r\nc NOOP\r\n');
    expect(s.server('a OK Idle completed.\r\nc OK\r\n').clientGot()).toBe('a BAD Expected DONE.\r\nc OK\r\n');
    s.client('d IDLE\r\nstop\r\n').server('+ idling\r\nd OK\r\n');
    expect(s.clientGot()).toBe('+ idling\r\nd BAD Expected DONE.\r\n');
  });
});

it('names the message by its mailbox, UIDVALIDITY and UID, where they are known', () => {
  const identity = (select: string, validity: string) => {
    const s = new Script();
    s.server('* OK ready\r\n').client(`a ${select}\r\n`).server(`${validity}a OK\r\n`);
    s.client('b UID FETCH 9 BODY[1]\r\n').server(`* 2 FETCH (UID 9 BODY[] ${literal(mail)})\r\n`);
    return s.messages.get(1)?.about.identity;
  };
  const validity = '* OK [UIDVALIDITY 77] ok\r\n';
  expect(identity('SELECT "a b"', validity)).toBe('"a b" 77 9');
  expect(identity('EXAMINE x', '')).toBeUndefined();
  expect(identity('SELECT x', `${validity}* NO [UIDNOTSTICKY] x\r\n`)).toBeUndefined();
  expect(identity('SELECT {1+}\r\nx', validity)).toBeUndefined();
});

it('forgets the wholes when the client has been silent for a minute, but not those that are worked on', () => {
  const s = new Script();
  s.server('* OK ready\r\n').client('a FETCH 2 BODY[1]\r\n');
  s.server(`* 2 FETCH (UID 9 BODY[] ${literal(mail)})\r\nPSTN1 OK\r\n`);
  for (let i = 0; i < 9; i++) s.event({ kind: 'keep-alive' });
  s.release(1).server('a OK\r\n');
  expect(s.dropped()).toEqual([]);
  for (let i = 0; i < 5; i++) s.event({ kind: 'keep-alive' });
  s.client('b NOOP\r\n').server('b OK\r\n').clientGot();
  for (let i = 0; i < 5; i++) s.event({ kind: 'keep-alive' });
  expect(s.dropped()).toEqual([]);
  expect(s.event({ kind: 'keep-alive' }).dropped()).toEqual([1]);
  expect(s.clientGot()).toBe('');
});

it('says nothing to a client that waits where that is not wanted', () => {
  const s = new EngineScript(createImapEngine({ tls: true, keepAlive: false }), false);
  s.server('* OK ready\r\n* 1 FETCH (BODY[] {1}\r\nx)\r\n').clientGot();
  expect(s.event({ kind: 'keep-alive' }).clientGot()).toBe('');
});

it('goes on without an answer when the server has ended: its leg is not left half open', () => {
  const s = new Script();
  s.server('* OK ready\r\n').client('a FETCH 1 BODY[1]\r\n').event({ kind: 'end', from: 'client' });
  expect(s.notes).toEqual([]);
  s.event({ kind: 'end', from: 'server' });
  expect(s.notes).toEqual(['end client', 'end server']);
});
