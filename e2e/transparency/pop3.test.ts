// The same POP3 dialogues direct and through Postern, with two users of one server whose mailboxes are alike: the answers
// are the same octets, but for what clocks and the design make different.
import { createHmac } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificates } from '../support/authority.ts';
import { freePort, type RunningCore, startCore } from '../support/core.ts';
import { Talk, type Target } from '../support/dialogue.ts';
import { makeDirectory } from '../support/directory.ts';
import { type MailServer, startMailServer } from '../support/dovecot.ts';
import { testMessages } from '../support/messages.ts';
import { missingTools } from '../support/tools.ts';

const missing = missingTools(['dovecot', 'openssl'], { root: true });
const clean = testMessages().filter(({ infected }) => !infected);

/** One line of the client. */
interface Step {
  readonly send: string;
  /** The answer ends in a line of one dot, unless it is an error. */
  readonly list?: boolean;
  /** Answers that are awaited. */
  readonly answers?: number;
  /** Ours by design: the same sign, in our own words. */
  readonly refused?: boolean;
}

const one = (send: string): Step => ({ send: `${send}\r\n` });
const list = (send: string): Step => ({ send: `${send}\r\n`, list: true });
const refused = (send: string): Step => ({ send: `${send}\r\n`, refused: true });
const base64 = (text: string) => Buffer.from(text).toString('base64');
const signIn = [one('USER %USER%'), one('PASS secret')];
const numbers = clean.map((_, i) => i + 1);

const scripts: Record<string, readonly Step[]> = {
  'lists and messages': [
    list('CAPA'),
    ...signIn,
    one('STAT'),
    list('LIST'),
    one('LIST 2'),
    list('UIDL'),
    one('UIDL 3'),
    ...numbers.flatMap((n) => [
      list(`RETR ${n}`),
      list(`TOP ${n} 0`),
      list(`TOP ${n} 5`),
      list(`TOP ${n} 1000000`),
    ]),
    one('NOOP'),
    one('QUIT'),
  ],
  'TOP before RETR, and again': [
    ...signIn,
    ...numbers.flatMap((n) => [list(`TOP ${n} 1`), list(`TOP ${n} 0`), list(`RETR ${n}`), list(`RETR ${n}`)]),
    one('QUIT'),
  ],
  'deleting and taking back': [
    ...signIn,
    one('DELE 1'),
    one('DELE 1'),
    list('RETR 1'),
    list('TOP 1 0'),
    list('LIST'),
    one('LIST 1'),
    one('STAT'),
    one('RSET'),
    list('RETR 1'),
    one('DELE 2'),
    one('LAST'),
    one('QUIT'),
  ],
  errors: [
    one('STAT'),
    one('NOOP'),
    ...signIn,
    list('RETR 99'),
    list('RETR 0'),
    list('RETR'),
    list('RETR x'),
    list('TOP 99 0'),
    list('TOP 99 5'),
    refused('TOP 1'),
    refused('TOP'),
    refused('TOP 1 x'),
    one('LIST 99'),
    one('UIDL x'),
    one('DELE 99'),
    one('DELE'),
    refused('NOSUCH'),
    refused(''),
    refused('XTND XMIT'),
    one('NOOP'),
    one('QUIT'),
  ],
  'a pipelined burst': [
    { send: 'USER %USER%\r\nPASS secret\r\n', answers: 2 },
    { send: 'STAT\r\nNOOP\r\nLIST 1\r\nUIDL 1\r\nNOSUCH\r\nSTAT\r\n', answers: 6, refused: true },
    {
      send: `${numbers.map((n) => `RETR ${n}\r\nTOP ${n} 2\r\n`).join('')}QUIT\r\n`,
      answers: 2 * numbers.length + 1,
      list: true,
    },
  ],
  'AUTH PLAIN at once': [one('AUTH PLAIN %PLAIN%'), list('RETR 1'), one('QUIT')],
  'AUTH LOGIN step by step': [
    one('AUTH LOGIN'),
    one('%USER64%'),
    one(base64('secret')),
    list('TOP 2 3'),
    one('QUIT'),
  ],
  'AUTH PLAIN step by step, and cancelled before': [
    one('AUTH PLAIN'),
    one('*'),
    one('AUTH PLAIN'),
    one('%PLAIN%'),
    one('STAT'),
    one('QUIT'),
  ],
  'AUTH CRAM-MD5': [one('AUTH CRAM-MD5'), one('%CRAM%'), list('LIST'), one('QUIT')],
};

const settled = (text: string) =>
  text
    .replace(/\bs\d\d[dp]\b/g, 'USER')
    .replace(/^\+ [A-Za-z0-9+/=]{20,}\r\n/gm, '+ CHALLENGE\r\n')
    .replace(/^(STLS|SASL .*)\r\n/gm, '')
    // A part of the whole's size tells nothing to a client that asked for lines.
    .replace(/^(\d+) [0-9a-f]{16}\r\n/gm, '$1 UIDL\r\n')
    .replace(/^\+OK (\d+) [0-9a-f]{16}\r\n/gm, '+OK $1 UIDL\r\n');

