import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { octets } from '../bytes.ts';
import type { EngineEvent } from '../engine.ts';
import {
  greetingBytes,
  headerBytes,
  heldMessages,
  heldOutputBytes,
  outstandingCommands,
  pendingClientBytes,
  pop3LineBytes,
} from '../limits.ts';
import { createPop3Engine } from './engine.ts';
import { Script } from './script.test-support.ts';

/** The last line that a client gets when the engine ends its connection. */
const closing = (reason: string) => `-ERR [SYS/TEMP] Closed by the mail scanner: ${reason}\r\n`;

describe('a hostile or broken server', () => {
  test('that closes in the middle of a message gives the client neither it nor a final dot', () => {
    const s = new Script();
    s.client('RETR 1\r\n').server('+OK\r\n\r\nhalf').event({ kind: 'end', from: 'server' });
    expect(s.clientGot()).toBe('');
    expect(s.dropped()).toEqual([1]);
    expect(s.notes).toEqual(['end client']);
  });

  test.each(['* OK imap\r\n', 'body without status\r\n', '+OK unasked\r\n', '\r\n'])(
    'that says %j unasked',
    (line) => {
      const s = new Script().server(line);
      expect(s.notes).toEqual(['close protocol-violation']);
      expect(s.server('+OK\r\n').client('NOOP\r\n').serverGot()).toBe('');
      expect(s.clientGot()).toBe(closing('protocol-violation'));
    },
  );

  test.each(['STAT', 'LIST', 'RETR 1', 'TOP 1 0', 'CAPA', 'AUTH PLAIN', 'AUTH', 'STLS'])(
    'that answers %s without a status',
    (command) => {
      const s = new Script(false, false).client(`${command}\r\n`).server('From: a@b\r\n');
      expect(s.notes).toEqual(['close protocol-violation']);
      expect(s.clientGot()).toBe(closing('protocol-violation'));
    },
  );

  test('that gives a reason before it hangs up is heard', () => {
    const s = new Script().server('-ERR idle too long\r\n');
    expect(s.clientGot()).toBe('-ERR idle too long\r\n');
    expect(s.notes).toEqual([]);
  });

  test('that answers two messages to one RETR', () => {
    const s = new Script().client('RETR 1\r\n').server('+OK\r\n\r\na\r\n.\r\n+OK\r\n\r\nb\r\n.\r\n');
    expect(s.notes).toEqual(['close protocol-violation']);
  });

  test('that answers a listing in one line, so that the message behind it would be taken for the list', () => {
    const s = new Script().client('LIST\r\nRETR 1\r\n').server('+OK none\r\n+OK 12 octets\r\nbody\r\n.\r\n');
    expect(s.notes).toEqual(['close protocol-violation']);
    expect(s.clientGot()).toBe(`+OK none\r\n${closing('protocol-violation')}`);
  });

  test.each(['A: b\r\n\r\n', 'A: b\r\r', 'A: b\n\n', 'A: b\r\n\n', 'A: b\r\n'])(
    'that has content behind %j, where a header was asked for',
    (header) => {
      const s = new Script().client('TOP 1 0\r\n').server(`+OK\r\n${header}body\r\n.\r\n`);
      expect(s.clientGot()).toBe('');
      expect(s.messages.get(1)?.text).toBe(`${header}body\r\n`);
    },
  );

  test('that sends a line without end', () => {
    const s = new Script().client('STAT\r\n').server(`+OK ${'x'.repeat(pop3LineBytes)}`);
    expect(s.notes).toEqual(['close line-too-long']);
    const fits = new Script().client('STAT\r\n').server(`+OK ${'x'.repeat(pop3LineBytes - 6)}\r\n`);
    expect(fits.notes).toEqual([]);
  });

  test('that sends a message of one line, or a header of one, however long', () => {
    const long = `${'x'.repeat(2 * pop3LineBytes)}\r\n`;
    const s = new Script().client('RETR 1\r\nTOP 1 0\r\n');
    s.server(`+OK\r\n${long}.\r\n`).server(`+OK\r\nA: ${long}\r\n.\r\n`).release(1);
    expect(s.clientGot()).toBe(`+OK\r\n${long}.\r\n+OK\r\nA: ${long}\r\n.\r\n`);
    expect(s.notes).toEqual([]);
  });

  test('that sends a header past its limit: it becomes content, before it ends', () => {
    const header = (size: number) => `A: ${'x'.repeat(size - 7)}\r\n\r\n`;
    const fits = new Script().client('TOP 1 0\r\n').server(`+OK\r\n${header(headerBytes)}.\r\n`);
    expect(fits.clientGot()).toHaveLength(headerBytes + 8);
    const s = new Script().client('TOP 1 0\r\n').server(`+OK\r\n${header(headerBytes + 1)}`);
    expect(s.messages.size).toBe(1);
    expect(s.server('.\r\n').clientGot()).toBe('');
  });

  test('that lists mechanisms without end', () => {
    const s = new Script().client('AUTH\r\n').server('+OK\r\n');
    const line = `${'x'.repeat(62)}\r\n`;
    s.server(line.repeat(pop3LineBytes / 64));
    expect(s.notes).toEqual([]);
    expect(s.server(line).notes).toEqual(['close line-too-long']);
  });

  test('whose greeting has no end, or is none', () => {
    const greeting = (text: string) => new Script(false, true, text).notes;
    expect(greeting('+'.padEnd(greetingBytes, 'x'))).toEqual([]);
    expect(greeting('+'.padEnd(greetingBytes + 1, 'x'))).toEqual(['close line-too-long']);
    expect(greeting('220 smtp\r\n')).toEqual(['close protocol-violation']);
  });

  test('is not read from while too much waits behind a held message', () => {
    const s = new Script().client(`RETR 1\r\n${'STAT\r\n'.repeat(100)}`).server('+OK\r\n\r\nx\r\n.\r\n');
    const line = `+OK ${'x'.repeat(60_000)}\r\n`;
    while (s.notes.length === 0) s.server(line);
    expect(s.notes).toEqual(['pause server']);
    const got = s.release(1).clientGot().length;
    expect(got).toBeGreaterThan(heldOutputBytes);
    expect(got).toBeLessThan(heldOutputBytes + 2 * line.length);
    expect(s.notes).toEqual(['pause server', 'resume server']);
  });
});

