import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { headerBytes, heldMessages, pop3LineBytes } from '../limits.ts';
import { Script } from './script.test-support.ts';

describe('a hostile or broken server', () => {
  test('that closes in the middle of a message gives the client neither it nor a final dot', () => {
    const s = new Script();
    s.client('RETR 1\r\n').server('+OK\r\n\r\nhalf').event({ kind: 'end', from: 'server' });
    expect(s.clientGot()).toBe('');
    expect(s.dropped).toEqual([1]);
    expect(s.notes).toEqual(['end client']);
  });

  test.each(['* OK imap\r\n', 'body without status\r\n', '+OK unasked\r\n'])(
    'that says %j unasked',
    (line) => {
      expect(new Script().server(line).notes).toEqual(['close protocol-violation']);
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

  test('that sends a line without end', () => {
    const s = new Script().client('STAT\r\n').server(`+OK ${'x'.repeat(pop3LineBytes)}`);
    expect(s.notes).toEqual(['close line-too-long']);
    const fits = new Script().client('STAT\r\n').server(`+OK ${'x'.repeat(pop3LineBytes - 6)}\r\n`);
    expect(fits.notes).toEqual([]);
  });

  test('that never ends a header: it becomes content', () => {
    const s = new Script().client('TOP 1 0\r\n').server(`+OK\r\n${'X: y\r\n'.repeat(headerBytes / 6 + 2)}`);
    expect(s.messages.size).toBe(1);
    expect(s.clientGot()).toBe('');
  });

  test('whose greeting has no end', () => {
    const s = new Script();
    expect(s.client('NOOP\r\n').server('x'.repeat(70_000)).notes).toEqual(['close line-too-long']);
  });
});

describe('a hostile or broken client', () => {
  test('with a command without end', () => {
    expect(new Script().client('USER '.padEnd(pop3LineBytes + 1, 'x')).notes).toEqual([
      'close line-too-long',
    ]);
  });

  test('that asks for many messages is slowed down while they are scanned', () => {
    const s = new Script();
    for (let i = 1; i <= heldMessages; i++) s.client(`RETR ${i}\r\n`).server('+OK\r\n\r\nx\r\n.\r\n');
    expect(s.notes).toEqual(['pause server']);
    for (let i = 1; i <= heldMessages / 2; i++) s.release(i);
    expect(s.notes).toEqual(['pause server', 'resume server']);
  });

  test('that hides a command behind an exchange it was not asked for', () => {
    const s = new Script().client('AUTH PLAIN\r\nRETR 1\r\nRETR 2\r\n').server('-ERR no\r\n');
    s.server('+OK\r\n\r\nsecret\r\n.\r\n+OK\r\n\r\nsecret\r\n.\r\n');
    expect(s.clientGot()).toBe('-ERR no\r\n');
    expect(s.ended).toEqual([1, 2]);
  });
});

const line = fc.stringMatching(/^[ -~]{0,12}$/);
const body = fc.array(fc.oneof(line, fc.constantFrom('.', '..', '.x', '')), { maxLength: 8 });

test('no octet of any body leaves before its release, whatever the splits; all of it afterwards', () => {
  fc.assert(
    fc.property(
      fc.array(body, { minLength: 1, maxLength: 4 }),
      fc.array(fc.nat(40), { maxLength: 30 }),
      (bodies, cuts) => {
        const s = new Script();
        const wire = bodies
          .map(
            (lines) =>
              `+OK\r\nH: MARK\r\n\r\n${lines.map((each) => `${each.startsWith('.') ? '.' : ''}${each}\r\n`).join('')}.\r\n`,
          )
          .join('');
        for (let i = 1; i <= bodies.length; i++) s.client(`RETR ${i}\r\n`);
        let at = 0;
        for (const cut of cuts) {
          s.server(wire.slice(at, at + cut));
          at += cut;
        }
        s.server(wire.slice(Math.min(at, wire.length)));
        expect(s.clientGot()).toBe('');
        for (let i = 1; i <= bodies.length; i++) s.release(i);
        expect(s.clientGot()).toBe(wire);
      },
    ),
  );
});