/** Answers in a text, if it is made of whole ones: lists where `list` says so. */
function count(text: string, list: boolean): number {
  let [found, at] = [0, 0];
  while (at < text.length) {
    const end = text.indexOf('\r\n', at);
    if (end === -1) break;
    const line = text.slice(at, end);
    at = end + 2;
    // In a burst of messages the last answer, and the errors, are single lines.
    if (list && line.startsWith('+OK') && !line.includes('Logging out')) {
      const dot = text.startsWith('.\r\n', at) ? at - 2 : text.indexOf('\r\n.\r\n', at);
      if (dot === -1) break;
      at = dot + 5;
    }
    found++;
  }
  return found;
}

async function speak(target: Target, user: string, steps: readonly Step[]): Promise<string[]> {
  const talk = await Talk.open(target);
  try {
    const got = [settled(await talk.answer((text) => text.endsWith('\r\n'))).replace(/<[^>]*>/, '<ID>')];
    let last = '';
    for (const { send, list: isList = false, answers = 1 } of steps) {
      const challenge = Buffer.from(last.replace(/^\+ /, '').trim(), 'base64').toString();
      const filled = send
        .replaceAll('%USER%', user)
        .replaceAll('%USER64%', base64(user))
        .replaceAll('%PLAIN%', base64(`\0${user}\0secret`))
        .replaceAll(
          '%CRAM%',
          base64(`${user} ${createHmac('md5', 'secret').update(challenge).digest('hex')}`),
        );
      talk.send(filled);
      last = await talk.answer((text) => count(text, isList) >= answers);
      got.push(settled(last));
    }
    return got;
  } finally {
    talk.close();
  }
}

const signs = (text: string) => text.replace(/^([+-]\w*).*$/gm, '$1');

/** The status of TOP tells the size of the whole, which we do not pass on. */
const statusOfTop = (send: string, text: string) =>
  send.includes('TOP ') ? text.replace(/^\+OK.*\r\n/gm, '+OK\r\n') : text;

function difference(send: string, direct: string, through: string): string {
  let at = 0;
  while (at < direct.length && direct[at] === through[at]) at++;
  const around = (text: string) => JSON.stringify(text.slice(Math.max(0, at - 60), at + 160));
  return `${send}\n  direct  ${around(direct)}\n  through ${around(through)}`;
}

const cases = Object.entries(scripts).flatMap(([name, steps]) =>
  (['plain', 'tls'] as const).map((transport) => ({ name, steps, transport })),
);
const userOf = (index: number, leg: 'd' | 'p') => `s${String(index).padStart(2, '0')}${leg}`;

describe.skipIf(missing !== undefined)(`POP3 direct and through${missing ?? ''}`, () => {
  let directory: string;
  let server: MailServer;
  let core: RunningCore;
  let serverCa: Buffer;
  const local = { pop3: 0, pop3s: 0 };

  beforeAll(async () => {
    directory = makeDirectory('pop3-dialogues');
    const mail = join(directory, 'mail');
    mkdirSync(mail);
    const certificates = makeCertificates(directory);
    serverCa = readFileSync(certificates.caPath);
    const names = cases.flatMap((_, i) => [userOf(i, 'd'), userOf(i, 'p')]);
    server = await startMailServer({
      directory: mail,
      certificate: certificates.server,
      users: Object.fromEntries(names.map((name) => [name, clean])),
    });
    local.pop3 = await freePort();
    local.pop3s = await freePort();
    core = await startCore({
      args: [
        ...['--data-dir', join(directory, 'data'), '--intercept', 'off', '--console', 'off'],
        ...['--upstream-ca', certificates.caPath],
        ...['--listen', `${local.pop3}=127.0.0.1:${server.ports.pop3}/pop3`],
        ...['--listen', `${local.pop3s}=127.0.0.1:${server.ports.pop3s}/pop3s`],
      ],
    });
  });
  afterAll(async () => {
    await core?.stop();
    await server?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test.each(cases.map((each, index) => ({ ...each, index })))(
    '$name ($transport)',
    async ({ steps, transport, index }) => {
      const tls = transport === 'tls';
      const direct = tls ? { port: server.ports.pop3s, ca: serverCa } : { port: server.ports.pop3 };
      const through = tls ? { port: local.pop3s, ca: readFileSync(core.ready.ca) } : { port: local.pop3 };
      const [a, b] = await Promise.all([
        speak(direct, userOf(index, 'd'), steps),
        speak(through, userOf(index, 'p'), steps),
      ]);
      const differences = a.flatMap((answer, i) => {
        const step = steps[i - 1];
        const send = step?.send ?? '(greeting)';
        const [x, y] = [answer, b[i] ?? ''].map((text) => {
          const compared = statusOfTop(send, text);
          return step?.refused ? signs(compared) : compared;
        });
        return x === y ? [] : [difference(send, x ?? '', y ?? '')];
      });
      expect(differences.join('\n')).toBe('');
    },
  );
});
