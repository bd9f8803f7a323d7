// What the mail server of the self-test answers: as much of IMAP (RFC 3501) and POP3 (RFC 1939, 2449, 2595) as a program
// needs that looks at one mailbox. A line in, octets out; knows no socket.
import type { TestMailbox, TestMessage } from './test-mailbox.ts';

interface Answer {
  readonly octets: Buffer;
  /** What comes behind it on the connection. */
  readonly then?: 'start-tls' | 'end';
}

export interface Dialogue {
  readonly greeting: string;
  /** Answers one line, given without its end. */
  answer(line: string): Answer;
}

export interface DialogueOptions {
  readonly mailbox: TestMailbox;
  /** TLS is on: it is neither offered nor begun again. */
  readonly tls: boolean;
}

const text = (lines: string, then?: Answer['then']): Answer => ({
  octets: Buffer.from(lines, 'latin1'),
  ...(then === undefined ? {} : { then }),
});

const messagesOf = ({ clean, infected }: TestMailbox): readonly TestMessage[] => [clean, infected];

const unquoted = (argument: string | undefined) => argument?.replace(/^"(.*)"$/, '$1');

/** Whether a sequence set (RFC 3501 §9) names a number; `*` is the largest in use. */
function isInSet(set: string, number: number, largest: number): boolean {
  return set.split(',').some((range) => {
    const [from = 0, to = from] = range.split(':').map((end) => (end === '*' ? largest : Number(end)));
    return number >= Math.min(from, to) && number <= Math.max(from, to);
  });
}

/** The answer to one FETCH of one message, or undefined where an item is none that is known here. */
function fetched(number: number, { uid, octets }: TestMessage, items: readonly string[]): Buffer | undefined {
  const parts: Buffer[] = [];
  for (const item of items) {
    if (item === 'UID') parts.push(Buffer.from(`UID ${uid}`));
    else if (item === 'FLAGS') parts.push(Buffer.from('FLAGS ()'));
    else if (item === 'RFC822.SIZE') parts.push(Buffer.from(`RFC822.SIZE ${octets.length}`));
    else if (item === 'BODY.PEEK[]' || item === 'BODY[]')
      parts.push(Buffer.concat([Buffer.from(`BODY[] {${octets.length}}\r\n`), octets]));
    else return undefined;
  }
  const spaced = parts.flatMap((part, index) => (index === 0 ? [part] : [Buffer.from(' '), part]));
  return Buffer.concat([Buffer.from(`* ${number} FETCH (`), ...spaced, Buffer.from(')\r\n')]);
}

