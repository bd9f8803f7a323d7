// A written dialogue with a mail server, spoken octet for octet: what is sent, when the answer is whole, and what it was.
import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export interface Target {
  readonly port: number;
  /** PEM of the authority that is trusted; without it the connection is in the clear. */
  readonly ca?: Buffer;
}

/** Time in which a server on this machine has answered anything. */
const answerMs = 20_000;

/** One connection, of which everything that comes is kept. */
export class Talk {
  readonly #socket: Socket;
  #got = '';
  #taken = 0;
  #wake: () => void = () => undefined;
  #over = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#got += bytes.toString('latin1');
      this.#wake();
    });
    const over = () => {
      this.#over = true;
      this.#wake();
    };
    socket.on('end', over).on('close', over).on('error', over);
  }

  static async open({ port, ca }: Target): Promise<Talk> {
    const socket = ca
      ? connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca })
      : connectPlain({ port, host: '127.0.0.1' });
    await once(socket, ca ? 'secureConnect' : 'connect');
    socket.setNoDelay(true);
    return new Talk(socket);
  }

  /** Everything since the first octet. */
  get received(): string {
    return this.#got;
  }

  /** Whether the other side has ended the connection. */
  get over(): boolean {
    return this.#over;
  }

  send(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  /** What has come since it was asked for last, as soon as `whole` says that it is enough, or the connection ends. */
  async answer(whole: (text: string) => boolean): Promise<string> {
    const deadline = Date.now() + answerMs;
    while (!this.#over && !whole(this.#got.slice(this.#taken))) {
      const left = deadline - Date.now();
      if (left <= 0) {
        throw new Error(
          `no whole answer in ${answerMs} ms: ${JSON.stringify(this.#got.slice(this.#taken).slice(-500))}`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const text = this.#got.slice(this.#taken);
    this.#taken = this.#got.length;
    return this.#over ? `${text}(end)` : text;
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** A text (latin1) of IMAP as responses, literals in their places. What follows the last whole one is one too. */
export function imapResponses(text: string): string[] {
  const responses: string[] = [];
  let from = 0;
  let at = 0;
  while (at < text.length) {
    const end = text.indexOf('\r\n', at);
    if (end === -1) break;
    const mark = /\{(\d+)\}$/.exec(text.slice(Math.max(at, end - 30), end));
    at = end + 2;
    const isStatus = /^(?:\*|\+|[^\s*+]+) ?(?:OK|NO|BAD|BYE|PREAUTH)?/i.exec(text.slice(from, from + 80));
    if (mark && !/^\S+ (?:OK|NO|BAD|BYE|PREAUTH)\b/i.test(isStatus?.[0] ?? '')) {
      at += Number(mark[1]);
      continue;
    }
    responses.push(text.slice(from, at));
    from = at;
  }
  return from < text.length ? [...responses, text.slice(from)] : responses;
}
