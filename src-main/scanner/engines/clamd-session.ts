// One IDSESSION with clamd (clamd(8)): numbered commands out, answers in any order back.
import type { Socket } from 'node:net';
import type { RemoteAnswer, RemoteSource } from './remote-engine.ts';
import { dial, type Endpoint, type Reply, type Session } from './remote-server.ts';
import { piecesOf, readStart, sizeOf, writeAll } from './remote-source.ts';
import { answerFor, detailOf } from './threat-name.ts';

/** Octets of one answer: a name and a few words. */
const maxAnswerBytes = 4_096;

/** Items up to this go out at once, with others on their way; larger ones are streamed. */
export const sharedBytes = 1024 * 1024;

/** A refusal comes within a millisecond or two, when it comes. */
const refusalMs = 1_000;

const openSession = Buffer.from('zIDSESSION\0', 'latin1');
const inStream = Buffer.from('zINSTREAM\0', 'latin1');
const endOfStream = Buffer.alloc(4);

/** Before a chunk (clamd(8), INSTREAM). */
function lengthOf(bytes: number): Buffer {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(bytes);
  return length;
}

/** What clamd says of one stream; undefined for what it never says. */
export function readAnswer(text: string): Reply | undefined {
  if (text === 'stream: OK') return { kind: 'clean' };
  const found = /^stream: (.+) FOUND$/s.exec(text)?.[1];
  if (found !== undefined) return answerFor(found);
  if (text === 'INSTREAM size limit exceeded. ERROR') return { kind: 'too-large' };
  return text.endsWith(' ERROR') ? failed(detailOf(text.slice(0, -6))) : undefined;
}

function failed(detail: string | undefined): RemoteAnswer {
  return detail === undefined ? { kind: 'failed' } : { kind: 'failed', detail };
}

/**
 * Splits what a server sends at its NULs.
 * @param onText may end the reading by false, as an answer that is too long does
 */
export function readTexts(socket: Socket, onText: (text: string) => boolean, onTooLong: () => void): void {
  let held: Buffer = Buffer.alloc(0);
  socket.on('data', (data: Buffer) => {
    held = held.length === 0 ? data : Buffer.concat([held, data]);
    for (let end = held.indexOf(0); end !== -1; end = held.indexOf(0)) {
      const text = held.toString('latin1', 0, end);
      held = held.subarray(end + 1);
      if (!onText(text)) return;
    }
    if (held.length > maxAnswerBytes) onTooLong();
  });
}

interface SessionOptions {
  readonly endpoint: Endpoint;
  readonly after: (delayMs: number, callback: () => void) => () => void;
  readonly onEnd: () => void;
}

export class ClamdSession implements Session {
  readonly #socket: Socket;
  readonly #after: SessionOptions['after'];
  readonly #onEnd: () => void;
  readonly #due = new Map<number, (reply: Reply) => void>();
  #isOpening = true;
  #hasEnded = false;
  #nextId = 1;

  constructor({ endpoint, after, onEnd }: SessionOptions) {
    this.#after = after;
    this.#onEnd = onEnd;
    this.#socket = dial(endpoint);
    readTexts(
      this.#socket,
      (text) => this.#hear(text),
      () => this.close(),
    );
    this.#socket.on('error', () => this.close());
    this.#socket.on('close', () => this.close());
  }

  async ask(source: RemoteSource, signal: AbortSignal, isRetry: boolean): Promise<Reply> {
    const sizeBytes = sizeOf(source);
    if (sizeBytes > sharedBytes) return await this.#stream(source, sizeBytes, signal, isRetry);
    const bytes = await readStart(source, sizeBytes);
    if (!bytes) return { kind: 'failed', detail: 'source' };
    if (signal.aborted || this.#hasEnded) return { kind: 'lost' };
    const reply = this.#expect();
    void writeAll(this.#socket, [...this.#command(sizeBytes), bytes, endOfStream]);
    return await reply;
  }

  close(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#socket.destroy();
    this.#onEnd();
    for (const settle of this.#due.values()) settle({ kind: 'lost' });
    this.#due.clear();
  }

  /** What begins a stream of one chunk: clamd refuses it before it has come. */
  #command(sizeBytes: number): Uint8Array[] {
    const opening = this.#isOpening ? [openSession] : [];
    this.#isOpening = false;
    return [...opening, inStream, lengthOf(sizeBytes)];
  }

  #expect(): Promise<Reply> {
    const id = this.#nextId++;
    return new Promise((resolve) => this.#due.set(id, resolve));
  }

  /** Alone on its connection. */
  async #stream(
    source: RemoteSource,
    sizeBytes: number,
    signal: AbortSignal,
    isRetry: boolean,
  ): Promise<Reply> {
    const socket = this.#socket;
    const close = () => this.close();
    signal.addEventListener('abort', close, { once: true });
    const reply = this.#expect();
    let isAnswered = false;
    void reply.then(() => {
      isAnswered = true;
    });
    try {
      await writeAll(socket, this.#command(sizeBytes));
      // Who writes on while clamd refuses and closes gets a broken pipe in the place of its answer.
      if (isRetry) await this.#pause(reply);
      let sentBytes = 0;
      for await (const piece of piecesOf(source, 0, sizeBytes)) {
        if (isAnswered) break;
        await writeAll(socket, [piece]);
        sentBytes += piece.length;
      }
      if (!isAnswered && sentBytes < sizeBytes) throw new Error('a file is shorter than it was said to be');
      if (!isAnswered) await writeAll(socket, [endOfStream]);
      return await reply;
    } catch {
      // The source can't be read, or not all of it.
      close();
      return { kind: 'failed', detail: 'source' };
    } finally {
      signal.removeEventListener('abort', close);
    }
  }

  async #pause(reply: Promise<Reply>): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#after(refusalMs, resolve);
      void reply.then(() => {
        cancel();
        resolve();
      });
    });
  }

  /** False: it is no answer, and nothing that follows can be trusted. */
  #hear(text: string): boolean {
    const [, number = '', answer = ''] = /^(\d{1,9}): (.*)$/s.exec(text) ?? [];
    const id = Number(number);
    const settle = this.#due.get(id);
    const reply = readAnswer(answer);
    if (settle) {
      this.#due.delete(id);
      settle(reply ?? { kind: 'failed', detail: 'answer' });
    }
    if (settle && reply) return true;
    this.close();
    return false;
  }
}
