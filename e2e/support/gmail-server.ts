// A small IMAP server that speaks as Gmail does: sign-in by token, X-GM-EXT-1 and OBJECTID items. One mailbox, one
// message after the other, no TLS.
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export interface GmailServer {
  readonly port: number;
  /** All lines that clients sent. */
  readonly lines: readonly string[];
  stop(): void;
}

const preLogin =
  'IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 XYZZY SASL-IR AUTH=XOAUTH2 AUTH=PLAIN ' +
  'AUTH=PLAIN-CLIENTTOKEN AUTH=OAUTHBEARER';
const postLogin =
  'IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 UIDPLUS ENABLE MOVE CONDSTORE ESEARCH ' +
  'UTF8=ACCEPT LIST-EXTENDED LIST-STATUS LITERAL- SPECIAL-USE OBJECTID APPENDLIMIT=35651584';

/** `messages`: their octets; UIDs from 1. `token`: the only one that may sign in. */
export async function startGmailServer(messages: readonly Buffer[], token: string): Promise<GmailServer> {
  const lines: string[] = [];

  function fetched(uid: number, items: string): Buffer {
    const message = messages[uid - 1] ?? Buffer.alloc(0);
    const parts: Buffer[] = [
      Buffer.from(
        `* ${uid} FETCH (X-GM-THRID 12345678901234567 X-GM-MSGID ${9_000_000_000 + uid} X-GM-LABELS ("\\\\Inbox" {6}\r\nR&-D"x) ` +
          `EMAILID (M${uid}) THREADID (T1) UID ${uid} MODSEQ (7) FLAGS (\\Seen)`,
      ),
    ];
    if (/BODY\.PEEK\[\](?: |\))/i.test(items))
      parts.push(Buffer.from(` BODY[] {${message.length}}\r\n`), message);
    const slice = /BODY\.PEEK\[\]<(\d+)\.(\d+)>/i.exec(items);
    if (slice) {
      const [origin, count] = [Number(slice[1]), Number(slice[2])];
      const octets = message.subarray(origin, origin + count);
      parts.push(Buffer.from(` BODY[]<${origin}> {${octets.length}}\r\n`), octets);
    }
    return Buffer.concat([...parts, Buffer.from(')\r\n')]);
  }

  function answer(socket: Socket, line: string): void {
    lines.push(line);
    const [tag = '', name = '', ...rest] = line.split(' ');
    const say = (text: string) => socket.write(`${text}\r\n`);
    const ok = (text = 'done') => say(`${tag} OK ${text}`);
    switch (name.toUpperCase()) {
      case 'CAPABILITY':
        say(`* CAPABILITY ${postLogin}`);
        ok();
        return;
      case 'AUTHENTICATE': {
        const given = Buffer.from(rest[1] ?? '', 'base64').toString();
        if (given.includes(`auth=Bearer ${token}\x01`)) {
          ok(`[CAPABILITY ${postLogin}] me@example.test authenticated (Success)`);
        } else say(`${tag} NO [AUTHENTICATIONFAILED] Invalid credentials`);
        return;
      }
      case 'NAMESPACE':
        say('* NAMESPACE (("" "/")) NIL NIL');
        ok();
        return;
      case 'LIST':
        say('* LIST (\\HasNoChildren) "/" "INBOX"');
        ok();
        return;
      case 'SELECT':
      case 'EXAMINE':
        say('* FLAGS (\\Seen)');
        say('* OK [UIDVALIDITY 3] valid');
        say(`* ${messages.length} EXISTS`);
        say(`* OK [UIDNEXT ${messages.length + 1}] next`);
        say('* OK [MAILBOXID (F1)] id');
        ok('[READ-WRITE] INBOX selected. (Success)');
        return;
      case 'UID':
      case 'FETCH': {
        const [set = ''] = name.toUpperCase() === 'UID' ? rest.slice(1) : rest;
        const [from = 1, to = from] = set.split(':').map((n) => (n === '*' ? messages.length : Number(n)));
        for (let uid = from; uid <= to; uid++) socket.write(fetched(uid, line));
        ok();
        return;
      }
      case 'LOGOUT':
        say('* BYE bye');
        ok();
        socket.end();
        return;
      default:
        ok();
    }
  }

  const server = createServer((socket) => {
    let waiting = '';
    socket.on('error', () => socket.destroy());
    socket.write(`* OK [CAPABILITY ${preLogin}] Gimap ready\r\n`);
    socket.on('data', (bytes) => {
      waiting += bytes.toString('latin1');
      for (let end = waiting.indexOf('\r\n'); end !== -1; end = waiting.indexOf('\r\n')) {
        answer(socket, waiting.slice(0, end));
        waiting = waiting.slice(end + 2);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, lines, stop: () => void server.close() };
}