describe('a hostile or broken client', () => {
  test('with a command without end', () => {
    const s = new Script().client('USER '.padEnd(pop3LineBytes, 'x'));
    expect(s.notes).toEqual([]);
    expect(s.client('x').notes).toEqual(['close line-too-long']);
  });

  test('with a line of an exchange without end', () => {
    const s = new Script()
      .client('AUTH PLAIN\r\n')
      .server('+ \r\n')
      .client('x'.repeat(pop3LineBytes + 1));
    expect(s.notes).toEqual(['close line-too-long']);
  });

  test('that asks for many messages is slowed down while they are scanned', () => {
    const s = new Script();
    for (let i = 1; i <= heldMessages; i++) s.client(`RETR ${i}\r\n`).server('+OK\r\n\r\nx\r\n.\r\n');
    expect(s.notes).toEqual(['pause server']);
    for (let i = 1; i <= heldMessages / 2; i++) s.release(i);
    expect(s.notes).toEqual(['pause server', 'resume server']);
  });

  test('that pipelines more than is kept account of waits for answers', () => {
    const s = new Script();
    for (let i = 0; i <= outstandingCommands; i++) s.client('NOOP\r\n');
    expect(s.serverGot()).toHaveLength(6 * outstandingCommands);
    expect(s.server('+OK\r\n').serverGot()).toBe('NOOP\r\n');
  });

  test('that says more and more while an exchange waits for its server is not read from', () => {
    const s = new Script().client('AUTH PLAIN\r\n').client('NOOP\r\n'.repeat(pendingClientBytes / 6 + 1));
    expect(s.notes).toEqual(['pause client']);
    expect(s.serverGot()).toBe('AUTH PLAIN\r\n');
    s.server('-ERR no\r\n');
    for (let i = 0; i < pendingClientBytes / 6; i++) s.server('+OK\r\n');
    expect(s.notes).toEqual(['pause client', 'resume client']);
  });

  test('that hides a command behind an exchange it was not asked for', () => {
    const s = new Script().client('AUTH PLAIN\r\nRETR 1\r\nRETR 2\r\n').server('-ERR no\r\n');
    s.server('+OK\r\n\r\nsecret\r\n.\r\n+OK\r\n\r\nsecret\r\n.\r\n');
    expect(s.clientGot()).toBe('-ERR no\r\n');
    expect(s.ended()).toEqual([1, 2]);
  });

  test('that hides a command behind a bare CR never gets it through', () => {
    const s = new Script().client('NOOP\rRETR 1\r\n');
    expect(s.serverGot()).toBe('');
    expect(s.clientGot()).toBe('-ERR Invalid characters\r\n');
  });
});

