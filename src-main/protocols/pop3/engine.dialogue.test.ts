import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Script } from './script.test-support.ts';

/** What a maildrop's message is made of; `body` begins with a mark that no header has. */
interface Mail {
  readonly header: string;
  readonly body: readonly string[];
}

const linesOf = (lines: readonly string[]) =>
  lines.map((line) => `${line.startsWith('.') ? '.' : ''}${line}\r\n`).join('');

/** A server, command by command; `top` is how it would answer a TOP with lines if it got one. */
class Server {
  /** Numbers of the messages that went out whole, in order. */
  readonly sent: number[] = [];
  readonly #mails: readonly Mail[];
  readonly #deleted = new Set<number>();

  constructor(mails: readonly Mail[]) {
    this.#mails = mails;
  }

  answer(command: string): string {
    const [name = '', first, second] = command.trim().split(' ');
    const number = Number(first);
    const mail = this.#deleted.has(number) ? undefined : this.#mails[number - 1];
    switch (name) {
      case 'RETR':
        if (!mail) return '-ERR no such message\r\n';
        this.sent.push(number);
        return `+OK message ${number}\r\n${mail.header}\r\n${linesOf(mail.body)}.\r\n`;
      case 'TOP':
        if (!mail) return '-ERR no such message\r\n';
        return `+OK\r\n${mail.header}\r\n${linesOf(mail.body.slice(0, Number(second)))}.\r\n`;
      case 'DELE':
        if (!mail) return '-ERR no such message\r\n';
        this.#deleted.add(number);
        return '+OK deleted\r\n';
      case 'RSET':
        this.#deleted.clear();
        return '+OK\r\n';
      case 'LIST':
        return '+OK\r\n1 100\r\n.\r\n';
      case 'STAT':
        return '+OK 3 300\r\n';
      default:
        return '-ERR Command not supported\r\n';
    }
  }
}

const line = fc.oneof(fc.stringMatching(/^[ -~]{0,12}$/), fc.constantFrom('', '.', '..', '.x', 'a\r', ' .'));
const mails = fc.array(
  fc.record({
    header: fc.constantFrom(
      '',
      'Subject: hello\r\n',
      'A: b\r\n..B: c\r\n d\r\n',
      'X-Long: ....\r\nnonsense\r\n',
    ),
    body: fc.array(line, { maxLength: 5 }).map((lines) => ['MARK', ...lines]),
  }),
  { minLength: 2, maxLength: 3 },
);

const number = fc.integer({ min: 1, max: 3 });
const command = fc.oneof(
  { weight: 4, arbitrary: number.map((n) => `RETR ${n}`) },
  { weight: 4, arbitrary: fc.tuple(number, fc.nat(7)).map(([n, k]) => `TOP ${n} ${k}`) },
  { weight: 2, arbitrary: number.map((n) => `DELE ${n}`) },
  { weight: 2, arbitrary: fc.constantFrom('RSET', 'LIST', 'STAT', 'EVIL') },
);

/** What happens next; the number says how many octets, or which message. */
const step = fc.record({
  kind: fc.constantFrom('client', 'server', 'server', 'release', 'keep-alive'),
  size: fc.nat(60),
});

/** Both sides of one connection, and what each has still to say. */
class Dialogue {
  readonly script: Script;
  readonly server: Server;
  got = '';
  readonly released = new Set<number>();
  readonly #free: number[] = [];
  #fromClient: string;
  #fromServer = '';
  #asked = '';

  constructor(mailbox: readonly Mail[], commands: readonly string[], octetMode: boolean) {
    this.script = new Script(octetMode);
    this.server = new Server(mailbox);
    this.#fromClient = commands.map((text) => `${text}\r\n`).join('');
  }

  get over(): boolean {
    return this.#fromClient === '' && this.#fromServer === '' && this.#held().length === 0;
  }

