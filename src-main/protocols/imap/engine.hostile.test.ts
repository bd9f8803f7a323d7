import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  headerBytes,
  heldMessages,
  heldOutputBytes,
  imapLineBytes,
  imapResponseBytes,
  outstandingCommands,
  pendingClientBytes,
} from '../limits.ts';
import { createImapEngine } from './engine.ts';
import { Script } from './script.test-support.ts';

const literal = (text: string) => `{${text.length}}\r\n${text}`;
const opened = (tls = true) => {
  const s = new Script(false, tls);
  s.server('* OK [CAPABILITY IMAP4rev1 LITERAL+] ready\r\n').clientGot();
  return s;
};

/** The last line that a client gets when the engine ends its connection. */
const bye = (reason: string) => `* BYE Closed by the mail scanner: ${reason}\r\n`;

describe('limits', () => {
  it.each([
    ['status line', '* OK ', imapLineBytes],
    ['search result', '* SEARCH ', imapResponseBytes],
    ['FETCH line', '* 1 FETCH (FLAGS (', imapResponseBytes],
  ])('ends a connection at an endless %s, one octet past the limit', (_, start, limit) => {
    const s = opened().server(start + 'x'.repeat(limit - start.length));
    expect(s.notes).toEqual([]);
    expect(s.server('x').notes).toEqual(['close line-too-long']);
    expect(s.server('\r\n').clientGot()).toBe(bye('line-too-long'));
  });

  it('takes a long line that arrives whole as it takes one in parts', () => {
    const line = (length: number) => `* OK ${'x'.repeat(length - 7)}\r\n`;
    expect(opened().server(line(imapLineBytes)).clientGot()).toHaveLength(imapLineBytes);
    expect(opened().server(line(imapLineBytes + 1)).notes).toEqual(['close line-too-long']);
  });

  it('ends a connection whose greeting never ends', () => {
    expect(new Script().server(`* OK ${'y'.repeat(imapLineBytes)}`).notes).toEqual(['close line-too-long']);
  });

  it('ends a connection whose client sends an endless command', () => {
    const s = opened().client(`a NOOP ${'y'.repeat(imapLineBytes)}`);
    expect(s.notes).toEqual(['close line-too-long']);
  });

  it('streams a literal of 1 GB without keeping it', () => {
    const s = opened().client('a FETCH 1 BODY[]\r\n').server('* 1 FETCH (BODY[] {1073741824}\r\n');
    const chunk = 'z'.repeat(65_536);
    for (let i = 0; i < 32; i++) s.server(chunk);
    expect(s.messages.get(1)?.text).toHaveLength(32 * 65_536);
    expect(s.notes).toEqual([]);
  });

  it.each([
    ['1 GB', '1073741824'],
    ['more than can be counted', '99999999999999999999999999'],
  ])('ends a connection at a literal of %s where no content may be', (_, size) => {
    expect(opened().server(`* 1 FETCH (ENVELOPE ("x" {${size}}\r\n`).notes).toEqual([
      'close literal-too-large',
    ]);
    expect(opened().server(`* LIST () "/" {${size}}\r\n`).notes).toEqual(['close literal-too-large']);
  });

  it('stops reading from the server behind a held message, and goes on after it', () => {
    const s = opened()
      .client('a FETCH 1 BODY[]\r\n')
      .server(`* 1 FETCH (BODY[] ${literal('x')})\r\n`);
    const line = `* OK ${'x'.repeat(60_000)}\r\n`;
    while (s.notes.length === 0) s.server(line);
    expect(s.notes).toEqual(['pause server']);
    const got = s.release(1).clientGot().length;
    expect(got).toBeGreaterThan(heldOutputBytes);
    expect(got).toBeLessThan(heldOutputBytes + 2 * line.length);
    expect(s.notes).toEqual(['pause server', 'resume server']);
  });

  it('stops reading from the server when too many messages are judged at once', () => {
    const s = opened().client('a FETCH 1:99 BODY[]\r\n');
    for (let n = 1; n < heldMessages; n++) s.server(`* ${n} FETCH (BODY[] ${literal('x')})\r\n`);
    expect(s.notes).toEqual([]);
    expect(s.server(`* 99 FETCH (BODY[] ${literal('x')})\r\n`).notes).toEqual(['pause server']);
    for (let id = 2; id <= heldMessages; id++) s.release(id);
    expect(s.notes).toEqual(['pause server']);
    expect(s.release(1).notes).toEqual(['pause server', 'resume server']);
  });

  it('lets no more commands go than it can keep account of', () => {
    const s = opened();
    for (let n = 0; n <= outstandingCommands; n++) s.client(`t${n} NOOP\r\n`);
    expect(s.serverGot()).toContain(`t${outstandingCommands - 1} NOOP\r\n`);
    s.server('t7 OK\r\n');
    expect(s.serverGot()).toBe(`t${outstandingCommands} NOOP\r\n`);
  });

  it('stops reading from a client that sends more behind a command that waits', () => {
    const s = opened().client('a FETCH 1 BODY[1]\r\n').client('b APPEND x {3000000+}\r\n');
    s.client('x'.repeat(pendingClientBytes));
    expect(s.notes).toEqual(['pause client']);
    s.server('PSTN1 BAD\r\na BAD\r\n');
    expect(s.notes).toEqual(['pause client', 'resume client']);
    expect(s.serverGot()).toContain(`b APPEND x {3000000+}\r\n${'x'.repeat(pendingClientBytes)}`);
  });
});