describe('response splitting', () => {
  test.each(['STAT\n.\nRETR 1', 'USER x\r\r\nRETR 1', 'LIST\0\nRETR 1'])(
    '%j is as many commands as lines',
    (text) => {
      const s = new Script().client(`${text}\r\n`);
      for (const asked of s.serverGot().split('\n').slice(0, -1))
        expect(asked).toMatch(/^[A-Z]+(?: [ -~]+)?\r?$/);
      s.server('+OK\r\n\r\nMARK\r\n.\r\n');
      expect(s.clientGot()).not.toContain('MARK');
    },
  );

  test.each(['+OK 1\r2\r\n', '+OK\0\r\n', '-ERR a\rb\r\n'])('a status line like %j is one line', (status) => {
    const s = new Script().client('STAT\r\nRETR 1\r\n').server(`${status}+OK\r\n\r\nMARK\r\n.\r\n`);
    expect(s.clientGot()).toBe(status);
    expect(s.ended()).toEqual([1]);
  });

  test('a message behind the dot of another is another answer', () => {
    const s = new Script()
      .client('RETR 1\r\nSTAT\r\n')
      .server('+OK\r\n\r\na\r\n.\r\nFrom: MARK\r\n\r\nb\r\n.\r\n');
    expect(s.notes).toEqual(['close protocol-violation']);
    expect(s.clientGot()).not.toContain('MARK');
  });

  test.each(['.\r\r\n', '. \r\n', '.\r\n', '..\r\n', '.\n', '.x\r\n'])(
    '%j in a list ends it or not',
    (text) => {
      const s = new Script()
        .client('UIDL\r\nRETR 1\r\n')
        .server(`+OK\r\n1 a\r\n${text}+OK\r\n\r\nMARK\r\n.\r\n`);
      expect(s.clientGot()).not.toContain('MARK');
    },
  );

  test('more answers than commands end the connection, one error alone does not', () => {
    const s = new Script().client('NOOP\r\n').server('+OK\r\n-ERR unasked\r\n');
    expect(s.clientGot()).toBe('+OK\r\n-ERR unasked\r\n');
    expect(s.server('+OK\r\n').clientGot()).toBe(closing('protocol-violation'));
  });
});

test('releases that come late, twice or for nobody change nothing', () => {
  const s = new Script();
  expect(s.client('RETR 1\r\n').serverGot()).toBe('RETR 1\r\n');
  s.release(1).server('+OK\r\n\r\nx\r\n.\r\n');
  expect(s.release(2).release(1).clientGot()).toBe('+OK\r\n\r\nx\r\n.\r\n');
  expect(s.release(1).release(1, 'refuse').clientGot()).toBe('');
});

