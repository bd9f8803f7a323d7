import { describe, expect, it } from 'vitest';
import { greeted, inputModes, literal, unavailableAnswer as no, type Script } from './script.test-support.ts';

const header = 'From: a@example.test\r\nSubject: x\r\n\r\n';
const body = 'Hello world, this is a body of many octets. '.repeat(10);
const mail = header + body;

function both(name: string, body: (s: Script) => void): void {
  it.each(inputModes)(`${name} (%s)`, (_, octetMode) => body(greeted(octetMode)));
}

/** Answers the fetch of message 2 (UID 9) as a whole, which is found harmless, and gives what the server is asked for then. */
function afterWhole(s: Script, text = mail): string {
  s.serverGot();
  s.server(`* 2 FETCH (UID 9 BODY[] ${literal(text)})\r\nPSTN1 OK\r\n`).release(1);
  return s.serverGot();
}

describe('octets that were scanned are not fetched again', () => {
  both('a chunk: the server is asked for its first octets', (s) => {
    s.client('a UID FETCH 9 (UID RFC822.SIZE BODY.PEEK[]<10.200>)\r\n');
    expect(afterWhole(s)).toBe('a UID FETCH 9 (UID RFC822.SIZE BODY.PEEK[]<10.64>)\r\n');
    s.server(
      `* 2 FETCH (UID 9 RFC822.SIZE ${mail.length} BODY[]<10> ${literal(mail.slice(10, 74))})\r\na OK done\r\n`,
    );
    expect(s.messages.get(2)).toMatchObject({
      extent: 'probe',
      about: { pieceOf: 1, at: 10 },
      text: mail.slice(10, 74),
    });
    expect(s.clientGot()).toBe('');
    expect(s.release(2).clientGot()).toBe(
      `* 2 FETCH (UID 9 RFC822.SIZE ${mail.length} BODY[]<10> ${literal(mail.slice(10, 210))})\r\na OK done\r\n`,
    );
    s.client('b UID FETCH 9 BODY.PEEK[]<300.65536>\r\n');
    expect(s.serverGot()).toBe('b UID FETCH 9 (BODY.PEEK[]<300.64>)\r\n');
    s.server(`* 2 FETCH (BODY[]<300> ${literal(mail.slice(300, 364))} UID 9)\r\nb OK\r\n`).release(3);
    expect(s.clientGot()).toBe(`* 2 FETCH (BODY[]<300> ${literal(mail.slice(300))} UID 9)\r\nb OK\r\n`);
    expect(s.dropped()).toEqual([2, 3]);
  });

  both('a text, a whole and their old names, each under the name that it was asked by', (s) => {
    s.client('a FETCH 2 (BODY[TEXT] BODY[] FLAGS)\r\n');
    expect(afterWhole(s)).toBe('a FETCH 2 (BODY[TEXT]<0.64> BODY[]<0.64> FLAGS)\r\n');
    s.server(
      `* 2 FETCH (FLAGS (\\Seen) BODY[]<0> ${literal(mail.slice(0, 64))} BODY[TEXT]<0> ${literal(body.slice(0, 64))})\r\na OK\r\n`,
    );
    expect(s.release(2).clientGot()).toBe('');
    expect(s.release(3).clientGot()).toBe(
      `* 2 FETCH (FLAGS (\\Seen) BODY[] ${literal(mail)} BODY[TEXT] ${literal(body)})\r\na OK\r\n`,
    );
    s.client('b FETCH 2 (RFC822.TEXT)\r\nc FETCH 2 (rfc822 body[1])\r\n');
    expect(s.serverGot()).toBe('b FETCH 2 (BODY[TEXT]<0.64>)\r\n');
    s.server(`* 2 FETCH (BODY[TEXT]<0> ${literal(body.slice(0, 64))})\r\nb OK\r\n`).release(4);
    expect(s.clientGot()).toBe(`* 2 FETCH (RFC822.TEXT ${literal(body)})\r\nb OK\r\n`);
    expect(s.serverGot()).toBe('c FETCH 2 (BODY[]<0.64> body[1])\r\n');
  });

  both('a chunk behind the end, and one that the server has not', (s) => {
    s.client('a FETCH 2 BODY.PEEK[]<10000.200>\r\n');
    afterWhole(s);
    expect(s.server('* 2 FETCH (BODY[]<10000> {0}\r\n)\r\na OK\r\n').clientGot()).toBe(
      '* 2 FETCH (BODY[]<10000> {0}\r\n)\r\na OK\r\n',
    );
    s.client('b FETCH 2 BODY[]<7.100>\r\n').server('* 2 FETCH (BODY[]<7> NIL)\r\nb OK\r\n');
    expect(s.clientGot()).toBe('* 2 FETCH (BODY[]<7> NIL)\r\nb OK\r\n');
  });

  both('a probe in quotes', (s) => {
    const short = `${header}${'x'.repeat(70)}`;
    s.client('a FETCH 2 BODY[TEXT]\r\n');
    afterWhole(s, short);
    s.server(`* 2 FETCH (BODY[TEXT]<0> "${'x'.repeat(64)}" UID 9)\r\na OK\r\n`).release(2);
    expect(s.clientGot()).toBe(`* 2 FETCH (BODY[TEXT] ${literal('x'.repeat(70))} UID 9)\r\na OK\r\n`);
  });

  both('short ones too, but nothing where answers would be alike', (s) => {
    s.client('a FETCH 2 (BODY[]<7.5> BODY[1]<7.5>)\r\n');
    expect(afterWhole(s)).toBe('a FETCH 2 (BODY[]<7.5> BODY[1]<7.5>)\r\n');
    s.server(
      `* 2 FETCH (BODY[]<7> "${mail.slice(7, 12)}" BODY[1]<7> {5}\r\n${body.slice(7, 12)})\r\na OK\r\n`,
    );
    expect(s.messages.get(2)?.about).toEqual({ pieceOf: 1, at: 7 });
    expect(s.messages.get(3)?.about).toEqual({ pieceOf: 1, section: 'BODY[1]', origin: 7 });
    s.release(2).release(3).client('b FETCH 2 (BODY[] BODY[]<0.100>)\r\n');
    expect(s.serverGot()).toBe('b FETCH 2 (BODY[] BODY[]<0.100>)\r\n');
  });
});

