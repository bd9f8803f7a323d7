// What a mail program says in the self-test, in IMAP and in POP3. Each step answers with what went wrong, in technical
// words, or with undefined; a connection that ends rejects.
import type { Conversation } from './mail-conversation.ts';
import type { TestMailbox, TestMessage } from './test-mailbox.ts';

export interface Talk {
  greeting(): Promise<string | undefined>;
  /** Asks for TLS; what comes next on the connection is the handshake. */
  askForTls(): Promise<string | undefined>;
  /** To the point where messages can be asked for. */
  signIn(mailbox: TestMailbox): Promise<string | undefined>;
  /** A message's octets; and its size, as it is told of beside them. */
  fetch(message: TestMessage): Promise<{ readonly octets: Buffer; readonly sizeBytes: number } | string>;
  bye(): void;
}

/** A greeting or an answer that begins otherwise is the failure. */
const beginsWith = (line: string, start: string) => (line.startsWith(start) ? undefined : line);

/** Lines of one answer: no server of the test sends as many. */
const maxLines = 1_000;

export function createImapTalk(conversation: Conversation): Talk {
  let tags = 0;

  /** The lines of a command's answer with the literals in them; the tagged one is the last. */
  async function command(words: string): Promise<{ lines: string[]; literals: Buffer[]; last: string }> {
    const tag = `t${++tags}`;
    const lines: string[] = [];
    const literals: Buffer[] = [];
    conversation.say(`${tag} ${words}`);
    for (let count = 0; count < maxLines; count++) {
      const line = await conversation.line();
      if (line.startsWith(`${tag} `)) return { lines, literals, last: line.slice(tag.length + 1) };
      lines.push(line);
      const [, size] = /\{(\d+)\}$/.exec(line) ?? [];
      if (size !== undefined) literals.push(await conversation.octets(Number(size)));
    }
    throw new Error('an answer without an end');
  }

  const ask = async (words: string) => beginsWith((await command(words)).last, 'OK');

  return {
    greeting: async () => beginsWith(await conversation.line(), '* OK'),
    askForTls: () => ask('STARTTLS'),
    signIn: async ({ user, password }) =>
      (await ask(`LOGIN ${user} ${password}`)) ?? (await ask('SELECT INBOX')),
    async fetch({ uid }) {
      const { lines, literals, last } = await command(`UID FETCH ${uid} (UID RFC822.SIZE BODY.PEEK[])`);
      const [octets] = literals;
      if (!last.startsWith('OK') || !octets) return last;
      const [, size] = /RFC822\.SIZE (\d+)/.exec(lines.join(' ')) ?? [];
      return { octets, sizeBytes: Number(size) };
    },
    bye: () => conversation.say('bye LOGOUT'),
  };
}

export function createPop3Talk(conversation: Conversation): Talk {
  async function command(words: string): Promise<string> {
    conversation.say(words);
    return await conversation.line();
  }

  const ask = async (words: string) => beginsWith(await command(words), '+OK');

  return {
    greeting: async () => beginsWith(await conversation.line(), '+OK'),
    askForTls: () => ask('STLS'),
    signIn: async ({ user, password }) => (await ask(`USER ${user}`)) ?? (await ask(`PASS ${password}`)),
    async fetch({ uid }) {
      const listed = await command(`LIST ${uid}`);
      const answer = await command(`RETR ${uid}`);
      if (!answer.startsWith('+OK')) return answer;
      const lines: string[] = [];
      for (let count = 0; count < maxLines; count++) {
        const line = await conversation.line();
        if (line === '.') {
          const octets = Buffer.from(lines.join(''), 'latin1');
          return { octets, sizeBytes: Number(listed.split(' ')[2]) };
        }
        lines.push(`${line.replace(/^\./, '')}\r\n`);
      }
      throw new Error('an answer without an end');
    },
    bye: () => conversation.say('QUIT'),
  };
}