test('nobody is told that TLS is active before it was asked for', () => {
  const s = new Script(false, false).event({ kind: 'tls-ready' }).client('STLS\r\n');
  expect(s.serverGot()).toBe('STLS\r\n');
});

test('lines that a server asked for in one exchange are not lines of the next', () => {
  const s = new Script().client('AUTH PLAIN\r\n').server('+ \r\n+ \r\n-ERR no\r\n');
  s.client('AUTH LOGIN\r\nRETR 1\r\n');
  expect(s.serverGot()).toBe('AUTH PLAIN\r\nAUTH LOGIN\r\n');
});

const line = fc.stringMatching(/^[ -~]{0,12}$/);
const body = fc.array(fc.oneof(line, fc.constantFrom('.', '..', '.x', '', 'a\n.b', 'a\r')), { maxLength: 8 });
const stuffed = (text: string) => (text.startsWith('.') ? `.${text}` : text);
const answerOf = (lines: readonly string[]) =>
  `+OK\r\nH: MARK\r\n\r\n${lines.map((text) => `${stuffed(text)}\r\n`).join('')}.\r\n`;

/** A command, its whole answer, and the answer that is due to the client in the end. */
const exchanges = fc.array(
  fc.oneof(
    body.map((lines) => ({
      command: 'RETR 1\r\n',
      answer: answerOf(lines),
      due: answerOf(lines),
      holds: true,
    })),
    fc.tuple(body, fc.integer({ min: 1, max: 9 })).map(([lines, count]) => ({
      command: `TOP 1 ${count}\r\n`,
      answer: answerOf(lines.map((text) => text.replaceAll('\n', ''))),
      due: answerOf(lines.map((text) => text.replaceAll('\n', '')).slice(0, count)),
      holds: true,
    })),
    fc.constantFrom(
      {
        command: 'TOP 1 0\r\n',
        answer: '+OK\r\nH: i\r\n\r\n.\r\n',
        due: '+OK\r\nH: i\r\n\r\n.\r\n',
        holds: false,
      },
      { command: 'LIST\r\n', answer: '+OK\r\n1 2\r\n.\r\n', due: '+OK\r\n1 2\r\n.\r\n', holds: false },
      { command: 'STAT\r\n', answer: '+OK 1 2\r\n', due: '+OK 1 2\r\n', holds: false },
      { command: 'DELE 9\r\n', answer: '-ERR no\r\n', due: '-ERR no\r\n', holds: false },
      { command: 'EVIL\r\n', answer: '', due: '-ERR Command not supported\r\n', holds: false },
    ),
  ),
  { minLength: 1, maxLength: 6 },
);

test('no octet of any body leaves before its release, whatever the splits; all of it afterwards, in order', () => {
  fc.assert(
    fc.property(exchanges, fc.array(fc.nat(40), { maxLength: 30 }), (script, cuts) => {
      const s = new Script();
      for (const { command } of script) s.client(command);
      const wire = script.map(({ answer }) => answer).join('');
      let at = 0;
      for (const cut of cuts) {
        s.server(wire.slice(at, at + cut));
        at += cut;
      }
      s.server(wire.slice(at));
      const firstHeld = script.findIndex(({ holds }) => holds);
      const free = firstHeld === -1 ? script : script.slice(0, firstHeld);
      let got = s.clientGot();
      expect(got).toBe(free.map(({ due }) => due).join(''));
      // The last first: what is behind a held one waits, however early it was decided.
      for (const id of [...s.ended()].reverse()) got += s.release(id).clientGot();
      expect(got).toBe(script.map(({ due }) => due).join(''));
      s.event({ kind: 'end', from: 'server' });
      expect(s.dropped()).toHaveLength(s.messages.size);
    }),
    { numRuns: 300 },
  );
});

