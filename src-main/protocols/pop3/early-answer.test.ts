import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { joinBytes, latin1, octets } from '../bytes.ts';
import { earlyHeaderBytes } from '../limits.ts';
import { EarlyAnswer } from './early-answer.ts';
import { DotStuffer } from './multiline.ts';
import { Script } from './script.test-support.ts';

/** All that leaves of a message early, piece by piece, without the status line. */
function dripOf(message: string): string[] {
  const early = new EarlyAnswer(octets('+OK\r\n'));
  early.push(octets(message));
  expect(latin1(joinBytes(early.next()))).toBe('+OK\r\n');
  const pieces: string[] = [];
  for (;;) {
    const piece = latin1(joinBytes(early.next()));
    if (piece === '') return pieces;
    pieces.push(piece);
  }
}

test('the header leaves a few octets at a time, up to the line end before its first empty line', () => {
  const pieces = dripOf('Subject: hello\r\nFrom: a@example.test\r\n\r\nbody\r\n');
  expect(pieces.join('')).toBe('Subject: hello\r\nFrom: a@example.test');
  for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(8);
  for (const piece of pieces.slice(0, -1)) expect(piece.length).toBeGreaterThanOrEqual(4);
});

test.each([
  ['A: b\r\n', 'A: b'],
  ['A: b\n\nbody', 'A: b'],
  ['A: b\r\rbody', 'A: b'],
  ['A: b\r\n\nbody', 'A: b'],
  ['A: b\r\r\nbody', 'A: b'],
  ['\r\nbody: x\r\n', ''],
  ['', ''],
  ['A', ''],
  ['A: ', 'A:'],
  // The next field has no colon yet: it could be anything.
  ['A: b\r\nSubject', 'A: b'],
  ['body without a header: x\r\n', ''],
  ['From a@b Mon Jan  1\r\nA: b\r\n', ''],
  ['A: b\r\nbody\r\nC: d\r\n', 'A: b'],
  // Some clients see an empty line in one of blanks.
  ['A: b\r\n \t\r\nC: d\r\n\r\n', 'A: b'],
  ['A: b\r\n\tmore\r\n\r\n', 'A: b\r\n\tmore'],
  ['.A: b\r\n..B: c\r\n\r\n', '..A: b\r\n...B: c'],
])('of %j at most %j leaves', (message, header) => {
  expect(dripOf(message).join('')).toBe(header);
});

test('is never cut where the rest, stuffed on its own, would come out otherwise', () => {
  const octet = fc.constantFrom('.', '..', '\r', '\n', '\r\n', '\r\n.', 'A: ', ' x', 'b');
  const messages = fc.array(octet, { maxLength: 30 }).map((parts) => `A: b${parts.join('')}`);
  fc.assert(
    fc.property(messages, fc.nat(30), (message, keepAlives) => {
      const early = new EarlyAnswer(octets(''));
      for (const octet of octets(message)) early.push(Uint8Array.of(octet));
      let got = '';
      for (let i = 0; i <= keepAlives; i++) got += latin1(joinBytes(early.next()));
      const rest = new DotStuffer().push(octets(message.slice(early.sent)));
      const whole = new DotStuffer().push(octets(message));
      expect(got + latin1(joinBytes(rest))).toBe(latin1(joinBytes(whole)));
      expect(/(?:\r\n|\r(?!\n)|\n)[\r\n]/.test(message.slice(0, early.sent))).toBe(false);
    }),
    { numRuns: 500 },
  );
});

test('nothing behind the octets that are kept leaves', () => {
  const fits = `A: ${'x'.repeat(earlyHeaderBytes - 3)}`;
  expect(dripOf(`${fits}yyyy\r\n\r\n`).join('')).toBe(fits.slice(0, -1));
  expect(dripOf(`${fits.slice(0, -2)}\r\n\r\n`).join('')).toBe(fits.slice(0, -2));
});

