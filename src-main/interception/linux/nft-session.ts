// One `nft -i` child that stays open and owns a table: it reads transactions over a pipe. When this process dies, however
// it dies, the child reads the end of that pipe and ends too, and the kernel drops the table with it.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { outcomeOf, transaction } from './nft-script.ts';

/** A transaction of 2,000 ranges takes well under a second; a kernel that needs longer is not answering. */
const answerMs = 5_000;

/** Time for nft to end by itself once its input is closed, before it is killed. */
const endMs = 1_000;

/** An answer is some ten lines; more is not an answer. */
const maxOutputBytes = 64 * 1024;

type TransactionResult = { readonly ok: true } | { readonly ok: false; readonly detail: string };

export interface NftSession {
  /** Runs the commands as one atomic transaction. One at a time. */
  run(commands: readonly string[]): Promise<TransactionResult>;
  /** Ends nft, and so the table. May be called twice. */
  close(): Promise<void>;
}

export interface NftSessionOptions {
  readonly nftPath: string;
  readonly uid: number;
  /** nft has ended without `close`. `detail` is the first line of what it said last, or how it ended. */
  readonly onLost: (detail: string) => void;
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0] ?? '';
}

class Session implements NftSession {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #uid: number;
  #output = '';
  #errors = '';
  #token = 0;
  #ended: string | undefined;
  #closing = false;
  #settle: ((result: TransactionResult) => void) | undefined;

  constructor({ nftPath, uid, onLost }: NftSessionOptions) {
    this.#uid = uid;
    // An own process group: Ctrl+C at a terminal must not end the redirect before the connections have drained.
    // No home: nft keeps a history of its commands there.
    this.#child = spawn(nftPath, ['-i'], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: { HOME: '/dev/null', LC_ALL: 'C' },
    });
    const { stdin, stdout, stderr } = this.#child;
    stdout.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    stderr.setEncoding('utf8').on('data', (text: string) => {
      if (this.#errors.length < maxOutputBytes) this.#errors += text;
    });
    // A pipe that breaks is the end of nft, which reports itself.
    stdin.on('error', () => this.#child.kill('SIGKILL'));
    const lost = (how: string) => {
      if (this.#ended !== undefined) return;
      this.#ended = firstLine(this.#errors) || how;
      this.#finish({ ok: false, detail: this.#ended });
      if (!this.#closing) onLost(this.#ended);
    };
    this.#child.once('error', (error) => lost(error.message));
    this.#child.once('close', (code, signal) => lost(`nft ended with ${signal ?? code}`));
  }

  async run(commands: readonly string[]): Promise<TransactionResult> {
    if (this.#ended !== undefined) return { ok: false, detail: this.#ended };
    if (this.#settle) throw new Error('a transaction is running');
    this.#token = randomInt(2 ** 32);
    this.#output = '';
    this.#errors = '';
    const { promise, resolve } = Promise.withResolvers<TransactionResult>();
    this.#settle = resolve;
    const timer = setTimeout(() => {
      this.#errors = 'nft did not answer';
      this.#child.kill('SIGKILL');
    }, answerMs);
    this.#child.stdin.write(transaction(this.#uid, commands, this.#token));
    const result = await promise;
    clearTimeout(timer);
    return result;
  }

  async close(): Promise<void> {
    this.#closing = true;
    if (this.#ended !== undefined) return;
    const closed = once(this.#child, 'close');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), endMs);
    this.#child.stdin.end();
    await closed;
    clearTimeout(timer);
  }

  #read(text: string): void {
    if (!this.#settle) return;
    this.#output += text;
    const outcome = outcomeOf(this.#output, this.#token);
    if (outcome === 'need-more' && this.#output.length <= maxOutputBytes) return;
    // What it said about the failure was written before, to another pipe: it is read in this turn of the event loop.
    setImmediate(() => {
      if (outcome === 'done') this.#finish({ ok: true });
      else this.#finish({ ok: false, detail: firstLine(this.#errors) || 'nft gave no reason' });
    });
  }

  #finish(result: TransactionResult): void {
    this.#settle?.(result);
    this.#settle = undefined;
  }
}

/** Starts nft. That it can't be started is told by the first transaction. */
export function openNftSession(options: NftSessionOptions): NftSession {
  return new Session(options);
}