test('mangled input never throws, never leaks a body, and means the same however it is split', () => {
  const words = fc.constantFrom(
    '+OK\r\n',
    '-ERR\r\n',
    '+ \r\n',
    '.\r\n',
    '.\n',
    '\r\n',
    '\r',
    'MARK\r\n',
    '..MARK',
    'SASL PLAIN\r\n',
  );
  const commands = fc.constantFrom(
    'RETR 1\r\n',
    'TOP 1 1\r\n',
    'RETR 2\n',
    '*\r\n',
    'AUTH PLAIN\r\n',
    'EVIL\r\n',
  );
  const events = fc.array(
    fc.oneof(
      words.map((text) => ({ from: 'server' as const, text })),
      commands.map((text) => ({ from: 'client' as const, text })),
    ),
    { maxLength: 25 },
  );
  fc.assert(
    fc.property(events, (script) => {
      const whole = new Script(false, false);
      const split = new Script(true, false);
      for (const { from, text } of script) {
        whole[from](text);
        split[from](text);
      }
      for (const s of [whole, split])
        s.event({ kind: 'end', from: 'server' }).event({ kind: 'end', from: 'client' });
      const got = whole.clientGot();
      expect(split.clientGot()).toBe(got);
      expect(split.serverGot()).toBe(whole.serverGot());
      expect([split.notes, [...split.messages]]).toEqual([whole.notes, [...whole.messages]]);
      expect(got).not.toContain('MARK');
    }),
    { numRuns: 500 },
  );
});

test('any octets from both sides, in any chunks, never throw', () => {
  const chunk: fc.Arbitrary<EngineEvent> = fc.record({
    kind: fc.constant('data' as const),
    from: fc.constantFrom('client' as const, 'server' as const),
    bytes: fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc.constantFrom('+OK\r\n', 'RETR 1\r\n', 'STLS\r\n', 'CAPA\r\n', '.\r\n', 'AUTH PLAIN\r\n').map(octets),
    ),
  });
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 20 }), (events) => {
      const engine = createPop3Engine({ tls: false });
      for (const event of events) engine.handle(event);
      engine.handle({ kind: 'tls-ready' });
    }),
  );
});

describe('content in disguise', () => {
  test.each(['no field\r\n\r\n', 'A: b\r\nno field\r\n\r\n', ': x\r\n\r\n'])(
    'what a TOP without lines brings is held unless it is a header: %j',
    (text) => {
      const s = new Script().client('TOP 1 0\r\n').server(`+OK\r\n${text}.\r\n`);
      expect(s.clientGot()).toBe('');
      expect(Object.values(s.held())).toEqual([text]);
    },
  );

  test.each([
    ['LIST', '1 120\r\n2 3  \r\n', 'From: a\r\n\r\nX5O text\r\n1 x\r\n3\r\n'],
    ['UIDL', '1 QhdPYR:00WBw1Ph7x7\r\n2 x\r\n', 'a b\r\n1 a b\r\n\r\n'],
    ['LANG', 'en English\r\nx-i\r\n', ' x\r\n"a"\r\n'],
  ])('what is not of a list is left out of %s', (command, lines, others) => {
    const s = new Script().client(`${command}\r\n`).server(`+OK\r\n${lines}${others}.\r\n`);
    expect(s.clientGot()).toBe(`+OK\r\n${lines}.\r\n`);
  });

  test('the client’s end is passed on when the server has ended, whatever was awaited', () => {
    const s = new Script().client('AUTH PLAIN\r\nNOOP\r\n').event({ kind: 'end', from: 'client' });
    expect(s.notes).toEqual([]);
    s.event({ kind: 'end', from: 'server' });
    expect(s.notes).toEqual(['end client', 'end server']);
    const t = new Script().client('AUTH PLAIN\r\nNOOP\r\n').event({ kind: 'end', from: 'server' });
    t.event({ kind: 'end', from: 'client' });
    expect(t.notes).toEqual(['end client', 'end server']);
  });
});