describe('content in disguise', () => {
  it.each([
    `* LIST () "/" ~{4}\r\nabcd\r\n`,
    `* 1 FETCH (INTERNALDATE "${'x'.repeat(41)}")\r\n`,
    '* 1 FETCH (SAVEDATE "no <date>")\r\n',
  ])('holds what no client would take for a name or a date: %j', (answer) => {
    const s = opened().server(answer);
    expect(s.clientGot()).toBe('');
    expect(Object.keys(s.held())).toEqual(['1']);
  });

  it.each([
    'BODY[1]',
    'BODY[TEXT]',
    'BODY[1.MIME]',
    'BODY[2.HEADER]',
    'BODY[]<0>',
    'X[1]',
    'BINARY[1]<0>',
    'BODY[HEADER.FIELDS (A)]<0>',
  ])('lets no %s leave that is not in a message that was scanned', (item) => {
    const s = opened().server(`* 1 FETCH (${item} {2}\r\nhi)\r\n`);
    expect(s.messages.get(1)).toMatchObject({ extent: 'slice', pieceOf: undefined });
  });

  const held = (response: string, content: string) => {
    const s = opened().client('z NOOP\r\n').server(response).server('z OK\r\n');
    expect(s.notes).toEqual([]);
    expect(s.clientGot()).toBe('');
    expect(Object.values(s.held())).toContain(content);
  };

  it('holds a header answer with a body behind its empty line', () => {
    for (const text of ['A: b\r\n\r\nbody', 'A: b\n\nbody', '\r\nbody', 'A: b\r\rbody', 'A: b\r\n\nbody']) {
      held(`* 1 FETCH (BODY[HEADER] ${literal(text)})\r\n`, text);
      held(`* 1 FETCH (BODY[HEADER.FIELDS (TO)] ${literal(text)})\r\n`, text);
      held(`* 1 FETCH (RFC822.HEADER ${literal(text)})\r\n`, text);
    }
  });

  it('holds a header answer that is none, or has no end', () => {
    for (const text of ['no field at all\r\n\r\n', 'A: b\r\n', ': x\r\n\r\n', 'A: b', 'x\r\ny: z\r\n\r\n']) {
      held(`* 1 FETCH (BODY[HEADER.FIELDS (FROM)] ${literal(text)})\r\n`, text);
    }
    held('* 1 FETCH (BODY[HEADER] "A: b")\r\n', 'A: b');
  });

  it('holds a header past its limit, and passes one at it', () => {
    const header = (length: number) => `A: ${'x'.repeat(length - 7)}\r\n\r\n`;
    held(`* 1 FETCH (BODY[HEADER] ${literal(header(headerBytes + 1))})\r\n`, header(headerBytes + 1));
    const at = `* 1 FETCH (BODY[HEADER] ${literal(header(headerBytes))})\r\n`;
    expect(opened().server(at).clientGot()).toBe(at);
  });

  it('holds parts’ headers, partials and other sections, and strings where none are expected', () => {
    for (const item of [
      'BODY[1.MIME]',
      'BODY[1.HEADER]',
      'BODY[HEADER]<0>',
      'BODY[TEXT]',
      'body[text]',
      'BINARY[1]<0>',
      'PREVIEW',
      'X-BODY',
      'RFC822.TEXT',
      'RFC822.PEEK',
      'FLAGS',
      'UID',
      'ENVELOPE',
      'BODY',
      'BODY[NEW.THING]',
      'X[]',
    ]) {
      held(`* 1 FETCH (${item} "octets")\r\n`, 'octets');
      held(`* 1 FETCH (UID 3 ${item} ${literal('octets')})\r\n`, 'octets');
    }
    held('* 1 FETCH (SNIPPET (FUZZY "octets"))\r\n', 'octets');
    held('* 4 UIDFETCH (BODY[] "octets")\r\n', 'octets');
    held(`* 1 FETCH (ENVELOPE ("a" ~${literal('octets')}))\r\n`, 'octets');
  });

  it.each([
    'BODY[] octets',
    'BODY[1] (octets)',
    'BODY[TEXT "x")',
    'BODY[] "open',
    '"BODY[]" x',
    'FLAGS (\\Seen) x) y',
    'BODY[] {5} x',
    '(',
    'BODY[HEADER.FIELDS ({4}',
  ])('ends the connection at a FETCH that is none: %s', (list) => {
    expect(opened().server(`* 1 FETCH (${list})\r\n`).notes).toEqual(['close protocol-violation']);
  });

  it.each([
    'HTTP/1.1 200 OK\r\n',
    'b OK not asked for\r\n',
    '*\r\n',
    '* 1 FETCH(BODY[] "x")\r\n',
    '* OK a\r* 1 FETCH (BODY[] "x")\r\n',
    '* 1 FETCH (FLAGS ())\n',
    '* LIST () "/" "open {3}\r\n',
    '\r\n',
    '+x\r\n',
    'a PREAUTH x\r\n',
    '\x00\r\n',
    '* LIST () "/" {3}\n',
    '* \t1 FETCH\r\n',
  ])('ends the connection at what is no response: %j', (line) => {
    const s = opened().client('a NOOP\r\n').server(line);
    expect(s.notes).toEqual(['close protocol-violation']);
    expect(s.clientGot()).toBe(bye('protocol-violation'));
  });

  it('takes no literal from the text of a status', () => {
    const s = opened().server('* OK text {30}\r\n* 1 FETCH (BODY[] "hidden")\r\n');
    expect(s.clientGot()).toBe('* OK text {30}\r\n');
    expect(s.held()).toEqual({ 1: 'hidden' });
  });

  it('judges a header in linear time, whatever its line ends are', () => {
    const text = `${'a:\n'.repeat(headerBytes / 3 - 1)}\n`;
    const answer = `* 1 FETCH (BODY[HEADER] ${literal(text)})\r\n`;
    expect(opened().server(answer).clientGot()).toBe(answer);
  });

  it('drops a message that its server leaves half', () => {
    const s = opened().server('* 1 FETCH (BODY[] {9}\r\nhalf').event({ kind: 'end', from: 'server' });
    expect(s.clientGot()).toBe('');
    expect(s.dropped()).toEqual([1]);
    expect(s.notes).toEqual(['end client']);
  });

  it('takes no octet for an answer that was pipelined behind STARTTLS in the clear', () => {
    const s = opened(false).client('a STARTTLS\r\n').server('a OK go\r\n* 1 FETCH (BODY[] "x")\r\nb OK\r\n');
    s.event({ kind: 'tls-ready' }).client('b NOOP\r\n').server('b OK real\r\n');
    expect(s.clientGot()).toBe('b OK real\r\n');
    expect(s.messages.size).toBe(0);
  });

  it('survives releases that come late, twice or for nobody', () => {
    const s = opened()
      .server(`* 1 FETCH (BODY[] ${literal('x')})\r\n`)
      .release(99)
      .release(1)
      .release(1, 'refuse');
    expect(s.clientGot()).toContain('x)');
    expect(s.release(1).clientGot()).toBe('');
  });
});

