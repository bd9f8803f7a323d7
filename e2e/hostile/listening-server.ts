// A server that only listens: it takes what reaches it apart into commands, as one of several kinds of server would, and
// keeps them. What it keeps is what an engine in front of it let through.

/** Ways in which servers differ in taking octets apart. */
export interface Reading {
  readonly name: string;
  /** A bare CR ends a line too. */
  readonly bareCr: boolean;
  /** `{n+}` is no literal: what follows is the next command (RFC 3501 without RFC 7888). */
  readonly noLiteralPlus: boolean;
  /** A literal may be announced inside an open quote; else the line ends with the quote. */
  readonly literalInQuotes: boolean;
}

export const readings: readonly Reading[] = [
  { name: 'by the book', bareCr: false, noLiteralPlus: false, literalInQuotes: false },
  { name: 'blind for quotes', bareCr: false, noLiteralPlus: false, literalInQuotes: true },
  { name: 'bare CR ends lines', bareCr: true, noLiteralPlus: false, literalInQuotes: false },
  { name: 'without LITERAL+', bareCr: false, noLiteralPlus: true, literalInQuotes: false },
];

function quoteOpen(text: string): boolean {
  let open = false;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"') open = !open;
    else if (text[at] === '\\' && open) at++;
  }
  return open;
}

export class ListeningServer {
  /** Commands as they were read, without what was in literals. */
  readonly commands: string[] = [];
  readonly #reading: Reading;
  readonly #accepts: () => boolean;
  #buffer = '';
  #command = '';
  #literal = 0;
  #awaitsAuthentication: string | undefined;
  #idle: string | undefined;

  /** `accepts`: whether a synchronising literal, or an exchange, is asked for or refused. */
  constructor(reading: Reading, accepts: () => boolean) {
    this.#reading = reading;
    this.#accepts = accepts;
  }

  /** Takes octets (latin1); returns what the server says to them. */
  hear(text: string): string {
    this.#buffer += text;
    let said = '';
    for (;;) {
      if (this.#literal > 0) {
        const taken = this.#buffer.slice(0, this.#literal);
        if (taken === '') return said;
        this.#buffer = this.#buffer.slice(taken.length);
        this.#literal -= taken.length;
        continue;
      }
      const end = this.#reading.bareCr ? /\r\n|\r(?!$)|\n/ : /\r?\n/;
      const found = end.exec(this.#buffer);
      if (!found) return said;
      const line = this.#buffer.slice(0, found.index);
      this.#buffer = this.#buffer.slice(found.index + found[0].length);
      said += this.#line(line);
    }
  }

  #line(line: string): string {
    if (this.#awaitsAuthentication !== undefined) {
      const tag = this.#awaitsAuthentication;
      this.#awaitsAuthentication = undefined;
      return `${tag} NO failed\r\n`;
    }
    if (this.#idle !== undefined) {
      const tag = this.#idle;
      this.#idle = undefined;
      return `${tag} ${line.toUpperCase() === 'DONE' ? 'OK' : 'BAD'} idle is over\r\n`;
    }
    const mark = /~?\{(\d{1,10})(\+?)\}$/.exec(line);
    const before = line.slice(0, mark?.index ?? line.length);
    const isLiteral = mark && (this.#reading.literalInQuotes || !quoteOpen(before));
    if (isLiteral && !(mark[2] === '+' && this.#reading.noLiteralPlus)) {
      if (mark[2] !== '+' && !this.#accepts()) return this.#answer(line, 'NO');
      this.#literal = Number(mark[1]);
      this.#command += `${before}<>`;
      return mark[2] === '+' ? '' : '+ go on\r\n';
    }
    return this.#answer(line, isLiteral || quoteOpen(line) ? 'BAD' : 'OK');
  }

  #answer(line: string, condition: 'OK' | 'NO' | 'BAD'): string {
    const whole = this.#command + line;
    this.#command = '';
    const [tag = '', name = ''] = whole.split(' ');
    // What a server rejects it does not do.
    if (condition === 'OK') this.commands.push(whole);
    if (!/^[^\s(){%*"\\+]+$/.test(tag) || name === '') return '* BAD what\r\n';
    if (condition === 'OK' && /^AUTHENTICATE$/i.test(name) && this.#accepts()) {
      this.#awaitsAuthentication = tag;
      return '+ \r\n';
    }
    if (condition === 'OK' && /^IDLE$/i.test(name)) {
      this.#idle = tag;
      return '+ idling\r\n';
    }
    return `${tag} ${/^COMPRESS$/i.test(name) ? 'NO' : condition} done\r\n`;
  }
}