describe('where the server means something else than what was scanned', () => {
  const asked = 'a UID FETCH 9 (BODY.PEEK[]<0.200>)\r\n';
  const refetch = (s: Script) => {
    expect(s.serverGot()).toBe(asked);
    const answer = `* 2 FETCH (UID 9 BODY[]<0> ${literal('z'.repeat(200))})\r\na OK done\r\n`;
    s.server(answer);
    const slice = Math.max(...s.messages.keys());
    expect(s.messages.get(slice)?.extent).toBe('slice');
    return { slice, answer };
  };

  both(
    'other octets: the client’s own command follows, and what it brings is looked for in the whole',
    (s) => {
      s.client(asked);
      afterWhole(s);
      s.server(`* 2 FETCH (UID 9 FLAGS (\\Seen) BODY[]<0> ${literal('z'.repeat(64))})\r\na OK done\r\n`);
      expect(s.serverGot()).toBe('');
      expect(s.release(2, 'refuse').clientGot()).toBe('* 2 FETCH (UID 9 FLAGS (\\Seen))\r\n');
      const { slice, answer } = refetch(s);
      expect(s.release(slice).clientGot()).toBe(answer);
    },
  );

  both('and what is not found there ends in a NO', (s) => {
    s.client(asked);
    afterWhole(s);
    s.server(`* 2 FETCH (UID 9 BODY[]<0> ${literal('z'.repeat(64))})\r\na OK done\r\n`).release(2, 'refuse');
    const { slice } = refetch(s);
    expect(s.release(slice, 'refuse').clientGot()).toBe(`a ${no}`);
  });

  both('fewer or more octets, another UID, another message', (s) => {
    const wrong = [
      `* 2 FETCH (UID 9 BODY[]<0> ${literal('z'.repeat(63))})\r\n`,
      `* 2 FETCH (UID 9 BODY[]<0> {0}\r\n)\r\n`,
      `* 2 FETCH (BODY[]<0> ${literal('z'.repeat(64))} UID 10)\r\n`,
      `* 3 FETCH (BODY[]<0> ${literal('z'.repeat(64))})\r\n`,
    ];
    s.client(asked);
    afterWhole(s);
    for (const answer of wrong) {
      s.server(`${answer}a OK done\r\n`);
      for (const id of s.messages.keys()) s.release(id);
      expect(s.clientGot()).toBe('');
      expect(s.serverGot()).toBe(asked);
      s.server('a OK\r\n').clientGot();
      s.client(asked);
      s.serverGot();
    }
  });

  both('only the answers that were withheld are asked for again', (s) => {
    s.client('a FETCH 1:3 (BODY.PEEK[TEXT])\r\n').serverGot();
    const whole = (n: number) => `* ${n} FETCH (UID ${n} BODY[] ${literal(mail)})\r\n`;
    s.server(`${whole(1)}* 2 FETCH (UID 2 BODY[] NIL)\r\n${whole(3)}PSTN1 OK\r\n`)
      .release(1)
      .release(2);
    s.clientGot();
    expect(s.serverGot()).toBe('a FETCH 1:3 (BODY.PEEK[TEXT]<0.64>)\r\n');
    const probe = (n: number, text: string) =>
      `* ${n} FETCH (BODY[TEXT]<0> ${literal(text.slice(0, 64))})\r\n`;
    s.server(`${probe(1, body)}* 2 FETCH (BODY[TEXT]<0> NIL)\r\n${probe(3, mail)}a OK\r\n`);
    s.release(3).release(4, 'refuse');
    expect(s.clientGot()).toBe(`* 1 FETCH (BODY[TEXT] ${literal(body)})\r\n* 2 FETCH (BODY[TEXT] NIL)\r\n`);
    expect(s.serverGot()).toBe('a FETCH 3 (BODY.PEEK[TEXT])\r\n');
    s.server(`* 3 FETCH (BODY[TEXT] ${literal(body)})\r\na OK done\r\n`).release(5);
    expect(s.clientGot()).toBe(`* 3 FETCH (BODY[TEXT] ${literal(body)})\r\na OK done\r\n`);
  });

  both('numbers that are none are the server’s to refuse', (s) => {
    s.client('a FETCH 2 BODY[]<0.99999999999999999999>\r\n');
    expect(afterWhole(s)).toBe('a FETCH 2 BODY[]<0.99999999999999999999>\r\n');
    expect(s.server('a BAD too big\r\n').clientGot()).toBe('a BAD too big\r\n');
  });

  both('and a server that takes no such question is asked what the client asked', (s) => {
    s.client(asked);
    afterWhole(s);
    s.server('a BAD Invalid body partial\r\n');
    refetch(s);
    expect(s.clientGot()).toBe('');
  });
});