describe('any stream of FETCH responses', () => {
  const marker = 'MARKER';
  const bodyItem = fc.constantFrom(
    'BODY[]',
    'RFC822',
    'BODY[TEXT]',
    'BODY[1.2]',
    'BODY[1]<0>',
    'RFC822.TEXT',
    'BINARY[1]',
    'PREVIEW',
    'BODY[HEADER]',
    'RFC822.HEADER',
    'X-NEW',
    'BODY[2.MIME]',
  );
  const text = fc.string({
    unit: fc.constantFrom('a', ' ', '"', '\\', ')', '(', '\r\n', '\n', '{3}\r\n', marker, '\xff'),
  });
  const content = text.map((value) => `${marker}${value}`);
  /** What the server sends, and what the client gets of it in the end. */
  interface Sent {
    readonly sent: string;
    readonly got: string;
  }
  const same = (sent: string): Sent => ({ sent, got: sent });
  const joined = (parts: readonly Sent[], by: string): Sent => ({
    sent: parts.map((part) => part.sent).join(by),
    got: parts.map((part) => part.got).join(by),
  });
  const around = (before: string, { sent, got }: Sent, after = ''): Sent => ({
    sent: `${before}${sent}${after}`,
    got: `${before}${got}${after}`,
  });
  const quoted = (value: string): Sent => {
    const oneLine = value.replace(/[\r\n]/g, '');
    return { sent: `"${oneLine.replace(/["\\]/g, '\\$&')}"`, got: literal(oneLine) };
  };
  const value = fc.oneof(
    content.map(literal).map(same),
    content.map((c) => same(`~${literal(c)}`)),
    content.map(quoted),
  );
  const body = fc.tuple(bodyItem, value).map(([item, v]) => around(`${item} `, v));
  const meta = fc
    .constantFrom(
      'FLAGS (\\Seen)',
      'UID 4',
      'RFC822.SIZE 9',
      `ENVELOPE ("a" {3}\r\n"\r\n NIL)`,
      'BODY[] NIL',
      'INTERNALDATE " 1-Jan-2026 00:00:00 +0000"',
      `BODY[HEADER] ${literal('A: b\r\n\r\n')}`,
    )
    .map(same);
  const fetch = fc
    .tuple(fc.nat(9), fc.array(fc.oneof(body, meta), { minLength: 1, maxLength: 4 }))
    .map(([n, items]) => around(`* ${n} FETCH (`, joined(items, ' '), ')\r\n'));
  const other = fc
    .constantFrom('* 3 EXISTS\r\n', '* OK x\r\n', `* LIST () "/" ${literal('in"box')}\r\n`)
    .map(same);
  const stream = fc.array(fc.oneof(fetch, other), { maxLength: 6 }).map((parts) => joined(parts, ''));

  it('leaks no content before its release, and passes all in order after it', () => {
    fc.assert(
      fc.property(stream, fc.boolean(), ({ sent, got: expected }, octetMode) => {
        const s = new Script(octetMode);
        s.server('* OK\r\n').clientGot();
        s.server(sent);
        expect(s.notes.filter((note) => !/^(pause|resume)/.test(note))).toEqual([]);
        let got = s.clientGot();
        expect(got).not.toContain(marker);
        for (const id of [...s.messages.keys()].reverse()) {
          s.release(id);
          got += s.clientGot();
        }
        expect(got).toBe(expected);
        expect(s.dropped()).toHaveLength(s.messages.size);
      }),
      { numRuns: 400 },
    );
  });

  it('means the same however it is split', () => {
    const run = (responses: string, cuts: readonly number[]) => {
      const s = new Script();
      s.server('* OK\r\n').client('a FETCH 1:9 BODY[1]\r\n').server('PSTN1 OK\r\n');
      let at = 0;
      for (const cut of [...cuts].sort((x, y) => x - y)) {
        s.server(responses.slice(at, cut));
        at = Math.max(at, cut);
      }
      s.server(responses.slice(at));
      for (const [id, m] of s.messages) if (m.ended) s.release(id, id % 3 === 0 ? 'refuse' : 'deliver');
      return [
        s.clientGot(),
        s.serverGot(),
        [...s.messages.values()].map((m) => m.text),
        s.notes.filter((n) => /close/.test(n)),
      ];
    };
    fc.assert(
      fc.property(stream, fc.array(fc.nat(400)), ({ sent }, cuts) => {
        expect(run(sent, cuts)).toEqual(run(sent, []));
      }),
      { numRuns: 300 },
    );
  });

  it('never throws and never leaks on mangled input', () => {
    fc.assert(
      fc.property(
        stream,
        fc.nat(300),
        fc.constantFrom('', '{', '"', ')', '\r', '\n', '* ', '(', ']', '\\'),
        ({ sent: r }, at, junk) => {
          const engine = createImapEngine({ tls: true });
          const bytes = Uint8Array.from(`* OK\r\n${r.slice(0, at)}${junk}${r.slice(at + 1)}`, (c) =>
            c.charCodeAt(0),
          );
          expect(() => engine.handle({ kind: 'data', from: 'server', bytes })).not.toThrow();
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe('commands that a server could read in another way', () => {
  const answered = (client: string) => {
    const s = opened();
    s.client(client);
    return { server: s.serverGot(), client: s.clientGot(), notes: s.notes };
  };

  it.each(['a NOOP\rb XEVIL\r\n', 'a NOOP\0b XEVIL\r\n', 'a LOGIN x "open {3+}\r\nabc\r\n'])(
    'are refused: %j',
    (line) => expect(answered(line)).toMatchObject({ server: '', client: expect.stringMatching(/^a BAD /) }),
  );

  it.each(['"open {3+}\r\nabc\r\n', 'x\rb XEVIL\r\n', '\0\r\n'])(
    'end the connection where a part of them has gone on: %j',
    (rest) => expect(answered(`a LOGIN {3+}\r\nabc ${rest}`).notes).toEqual(['close protocol-violation']),
  );

  it('and so are literals that the server would not wait for', () => {
    const s = opened().server('* CAPABILITY IMAP4rev1\r\n').client('a LOGIN {3+}\r\nabc x\r\nb NOOP\r\n');
    expect(s.serverGot()).toBe('b NOOP\r\n');
    expect(s.clientGot()).toContain('a BAD Literal');
    s.server('b OK [CAPABILITY IMAP4rev1 LITERAL-] hi\r\n');
    s.client('c LOGIN {3+}\r\nabc x\r\nd LOGIN {4097+}\r\n');
    expect(s.serverGot()).toBe('c LOGIN {3+}\r\nabc x\r\n');
    s.server('* CAPABILITY IMAP4rev1 LITERAL+\r\n').client(`${'x'.repeat(4097)}\r\ne LOGIN {4097+}\r\n`);
    expect(s.serverGot()).toBe('e LOGIN {4097+}\r\n');
  });
});

describe('more content than any answer has', () => {
  it.each([
    ['in quotes', `* 1 FETCH (${'X "a" '.repeat(300)}Y 1)\r\n`],
    ['as literals', `* 1 FETCH (${'X {1}\r\na '.repeat(300)}Y 1)\r\n`],
    ['in a list', `* 1 FETCH (X (${'"a" '.repeat(300)}))\r\n`],
  ])('%s ends the connection', (_, answer) => {
    const s = opened().server(answer);
    expect(s.messages.size).toBeLessThan(260);
    expect(s.notes).toContain('close protocol-violation');
  });

  it('answers that wait keep their spools, and the server is not read from meanwhile', () => {
    const s = opened();
    for (let id = 1; id <= 40; id++) {
      s.server(`* ${id} FETCH (BODY[] {1}\r\na)\r\n`);
      if (id > 1) s.release(id);
    }
    expect(s.notes).toEqual(['pause server']);
    expect(s.release(1).notes).toEqual(['pause server', 'resume server']);
  });
});