export function createImapDialogue({ mailbox, tls }: DialogueOptions): Dialogue {
  const messages = messagesOf(mailbox);
  const capabilities = `IMAP4rev1${tls ? '' : ' STARTTLS'}`;
  let state: 'greeted' | 'signed-in' | 'selected' = 'greeted';

  function fetch(tag: string, byUid: boolean, set: string, what: string): Answer {
    const items = what
      .toUpperCase()
      .replace(/^\(|\)$/g, '')
      .split(' ');
    if (byUid && !items.includes('UID')) items.unshift('UID');
    const numberOf = (message: TestMessage, index: number) => (byUid ? message.uid : index + 1);
    const answers = messages.flatMap((message, index) =>
      isInSet(set, numberOf(message, index), messages.length) ? [fetched(index + 1, message, items)] : [],
    );
    const known = answers.filter((answer) => answer !== undefined);
    if (known.length < answers.length) return text(`${tag} BAD unknown item\r\n`);
    return { octets: Buffer.concat([...known, Buffer.from(`${tag} OK done\r\n`)]) };
  }

  function select(tag: string, examine: boolean): Answer {
    state = 'selected';
    return text(
      [
        '* FLAGS (\\Seen)',
        `* ${messages.length} EXISTS`,
        '* 0 RECENT',
        '* OK [UIDVALIDITY 1] UIDs valid',
        `* OK [UIDNEXT ${messages.length + 1}] predicted next UID`,
        `${tag} OK [${examine ? 'READ-ONLY' : 'READ-WRITE'}] done\r\n`,
      ].join('\r\n'),
    );
  }

  return {
    greeting: `* OK [CAPABILITY ${capabilities}] Postern self-test\r\n`,
    answer(line) {
      const [tag = '*', ...words] = line.split(' ');
      const byUid = words[0]?.toUpperCase() === 'UID';
      const [command = '', first, ...rest] = byUid ? words.slice(1) : words;
      switch (command.toUpperCase()) {
        case 'CAPABILITY':
          return text(`* CAPABILITY ${capabilities}\r\n${tag} OK done\r\n`);
        case 'NOOP':
          return text(`${tag} OK done\r\n`);
        case 'LOGOUT':
          return text(`* BYE\r\n${tag} OK done\r\n`, 'end');
        case 'STARTTLS':
          if (tls || state !== 'greeted') break;
          return text(`${tag} OK begin\r\n`, 'start-tls');
        case 'LOGIN':
          if (state !== 'greeted') break;
          if (unquoted(first) !== mailbox.user || unquoted(rest[0]) !== mailbox.password)
            return text(`${tag} NO [AUTHENTICATIONFAILED] no\r\n`);
          state = 'signed-in';
          return text(`${tag} OK done\r\n`);
        case 'SELECT':
        case 'EXAMINE':
          if (state === 'greeted') break;
          return unquoted(first)?.toUpperCase() === 'INBOX'
            ? select(tag, command.toUpperCase() === 'EXAMINE')
            : text(`${tag} NO no such mailbox\r\n`);
        case 'FETCH':
          if (state === 'selected' && first !== undefined) return fetch(tag, byUid, first, rest.join(' '));
          break;
      }
      return text(`${tag} BAD not now, or never\r\n`);
    },
  };
}

/** A multi-line response (RFC 1939 §3). */
const multiline = (octets: Buffer): Answer =>
  text(`+OK\r\n${octets.toString('latin1').replace(/^\./gm, '..')}.\r\n`);

export function createPop3Dialogue({ mailbox, tls }: DialogueOptions): Dialogue {
  const messages = messagesOf(mailbox);
  const total = messages.reduce((sum, { octets }) => sum + octets.length, 0);
  let user: string | undefined;
  let signedIn = false;

  const no = text('-ERR not now, or never\r\n');

  /** A listing of all messages, or of the one that is named. */
  function list(argument: string | undefined, shown: (message: TestMessage) => number | string): Answer {
    const lines = messages.map((message, index) => `${index + 1} ${shown(message)}`);
    if (argument === undefined) return multiline(Buffer.from(lines.map((line) => `${line}\r\n`).join('')));
    const line = lines[Number(argument) - 1];
    return line === undefined ? no : text(`+OK ${line}\r\n`);
  }

  return {
    greeting: '+OK Postern self-test\r\n',
    answer(line) {
      const [command = '', argument] = line.split(' ');
      const verb = command.toUpperCase();
      if (verb === 'QUIT') return text('+OK\r\n', 'end');
      if (verb === 'CAPA')
        return multiline(Buffer.from(['USER', 'UIDL', ...(tls ? [] : ['STLS']), ''].join('\r\n')));
      if (!signedIn) {
        if (verb === 'STLS' && !tls) return text('+OK begin\r\n', 'start-tls');
        if (verb === 'USER') {
          user = argument;
          return text('+OK\r\n');
        }
        if (verb !== 'PASS' || user !== mailbox.user || argument !== mailbox.password) return no;
        signedIn = true;
        return text('+OK\r\n');
      }
      switch (verb) {
        case 'NOOP':
          return text('+OK\r\n');
        case 'STAT':
          return text(`+OK ${messages.length} ${total}\r\n`);
        case 'LIST':
          return list(argument, ({ octets }) => octets.length);
        case 'UIDL':
          return list(argument, ({ uid }) => uid);
        case 'RETR': {
          const message = messages[Number(argument) - 1];
          return message ? multiline(message.octets) : no;
        }
        default:
          return no;
      }
    },
  };
}
