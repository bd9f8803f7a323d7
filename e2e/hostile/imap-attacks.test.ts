// Single attacks of an IMAP server, each as a short dialogue with a session in this process.
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findForbidden, forbidden } from '../support/forbidden.ts';
import { type Link, openLink, SocketPairs } from '../support/hostile-link.ts';
import { inlineScanner } from '../support/inline-scanner.ts';

const literal = (text: string) => `{${text.length}}\r\n${text}`;
const base64 = (text: string) => Buffer.from(text).toString('base64');
const [first, second] = [forbidden.slice(0, 20), forbidden.slice(20)];

let pairs: SocketPairs;
beforeAll(async () => {
  pairs = await SocketPairs.open();
});
afterAll(() => pairs.close());

/** Turns of the event loop in which nothing happens any more, before a dialogue is taken to be over. */
const quietTurns = 40;

/** Answers each line of the client and of the engine; returns what the client got. */
async function dialogue(commands: readonly string[], answer: (line: string) => string): Promise<string> {
  const link: Link = await openLink({ pairs, spoken: 'imap', scanner: inlineScanner() }, '* OK ready\r\n');
  let rest = '';
  let traffic = 0;
  link.client.on('data', () => traffic++);
  link.server.on('data', (bytes: Buffer) => {
    traffic++;
    const lines = (rest + bytes.toString('latin1')).split('\r\n');
    rest = lines.pop() ?? '';
    for (const line of lines) link.server.write(answer(line), 'latin1');
  });
  for (const command of commands) {
    link.client.write(command, 'latin1');
    for (let quiet = 0, last = traffic; quiet < quietTurns; quiet++) {
      await turn();
      if (traffic !== last) quiet = 0;
      last = traffic;
    }
  }
  const got = link.atClient();
  link.close();
  return got;
}

/** A server whose wholes are `whole`, and that answers what the client asks by `items` (in FETCH, by the line). */
const lyingServer = (whole: string, items: (line: string) => string) => (line: string) => {
  const tag = line.split(' ')[0] ?? '';
  const uid = /UID FETCH (\d+)/.exec(line)?.[1] ?? '1';
  const wants = /BODY\.PEEK\[\]\)?$/.test(line) && !/^a/.test(tag) ? `BODY[] ${literal(whole)}` : items(line);
  return `* 1 FETCH (UID ${uid} ${wants})\r\n${tag} OK done\r\n`;
};

const message = (body: string) => `From: a\r\nSubject: b\r\nContent-Type: text/plain\r\n\r\n${body}\r\n`;

describe('parts that do not belong to the whole', () => {
  const swapped = message(`${second} ${first}`);
  test.each(['BODY[]', 'BODY[TEXT]', 'BODY[1]', 'BINARY[1]'])(
    'swapped halves as partials of %s',
    async (section) => {
      const peek = section.replace('[', '.PEEK[');
      const got = await dialogue(
        [`a1 FETCH 1 ${peek}<0.20>\r\n`, `a2 FETCH 1 ${peek}<20.19>\r\n`],
        lyingServer(swapped, (line) =>
          /<0/.test(line) ? `${section}<0> ${literal(first)}` : `${section}<20> ${literal(second)}`,
        ),
      );
      expect(findForbidden(got)).toBeUndefined();
    },
  );

  test('single octets, all of which stand somewhere in the whole', async () => {
    const commands = [...forbidden].map((_, at) => `a${at} FETCH 1 BODY.PEEK[1]<${at}.1>\r\n`);
    const got = await dialogue(
      commands,
      lyingServer(message([...forbidden].sort().join('')), (line) => {
        const at = Number(/<(\d+)/.exec(line)?.[1]);
        return `BODY[1]<${at}> ${literal(forbidden[at] ?? '')}`;
      }),
    );
    expect(findForbidden(got)).toBeUndefined();
  });

  test.each([
    ['a first line that looks like a header', `QUFB: QUFB\r\n${base64(forbidden)}\r\n`],
    ['a header and base64 in one line', `QUFB: QUFB ${base64(forbidden)}\r\n`],
    ['base64 alone', `${base64(forbidden)}\r\n`],
    ['base64 with junk in each place', `${[...base64(forbidden)].join('!')}\r\n`],
  ])('a part that is none of the whole: %s', async (_, part) => {
    const got = await dialogue(
      ['a1 FETCH 1 BODY.PEEK[1]\r\n'],
      lyingServer(message('clean'), () => `BODY[1] ${literal(part)}`),
    );
    expect(findForbidden(got.replaceAll('!', ''))).toBeUndefined();
  });
});

describe('answers that some clients read otherwise', () => {
  test.each([
    ['a literal8 as a name', `* LIST () "/" ~${literal(`* 1 FETCH (BODY[] ${literal(forbidden)})\r\n`)}\r\n`],
    ['a non-synchronising literal as a name', `* LIST () "/" {${forbidden.length}+}\r\n${forbidden}\r\n`],
    ['a literal in an answer with no known word', `* XCONTENT ${literal(forbidden)}\r\n`],
    ['a date that is none', `* 1 FETCH (INTERNALDATE "${forbidden}")\r\n`],
    ['a header with no field in it', `* 1 FETCH (BODY[HEADER] ${literal(`${forbidden}\r\n\r\n`)})\r\n`],
    ['a literal8 in an ENVELOPE', `* 1 FETCH (ENVELOPE (NIL ~${literal(forbidden)}))\r\n`],
  ])('%s', async (_, answer) => {
    const got = await dialogue(['a1 NOOP\r\n'], () => `${answer}a1 OK done\r\n`);
    expect(findForbidden(got)).toBeUndefined();
  });
});

test('wholes that change between two commands are judged each time', async () => {
  let asked = 0;
  const got = await dialogue(['a1 FETCH 1 BODY.PEEK[]\r\n', 'a2 FETCH 1 BODY.PEEK[]\r\n'], (line) => {
    const body = asked++ === 0 ? 'clean' : forbidden;
    return `* 1 FETCH (UID 7 BODY[] ${literal(message(body))})\r\n${line.split(' ')[0]} OK done\r\n`;
  });
  expect(got).toContain('clean');
  expect(got).toContain('a2 OK');
  expect(findForbidden(got)).toBeUndefined();
});