describe('parts that the server decodes (RFC 3516)', () => {
  both('pass, judged on their own', (s) => {
    s.client('a FETCH 2 (BINARY[1] BINARY.SIZE[1])\r\n');
    expect(afterWhole(s)).toBe('a FETCH 2 (BINARY[1] BINARY.SIZE[1])\r\n');
    const answer = `* 2 FETCH (BINARY[1] ~${literal('a\0b')} BINARY.SIZE[1] 3)\r\na OK\r\n`;
    expect(s.server(answer).clientGot()).toBe('');
    expect(s.messages.get(2)).toMatchObject({ text: 'a\0b', extent: 'piece', pieceOf: 1 });
    expect(s.release(2).clientGot()).toBe(answer);
  });

  both(
    'are fetched in full where a part of them is asked for, and so are selected fields of a header',
    (s) => {
      s.client('a FETCH 2 (BODY.PEEK[1.HEADER.FIELDS (To "X y")]<2.3>)\r\n');
      expect(afterWhole(s)).toBe('a FETCH 2 (BODY.PEEK[1.HEADER.FIELDS (TO "X Y")])\r\n');
      s.server(`* 2 FETCH (BODY[1.HEADER.FIELDS (TO "X Y")] ${literal('To: a\r\n\r\n')})\r\na OK\r\n`);
      expect(s.messages.get(2)).toMatchObject({ text: 'To: a\r\n\r\n', extent: 'piece' });
      expect(s.release(2).clientGot()).toBe(
        `* 2 FETCH (BODY[1.HEADER.FIELDS (TO "X Y")]<2> ${literal(': a')})\r\na OK\r\n`,
      );
    },
  );

  both('are fetched and judged in full where a part of one is asked for, and cut then', (s) => {
    s.client('a UID FETCH 9 (BINARY.PEEK[1]<2.3> UID)\r\n');
    expect(afterWhole(s)).toBe('a UID FETCH 9 (BINARY.PEEK[1] UID)\r\n');
    s.server(`* 2 FETCH (UID 9 BINARY[1] ~${literal('0123456789')})\r\na OK\r\n`);
    expect(s.messages.get(2)).toMatchObject({ text: '0123456789', extent: 'piece' });
    expect(s.release(2).clientGot()).toBe('* 2 FETCH (UID 9 BINARY[1]<2> ~{3}\r\n234)\r\na OK\r\n');
    s.client('b FETCH 2 BINARY[1]<9.10>\r\n').server(`* 2 FETCH (BINARY[1] "0123456789")\r\nb OK\r\n`);
    expect(s.release(3).clientGot()).toBe('* 2 FETCH (BINARY[1]<9> {1}\r\n9)\r\nb OK\r\n');
    s.client('d FETCH 2 BINARY[1]<7>\r\n').server('* 2 FETCH (BINARY[1] "0123456789")\r\nd OK\r\n');
    expect(s.release(4).clientGot()).toBe('* 2 FETCH (BINARY[1]<7> {3}\r\n789)\r\nd OK\r\n');
    s.client('c FETCH 2 BINARY[2]<0.10>\r\n').server('c NO [UNKNOWN-CTE] no\r\nc NO [UNKNOWN-CTE] no\r\n');
    expect(s.clientGot()).toBe('c NO [UNKNOWN-CTE] no\r\n');
  });
});