  step(kind: string, size: number): void {
    if (kind === 'client') {
      this.script.client(this.#fromClient.slice(0, size));
      this.#fromClient = this.#fromClient.slice(size);
    } else if (kind === 'server') {
      this.script.server(this.#fromServer.slice(0, size));
      this.#fromServer = this.#fromServer.slice(size);
    } else if (kind === 'keep-alive') this.script.event({ kind });
    else {
      const held = this.#held();
      const message = held[size % Math.max(held.length, 1)];
      if (message !== undefined) {
        this.#free.push(message);
        this.released.add(this.server.sent[message - 1] ?? 0);
        this.script.release(message);
      }
    }
    this.#serve();
    this.got += this.script.clientGot();
  }

  #held(): number[] {
    return this.script.ended().filter((message) => !this.#free.includes(message));
  }

  #serve(): void {
    this.#asked += this.script.serverGot();
    for (let end = this.#asked.indexOf('\n'); end !== -1; end = this.#asked.indexOf('\n')) {
      this.#fromServer += this.server.answer(this.#asked.slice(0, end));
      this.#asked = this.#asked.slice(end + 1);
    }
  }
}

test('a client hears what it would without us, in order, and of no body before its release', () => {
  fc.assert(
    fc.property(
      mails,
      fc.array(command, { minLength: 1, maxLength: 10 }),
      fc.array(step, { maxLength: 80 }),
      fc.boolean(),
      (mailbox, commands, steps, octetMode) => {
        const direct = new Server(mailbox);
        const answers = commands.map((text) => direct.answer(text));
        const due = answers.join('');
        /** Where the body of each answer begins, and of which message it is. */
        const bodies = answers.flatMap((answer, i) => {
          const at = answer.indexOf('MARK');
          const before = answers.slice(0, i).join('').length;
          return at === -1 ? [] : [{ at: before + at, number: Number(commands[i]?.split(' ')[1]) }];
        });
        const dialogue = new Dialogue(mailbox, commands, octetMode);
        const check = () => {
          expect(due.startsWith(dialogue.got)).toBe(true);
          for (const { at, number } of bodies) {
            if (dialogue.got.length > at) expect(dialogue.released).toContain(number);
          }
        };
        for (const { kind, size } of steps) {
          dialogue.step(kind, size);
          check();
        }
        while (!dialogue.over) {
          for (const kind of ['client', 'server', 'keep-alive', 'release']) {
            dialogue.step(kind, 50);
            check();
          }
        }
        expect(dialogue.got).toBe(due);
        expect(dialogue.script.notes.filter((note) => !note.startsWith('begun'))).toEqual([]);
        const asked = commands.filter((text) => /^(?:RETR|TOP)/.test(text)).length;
        expect(dialogue.script.messages.size).toBeLessThanOrEqual(asked);
      },
    ),
    { numRuns: 400 },
  );
});

test('a refused message is an error, or ends the connection when some of it has left; never both', () => {
  const answer = '+OK\r\nSubject: hello\r\nA: b\r\n\r\nMARK\r\n.\r\n';
  fc.assert(
    fc.property(fc.nat(answer.length), fc.nat(9), fc.nat(9), fc.boolean(), (cut, early, late, octetMode) => {
      const s = new Script(octetMode).client('RETR 1\r\nNOOP\r\n').server(answer.slice(0, cut));
      for (let i = 0; i < early; i++) s.event({ kind: 'keep-alive' });
      s.server(answer.slice(cut));
      for (let i = 0; i < late; i++) s.event({ kind: 'keep-alive' });
      s.server('+OK next\r\n').release(1, 'refuse');
      const got = s.clientGot();
      if (got.startsWith('-ERR')) {
        expect(got).toMatch(/^-ERR [^\r]+\r\n\+OK next\r\n$/);
        expect(s.notes).toEqual([]);
      } else {
        expect('+OK\r\nSubject: hello\r\nA: b'.startsWith(got)).toBe(true);
        expect(got).not.toBe('');
        expect(s.notes.at(-1)).toBe('close scan-failed');
      }
    }),
    { numRuns: 300 },
  );
});
