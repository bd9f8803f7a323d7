// A client that does everything at random on a mailbox that others work on too, and watches: numbers stay with their
// UIDs, the content of a UID never changes, each tag is answered once, and no virus comes.
import { createHash } from 'node:crypto';
import { imapResponses, Talk, type Target } from '../support/dialogue.ts';
import { readFetch } from '../support/imap-fetch.ts';
import { containsVirus, eicar } from '../support/messages.ts';
import type { Random } from '../support/random.ts';

export interface StressOptions {
  readonly target: Target;
  readonly user: string;
  readonly random: Random;
  /** Whether viruses are expected to be made harmless on the way. */
  readonly scanned: boolean;
  /** What all clients of one run have seen of each UID: the whole message, the same for all. */
  readonly contents: Map<number, string>;
  readonly goesOn: () => boolean;
}

export interface StressResult {
  readonly commands: number;
  readonly errors: readonly string[];
  readonly refused: number;
}

const sumOf = (body: string) => createHash('sha256').update(body, 'latin1').digest('hex');

/** Messages in the mailbox between which it is kept. */
const [fewest, most] = [25, 60];

function newMessage(random: Random): string {
  const id = random.below(1_000_000_000);
  if (random.chance(0.2)) {
    const part = Buffer.from(eicar).toString('base64');
    const type = 'Content-Type: multipart/mixed; boundary=b';
    const parts = [
      'Content-Type: text/plain\r\n\r\nsee it\r\n',
      `Content-Transfer-Encoding: base64\r\n\r\n${part}\r\n`,
    ];
    return `Subject: infected ${id}\r\nMIME-Version: 1.0\r\n${type}\r\n\r\n${parts.map((each) => `--b\r\n${each}`).join('')}--b--\r\n`;
  }
  const lines = Array.from({ length: 1 + random.below(200) }, (_, i) => `line ${i} of message ${id}\r\n`);
  const body = random.chance(0.1) ? lines.join('').repeat(20) : lines.join('');
  return `Subject: clean ${id}\r\nX-Sum: ${sumOf(body)}\r\n\r\n${body}`;
}

/** The part of a whole message that an item of FETCH names; undefined: not one that we follow. */
function expectedPart(whole: string, item: string): string | undefined {
  const [, section, origin] = /^BODY\[([A-Z]*)\](?:<(\d+)>)?$/.exec(item) ?? [];
  if (section === undefined) return undefined;
  const headerEnd = whole.indexOf('\r\n\r\n') + 4;
  const part = { '': whole, TEXT: whole.slice(headerEnd), HEADER: whole.slice(0, headerEnd) }[section];
  return part?.slice(Number(origin ?? 0));
}

export class StressClient {
  readonly #options: StressOptions;
  readonly #errors: string[] = [];
  #talk: Talk | undefined;
  /** UIDs by sequence number, 0 where it is not known. */
  #uids: number[] = [];
  #selected = false;
  #tags = 0;
  #commands = 0;
  #refused = 0;

  constructor(options: StressOptions) {
    this.#options = options;
  }

  async run(): Promise<StressResult> {
    try {
      while (this.#options.goesOn() && this.#errors.length < 5) {
        this.#talk ??= await this.#signIn();
        await this.#turn(this.#talk);
      }
    } catch (error) {
      this.#errors.push(String(error));
    }
    this.#talk?.close();
    return { commands: this.#commands, errors: this.#errors, refused: this.#refused };
  }

  #wrong(what: string, response: string): void {
    this.#errors.push(`${what}: ${JSON.stringify(response.slice(0, 300))}`);
  }

  async #signIn(): Promise<Talk> {
    const talk = await Talk.open(this.#options.target);
    await talk.answer((text) => /^\* OK .*CAPABILITY.*\r\n/m.test(text));
    this.#selected = false;
    await this.#speak(talk, [`LOGIN ${this.#options.user} secret`]);
    return talk;
  }

