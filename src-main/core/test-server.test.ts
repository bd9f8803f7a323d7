import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { MailProtocol } from '../contract/connection.ts';
import { type Conversation, createConversation } from './mail-conversation.ts';
import { startTestServer, type TestServer } from './test-server.ts';

let server: TestServer;
let sockets: Socket[];

beforeEach(async () => {
  sockets = [];
  server = await startTestServer({
    random: (size) => new Uint8Array(size).fill(0xab),
    now: () => new Date(),
  });
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server.stop();
});

async function open(protocol: MailProtocol): Promise<{ socket: Socket; talk: Conversation }> {
  const { address, port } = server.endpoint(protocol);
  const plain = connect(port, address);
  sockets.push(plain);
  await once(plain, 'connect');
  const socket = protocol.endsWith('s') ? await secure(plain) : plain;
  const talk = createConversation(socket);
  await talk.line();
  return { socket, talk };
}

async function secure(plain: Socket): Promise<Socket> {
  const socket = connectTls({ socket: plain, servername: server.serverName, ca: server.ca });
  sockets.push(socket);
  await once(socket, 'secureConnect');
  return socket;
}

/** What each line is answered with; of more than one line, as many as are asked for. */
async function answers(talk: Conversation, ...asked: readonly (string | readonly [string, number])[]) {
  const heard: string[] = [];
  for (const each of asked) {
    const [line, count] = typeof each === 'string' ? [each, 1] : each;
    talk.say(line);
    for (let index = 0; index < count; index++) heard.push(await talk.line());
  }
  return heard;
}

const signIn = () => `${server.mailbox.user} ${server.mailbox.password}`;
const sizes = () => [server.mailbox.clean.octets.length, server.mailbox.infected.octets.length];

describe('IMAP', () => {
  test('shows its mailbox to who knows the password', async () => {
    const { talk } = await open('imap');
    const [clean, infected] = sizes();
    expect(
      await answers(
        talk,
        ['a CAPABILITY', 2],
        'b LOGIN selftest wrong',
        'c SELECT INBOX',
        `d LOGIN ${signIn()}`,
        'e SELECT other',
        ['f EXAMINE "INBOX"', 6],
        ['g UID FETCH 1:* (UID RFC822.SIZE)', 3],
        ['h FETCH 2 FLAGS', 2],
        'i FETCH 3 UID',
        'j FETCH 1 ENVELOPE',
        'k FROBNICATE',
        ['l LOGOUT', 2],
      ),
    ).toEqual([
      '* CAPABILITY IMAP4rev1 STARTTLS',
      'a OK done',
      'b NO [AUTHENTICATIONFAILED] no',
      'c BAD not now, or never',
      'd OK done',
      'e NO no such mailbox',
      '* FLAGS (\\Seen)',
      '* 2 EXISTS',
      '* 0 RECENT',
      '* OK [UIDVALIDITY 1] UIDs valid',
      '* OK [UIDNEXT 3] predicted next UID',
      'f OK [READ-ONLY] done',
      `* 1 FETCH (UID 1 RFC822.SIZE ${clean})`,
      `* 2 FETCH (UID 2 RFC822.SIZE ${infected})`,
      'g OK done',
      '* 2 FETCH (FLAGS ())',
      'h OK done',
      'i OK done',
      'j BAD unknown item',
      'k BAD not now, or never',
      '* BYE',
      'l OK done',
    ]);
    await expect(talk.line()).rejects.toThrow('ended');
  });

  test('gives a message octet for octet', async () => {
    const { talk } = await open('imaps');
    await answers(talk, `a LOGIN ${signIn()}`, ['b SELECT INBOX', 6]);
    const { octets } = server.mailbox.infected;
    expect(await answers(talk, 'c UID FETCH 2 (BODY.PEEK[])')).toEqual([
      `* 2 FETCH (UID 2 BODY[] {${octets.length}}`,
    ]);
    expect((await talk.octets(octets.length)).equals(octets)).toBe(true);
    expect(await talk.line()).toBe(')');
  });

  test('drops what comes with the upgrade in the clear, and offers no second one', async () => {
    const { talk } = await open('imap');
    talk.say(`a STARTTLS\r\nb LOGIN ${signIn()}`);
    expect(await talk.line()).toBe('a OK begin');
    talk.use(await secure(talk.leave()));
    expect(await answers(talk, ['c CAPABILITY', 2], 'd SELECT INBOX', 'e STARTTLS')).toEqual([
      '* CAPABILITY IMAP4rev1',
      'c OK done',
      'd BAD not now, or never',
      'e BAD not now, or never',
    ]);
  });
});