describe.each([
  ['as sent', false],
  ['octet by octet', true],
])('a client that waits, %s', (_, octetMode) => {
  const script = () => new Script(octetMode);
  const wait = (s: Script, times: number) => {
    for (let i = 0; i < times; i++) s.event({ kind: 'keep-alive' });
    return s;
  };

  test('hears the status line at once, then a few octets of the header; the rest follows the verdict', () => {
    const s = script()
      .client('RETR 1\r\n')
      .server('+OK 26 octets\r\nSubject: hello\r\n\r\nbody\r\n..x\r\n.\r\n');
    expect(wait(s, 1).clientGot()).toBe('+OK 26 octets\r\n');
    expect(s.notes).toEqual([]);
    expect(wait(s, 2).clientGot()).toBe('Subject:');
    expect(s.notes).toEqual(['begun 1 4', 'begun 1 8']);
    expect(s.release(1).clientGot()).toBe(' hello\r\n\r\nbody\r\n..x\r\n.\r\n');
  });

  test('hears no more when the header has left', () => {
    const s = script().client('RETR 1\r\n').server('+OK\r\nA: b\r\n\r\nbody\r\n.\r\n');
    expect(wait(s, 9).clientGot()).toBe('+OK\r\nA: b');
    expect(s.notes).toEqual(['begun 1 4']);
    expect(s.release(1).clientGot()).toBe('\r\n\r\nbody\r\n.\r\n');
  });

  test('hears what has arrived of a message that still arrives', () => {
    const s = script().client('RETR 1\r\n');
    expect(wait(s, 1).clientGot()).toBe('');
    expect(wait(s.server('+OK\r\nSubj'), 9).clientGot()).toBe('+OK\r\n');
    expect(wait(s.server('ect: hello\r\n'), 2).clientGot()).toBe('Subject:');
    expect(wait(s.server('\r\nbody\r\n'), 9).clientGot()).toBe(' hello');
    s.server('.\r\n').release(1);
    expect(s.clientGot()).toBe('\r\n\r\nbody\r\n.\r\n');
    expect(s.notes.at(-1)).toBe('begun 1 14');
  });

  test('hears of each message in its turn, and of none behind it', () => {
    const message = (name: string) => `+OK ${name}\r\nSubject: ${name}\r\n\r\n${name}\r\n.\r\n`;
    const s = script().client('RETR 1\r\nTOP 2 1\r\nRETR 3\r\nNOOP\r\n');
    s.server(`${message('one')}${message('two')}${message('three')}`);
    expect(wait(s, 2).clientGot()).toBe('+OK one\r\nSubj');
    expect(s.release(2).clientGot()).toBe('');
    s.release(1);
    expect(s.clientGot()).toBe(`ect: one\r\n\r\none\r\n.\r\n+OK\r\n${message('two').slice(9)}`);
    expect(wait(s, 2).clientGot()).toBe('+OK three\r\nSubj');
    expect(s.release(3).server('+OK\r\n').clientGot()).toBe('ect: three\r\n\r\nthree\r\n.\r\n+OK\r\n');
    expect(s.notes).toEqual(['begun 1 4', 'begun 3 4']);
  });

  test('hears our own status line to a TOP', () => {
    const s = script().client('TOP 1 1\r\n').server('+OK 99 octets\r\nSubject: x\r\n\r\n1\r\n2\r\n.\r\n');
    expect(wait(s, 3).clientGot()).toBe('+OK\r\nSubject:');
    expect(s.release(1).clientGot()).toBe(' x\r\n\r\n1\r\n.\r\n');
  });

  test('hears of what should have been a header alone', () => {
    const s = script().client('TOP 1 0\r\n').server('+OK\r\nSubject: x\r\n\r\n1\r\n.\r\n');
    expect(wait(s, 2).clientGot()).toBe('+OK\r\nSubj');
    expect(s.release(1).clientGot()).toBe('ect: x\r\n\r\n1\r\n.\r\n');
  });

  test.each([1, 2])(
    'gets no error into the middle of a message that is refused after %i keep-alives',
    (times) => {
      const s = script().client('RETR 1\r\nNOOP\r\n').server('+OK\r\nSubject: x\r\n\r\nbody\r\n.\r\n+OK\r\n');
      wait(s, times).clientGot();
      expect(s.release(1, 'refuse').clientGot()).toBe('');
      expect(s.notes.at(-1)).toBe('close scan-failed');
      expect(wait(s, 3).client('NOOP\r\n').server('+OK\r\n').clientGot()).toBe('');
    },
  );

  test('gets no error into the middle of a message that is refused while it arrives', () => {
    const s = script().client('RETR 1\r\n').server('+OK\r\nSubject: x\r\n\r\nbo');
    wait(s, 2).clientGot();
    expect(s.release(1, 'refuse').clientGot()).toBe('');
    expect(s.notes.at(-1)).toBe('close scan-failed');
  });

  test('hears nothing of a message that was refused before, and gets its error', () => {
    const s = script().client('RETR 1\r\n').server('+OK\r\nSubject: x\r\n\r\nbo').release(1, 'refuse');
    expect(wait(s, 3).clientGot()).toBe('');
    expect(s.server('dy\r\n.\r\n').clientGot()).toMatch(/^-ERR \[SYS\/TEMP\] [^\r]+\r\n$/);
    expect(s.notes).toEqual([]);
  });

  test('has its error for a message behind the one that has begun', () => {
    const s = script().client('RETR 1\r\nRETR 2\r\n');
    s.server('+OK\r\nSubject: x\r\n\r\n1\r\n.\r\n+OK\r\nSubject: y\r\n\r\n2\r\n.\r\n');
    wait(s, 2).clientGot();
    expect(s.release(2, 'refuse').clientGot()).toBe('');
    expect(s.release(1).clientGot()).toMatch(/^ect: x\r\n\r\n1\r\n\.\r\n-ERR \[SYS\/TEMP\] [^\r]+\r\n$/);
  });

  test('is told no reason when the connection is closed in the middle of a message', () => {
    const s = script().client('RETR 1\r\n').server('+OK\r\nSubject: x\r\n\r\nbody\r\n.\r\n');
    wait(s, 1).clientGot();
    expect(s.server('+OK unasked\r\n').clientGot()).toBe('');
    expect(s.notes).toEqual(['close protocol-violation']);
  });

  test('gets nothing more of a message whose server ends, not even its dot', () => {
    const s = script().client('RETR 1\r\nEVIL\r\n').server('+OK\r\nSubject: x\r\n\r\nhalf');
    expect(wait(s, 2).clientGot()).toBe('+OK\r\nSubj');
    s.event({ kind: 'end', from: 'server' });
    expect(wait(s, 3).client('EVIL\r\n').clientGot()).toBe('');
    expect(s.dropped()).toEqual([1]);
    expect(s.notes).toEqual(['begun 1 4', 'end client']);
  });

  test('hears nothing where no message is due', () => {
    const s = script().client('LIST\r\nTOP 1 0\r\nRETR 1\r\n').server('+OK\r\n1 9\r\n').clientGot();
    expect(s).toBe('+OK\r\n1 9\r\n');
    const t = script().client('TOP 1 0\r\n').server('+OK\r\nA: b\r\n');
    expect(wait(t, 3).clientGot()).toBe('');
    expect(wait(script().client('RETR 1\r\nSTAT\r\n').server('-ERR no\r\n'), 3).clientGot()).toBe(
      '-ERR no\r\n',
    );
  });
});