  async #turn(talk: Talk): Promise<void> {
    const { random } = this.#options;
    if (!this.#selected || random.chance(0.02)) {
      this.#uids = [];
      this.#selected = true;
      await this.#speak(talk, [random.chance(0.9) ? 'SELECT INBOX' : 'EXAMINE INBOX']);
      await this.#speak(talk, ['FETCH 1:* (UID FLAGS)']);
      return;
    }
    if (random.chance(0.02)) {
      await this.#speak(talk, ['LOGOUT']);
      talk.close();
      this.#talk = undefined;
      return;
    }
    if (random.chance(0.05)) {
      await this.#idle(talk);
      return;
    }
    if (this.#uids.length < fewest || (this.#uids.length < most && random.chance(0.1))) {
      const message = newMessage(random);
      await this.#speak(talk, [`APPEND INBOX {${message.length}+}\r\n${message}`]);
      await this.#speak(talk, ['NOOP']);
      return;
    }
    // Numbers hold as long as nothing but FETCH, STORE and SEARCH is under way (RFC 3501 §7.4.1).
    const byNumber = random.chance(0.5);
    const commands = Array.from({ length: 1 + random.below(4) }, () =>
      byNumber ? this.#byNumber() : this.#otherwise(),
    );
    await this.#speak(talk, commands);
  }

  #items(): string {
    const { random } = this.#options;
    const origin = random.below(3000);
    return random.pick([
      'BODY.PEEK[]',
      'BODY[]',
      'BODY.PEEK[TEXT]',
      'BODY.PEEK[HEADER]',
      'BODY.PEEK[HEADER] BODY.PEEK[TEXT]',
      `BODY.PEEK[]<${origin}.${1 + random.below(500)}>`,
      `BODY.PEEK[TEXT]<${origin}.${1 + random.below(5000)}>`,
      'BODY.PEEK[1]',
      'BODY.PEEK[2]',
      'BODY.PEEK[1.MIME]',
      'ENVELOPE BODYSTRUCTURE',
      'FLAGS RFC822.SIZE',
      'BODY.PEEK[HEADER.FIELDS (SUBJECT)]',
    ]);
  }

  #byNumber(): string {
    const { random } = this.#options;
    const n = 1 + random.below(Math.max(1, this.#uids.length));
    const set = random.pick([`${n}`, `${n}`, `${n}`, `${n}:*`, `1,${n}`]);
    return random.chance(0.8)
      ? `FETCH ${random.chance(0.1) ? set : n} (UID ${this.#items()})`
      : random.pick([`STORE ${n} +FLAGS (\\Flagged)`, `STORE ${n} -FLAGS (\\Seen)`, 'SEARCH SUBJECT clean']);
  }

  #otherwise(): string {
    const { random } = this.#options;
    const uid = this.#uids[random.below(this.#uids.length)] || 1;
    return random.pick([
      `UID FETCH ${uid} (UID ${this.#items()})`,
      `UID FETCH ${uid} (UID ${this.#items()})`,
      `UID FETCH ${uid}:${uid + 3} (UID ${this.#items()})`,
      `UID STORE ${uid} +FLAGS (\\Answered)`,
      this.#uids.length > fewest ? `UID STORE ${uid} +FLAGS.SILENT (\\Deleted)` : 'NOOP',
      'EXPUNGE',
      'NOOP',
      'STATUS Other (MESSAGES UIDNEXT)',
      `UID COPY ${uid} Other`,
      'UID SEARCH ALL',
      'UID SORT (SUBJECT) US-ASCII ALL',
    ]);
  }

  async #idle(talk: Talk): Promise<void> {
    const tag = `t${++this.#tags}`;
    this.#commands++;
    talk.send(`${tag} IDLE\r\n`);
    const first = await talk.answer((text) => /^(?:\+|t\d+ ).*\r\n/m.test(text));
    talk.send('DONE\r\n');
    const rest = await talk.answer((text) => new RegExp(`^${tag} .*\\r\\n`, 'm').test(text));
    this.#read(first + rest, [tag]);
  }

  async #speak(talk: Talk, commands: readonly string[]): Promise<void> {
    const tags = commands.map(() => `t${++this.#tags}`);
    this.#commands += commands.length;
    talk.send(commands.map((command, i) => `${tags[i]} ${command}\r\n`).join(''));
    const text = await talk.answer((got) => {
      const responses = imapResponses(got).filter((response) => response.endsWith('\r\n'));
      return tags.every((tag) => responses.some((response) => response.startsWith(`${tag} `)));
    });
    this.#read(text, tags);
    if (talk.over && commands[0] !== 'LOGOUT')
      this.#wrong(`the connection broke at ${commands.join(' | ')}`, text);
  }

  #read(text: string, tags: readonly string[]): void {
    const answered = new Set<string>();
    for (const response of imapResponses(text.replace(/\(end\)$/, ''))) {
      const tagged = /^(t\d+) (OK|NO|BAD)/.exec(response);
      if (!tagged) {
        this.#untagged(response);
        continue;
      }
      const [, tag = '', condition] = tagged;
      if (!tags.includes(tag) || answered.has(tag)) this.#wrong('a tag that is not due', response);
      answered.add(tag);
      if (condition === 'NO') this.#refused++;
      if (condition === 'BAD') this.#wrong('BAD', response);
    }
    if (answered.size < tags.length) this.#wrong('a tag without its answer', text);
    if (this.#options.scanned && containsVirus(Buffer.from(text, 'latin1'))) this.#wrong('a virus', text);
  }

  #untagged(response: string): void {
    const [, number, word] = /^\* (\d+) (EXISTS|EXPUNGE|FETCH)/.exec(response) ?? [];
    const n = Number(number);
    if (word === 'EXISTS') {
      if (n < this.#uids.length) this.#wrong(`fewer than the ${this.#uids.length} there were`, response);
      while (this.#uids.length < n) this.#uids.push(0);
    } else if (word === 'EXPUNGE') {
      if (n > this.#uids.length) this.#wrong(`a number past ${this.#uids.length}`, response);
      this.#uids.splice(n - 1, 1);
    } else if (word === 'FETCH') this.#fetched(response);
  }

  #fetched(response: string): void {
    const fetched = readFetch(response);
    if (!fetched) {
      this.#wrong('a FETCH that can not be read', response);
      return;
    }
    const { number, items } = fetched;
    if (number > this.#uids.length) this.#wrong(`a number past ${this.#uids.length}`, response);
    const said = items.get('UID');
    const known = this.#uids[number - 1];
    if (said !== undefined && known !== undefined && known > 0 && Number(said) !== known)
      this.#wrong(`number ${number} was UID ${known}`, response);
    const uid = said === undefined ? known : Number(said);
    if (uid === undefined || uid === 0) return;
    if (number <= this.#uids.length) this.#uids[number - 1] = uid;
    for (const [item, value] of items) this.#content(uid, item, value, response);
  }

  #content(uid: number, item: string, value: string | undefined, response: string): void {
    // What was expunged by another meanwhile is NIL, or empty.
    if (value === undefined || value === '') return;
    const { contents } = this.#options;
    if (item === 'BODY[]') {
      const before = contents.get(uid);
      if (before !== undefined && before !== value) this.#wrong(`UID ${uid} has changed`, response);
      contents.set(uid, value);
      const [, sum] = /^X-Sum: (\w+)\r\n/m.exec(value) ?? [];
      const body = value.slice(value.indexOf('\r\n\r\n') + 4);
      if (sum !== undefined && sumOf(body) !== sum) this.#wrong(`UID ${uid} is not what was sent`, response);
      return;
    }
    const whole = contents.get(uid);
    const expected = whole === undefined ? undefined : expectedPart(whole, item);
    if (expected === undefined) return;
    const same = item.endsWith('>') ? expected.startsWith(value) : expected === value;
    if (!same) this.#wrong(`${item} of UID ${uid} is no part of it`, response);
  }
}
