// Speaks one script direct and through, and tells where the two dialogues differ beyond what has to.
import { imapResponses, Talk, type Target } from '../support/dialogue.ts';
import type { Script, Step } from './imap-scripts.ts';

interface Exchange {
  readonly sent: string;
  readonly got: string;
  readonly own: 'refused' | 'hidden' | undefined;
}

/** What differs between two servers with the same mail: clocks, and what is made of them. */
function settled(text: string): string {
  return text
    .replace(/\(\d+\.\d+(?: \+ \d+\.\d+)* secs\)/g, '(SECS)')
    .replace(/"[ \d]\d-\w{3}-\d{4} \d\d:\d\d:\d\d [+-]\d{4}"/g, '"DATE"')
    .replace(/(UIDVALIDITY|APPENDUID|COPYUID) \d+/g, '$1 N')
    .replace(/\bs\d\d[dp]\b/g, 'USER')
    .replace(/^\* CAPABILITY .*\r\n/gm, '')
    .replace(/\[CAPABILITY [^\]]*\]/g, '[CAPABILITY]')
    .replace(/^\* OK Still scanning\r\n/gm, '');
}

const tagged = (tag: string) => (text: string) =>
  imapResponses(text).some((response) => response.startsWith(`${tag} `) && response.endsWith('\r\n'));

class Speaker {
  readonly #target: Target;
  readonly #user: string;
  readonly #exchanges: Exchange[] = [];
  readonly #talks: Talk[] = [];
  #tags = 0;
  #uidValidity = '1';

  constructor(target: Target, user: string) {
    this.#target = target;
    this.#user = user;
  }

  async #open(signedOut: boolean): Promise<Talk> {
    const talk = await Talk.open(this.#target);
    this.#talks.push(talk);
    await talk.answer((text) => /^\* OK .*CAPABILITY.*\r\n/m.test(text));
    if (!signedOut) {
      talk.send(`l LOGIN ${this.#user} secret\r\n`);
      await talk.answer(tagged('l'));
    }
    return talk;
  }

  #filled(text: string): string {
    const plain = Buffer.from(`\0${this.#user}\0secret`).toString('base64');
    return text
      .replaceAll('%USER%', this.#user)
      .replaceAll('%PLAIN%', plain)
      .replaceAll('%UIDVALIDITY%', this.#uidValidity);
  }

  async #command(talk: Talk, command: string, own?: Exchange['own']): Promise<void> {
    const tag = `t${++this.#tags}`;
    talk.send(`${tag} ${this.#filled(command)}\r\n`);
    this.#note(command, await talk.answer(tagged(tag)), own);
  }

  #note(sent: string, got: string, own?: Exchange['own']): void {
    this.#uidValidity = /UIDVALIDITY (\d+)/.exec(got)?.[1] ?? this.#uidValidity;
    this.#exchanges.push({ sent, got: settled(got), own });
  }

  async #step(first: Talk, step: Step): Promise<void> {
    if (typeof step === 'string') await this.#command(first, step);
    else if ('second' in step) {
      const [, second = await this.#open(false)] = this.#talks;
      await this.#command(second, step.second);
    } else if ('refused' in step) await this.#command(first, step.refused, 'refused');
    else if ('hidden' in step) await this.#command(first, step.hidden, 'hidden');
    else if ('pipeline' in step) {
      const from = this.#tags + 1;
      this.#tags += step.pipeline.length;
      first.send(step.pipeline.map((command, i) => `t${from + i} ${command}\r\n`).join(''));
      const wanted = step.pipeline.map((_, i) => tagged(`t${from + i}`));
      const got = await first.answer((text) => wanted.every((isThere) => isThere(text)));
      // Servers work on commands side by side: the order of untagged data among tags is theirs.
      this.#note(step.pipeline.join(' | '), imapResponses(got).toSorted().join(''));
    } else {
      first.send(this.#filled(step.raw));
      this.#note(step.raw, await first.answer((text) => step.until.test(text)));
    }
  }

  async speak({ steps, signedOut = false }: Script): Promise<readonly Exchange[]> {
    try {
      const first = await this.#open(signedOut);
      for (const step of steps) await this.#step(first, step);
      return this.#exchanges;
    } finally {
      for (const talk of this.#talks) talk.close();
    }
  }
}

/** Tag and condition of each tagged answer. */
const conditions = (text: string) => (text.match(/^\S+ (?:OK|NO|BAD)\b/gm) ?? []).join();

function same(direct: Exchange, through: Exchange): boolean {
  if (direct.own === 'hidden') return /^\S+ BAD /m.test(through.got);
  if (direct.own === 'refused') return conditions(direct.got) === conditions(through.got);
  return direct.got === through.got;
}

/** The first place where two texts differ, with what stands around it. */
function difference(direct: string, through: string): string {
  let at = 0;
  while (at < direct.length && direct[at] === through[at]) at++;
  const around = (text: string) => JSON.stringify(text.slice(Math.max(0, at - 60), at + 160));
  return `\n  direct  ${around(direct)}\n  through ${around(through)}`;
}

export interface Comparison {
  readonly direct: Target;
  readonly through: Target;
  readonly users: { readonly direct: string; readonly through: string };
}

/** Where the dialogues differ, one text each. */
export async function compareDialogues(
  { direct, through, users }: Comparison,
  script: Script,
): Promise<string[]> {
  const [a, b] = await Promise.all([
    new Speaker(direct, users.direct).speak(script),
    new Speaker(through, users.through).speak(script),
  ]);
  const differences: string[] = [];
  for (const [i, exchange] of a.entries()) {
    const other = b[i] ?? { sent: exchange.sent, got: '(nothing)', own: exchange.own };
    if (!same(exchange, other)) differences.push(`${exchange.sent}${difference(exchange.got, other.got)}`);
    // What follows the end of one of the two says nothing new.
    if (other.got.endsWith('(end)') !== exchange.got.endsWith('(end)')) break;
  }
  return differences;
}