describe('POP3', () => {
  test('shows its mailbox to who knows the password', async () => {
    const { talk } = await open('pop3');
    const [clean = 0, infected = 0] = sizes();
    const { user, password } = server.mailbox;
    expect(
      await answers(
        talk,
        ['CAPA', 5],
        'STAT',
        `PASS ${password}`,
        `USER ${user}`,
        'PASS wrong',
        `PASS ${password}`,
        'STAT',
        ['LIST', 4],
        'LIST 2',
        'LIST 3',
        ['UIDL', 4],
        'RETR 0',
        'STLS',
        'QUIT',
      ),
    ).toEqual([
      ...['+OK', 'USER', 'UIDL', 'STLS', '.'],
      '-ERR not now, or never',
      '-ERR not now, or never',
      '+OK',
      '-ERR not now, or never',
      '+OK',
      `+OK 2 ${clean + infected}`,
      ...['+OK', `1 ${clean}`, `2 ${infected}`, '.'],
      `+OK 2 ${infected}`,
      '-ERR not now, or never',
      ...['+OK', '1 1', '2 2', '.'],
      '-ERR not now, or never',
      '-ERR not now, or never',
      '+OK',
    ]);
  });

  test('stuffs dots', async () => {
    const { talk } = await open('pop3s');
    await answers(talk, `USER ${server.mailbox.user}`, `PASS ${server.mailbox.password}`, 'RETR 1');
    const lines: string[] = [];
    for (let line = await talk.line(); line !== '.'; line = await talk.line()) lines.push(line);
    expect(lines).toContain('..');
    expect(lines.map((line) => `${line.replace(/^\./, '')}\r\n`).join('')).toBe(
      server.mailbox.clean.octets.toString('latin1'),
    );
  });

  test('is under TLS after an upgrade', async () => {
    const { talk } = await open('pop3');
    expect(await answers(talk, 'STLS')).toEqual(['+OK begin']);
    talk.use(await secure(talk.leave()));
    expect(await answers(talk, ['CAPA', 4])).toEqual(['+OK', 'USER', 'UIDL', '.']);
  });
});

describe('its certificate', () => {
  test('is for its name, and signed by its own authority', async () => {
    const { address, port } = server.endpoint('imaps');
    const refused = connectTls({ host: address, port, servername: server.serverName });
    sockets.push(refused);
    await expect(once(refused, 'secureConnect')).rejects.toThrow(/certificate/);
    const misnamed = connectTls({ host: address, port, servername: 'other.invalid', ca: server.ca });
    sockets.push(misnamed);
    await expect(once(misnamed, 'secureConnect')).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });
});

describe('the end', () => {
  test('ends its connections and its listeners, twice as well as once', async () => {
    const { socket } = await open('imap');
    const closed = new Promise((done) => socket.once('close', done));
    server.stop();
    server.stop();
    await closed;
    const { address, port } = server.endpoint('imap');
    const late = connect(port, address);
    await expect(once(late, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('comes to who sends a line without an end', async () => {
    const { socket } = await open('pop3');
    const closed = new Promise((done) => socket.once('close', done));
    socket.write('x'.repeat(1_025));
    await closed;
  });
});
