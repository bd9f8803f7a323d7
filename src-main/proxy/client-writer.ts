// Everything that goes to the client, in one order: octets, messages streamed from their spool, and whatever must
// happen only after both. Waits for the client where it reads slowly.
import { once } from 'node:events';
import type { Duplex } from 'node:stream';

type Job =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'stream'; readonly chunks: () => AsyncIterable<Uint8Array> }
  | { readonly kind: 'after'; readonly run: () => void };

export interface ClientWriterOptions {
  /** Octets wait here, or no longer: the server is read from accordingly. */
  readonly onBacklog: (waiting: boolean) => void;
  /** More octets wait than a client that reads its answers leaves: it is not listened to until it has read some. */
  readonly onFlood: (flooded: boolean) => void;
  /** A stream could not be read: what the client has is half a message, so the connection ends. */
  readonly onFailure: () => void;
}

/** Answers that wait for a client while it goes on asking; those of a server are held back by `onBacklog`. */
const floodBytes = 1024 * 1024;

export class ClientWriter {
  #socket: Duplex;
  #jobs: Job[] = [];
  #queuedBytes = 0;
  #flooded = false;
  #running = false;
  #stopped = false;
  readonly #options: ClientWriterOptions;

  constructor(socket: Duplex, options: ClientWriterOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  /** Octets, in their turn. */
  write(bytes: Uint8Array): void {
    if (this.#stopped) return;
    if (this.#running) this.#queue(bytes);
    else if (!this.#socket.write(bytes)) this.#run({ kind: 'bytes', bytes: new Uint8Array(0) });
  }

  /** The chunks of an iterable, in their turn; it is opened when its turn comes. */
  stream(chunks: () => AsyncIterable<Uint8Array>): void {
    this.#add({ kind: 'stream', chunks });
  }

  /** Runs when all that was given before has been handed to the socket. */
  after(run: () => void): void {
    if (this.#running) this.#jobs.push({ kind: 'after', run });
    else run();
  }

  /** Goes on with another socket (the TLS one in place of the plain one). */
  use(socket: Duplex): void {
    this.#socket = socket;
  }

  /** Forgets all that waits. */
  stop(): void {
    this.#stopped = true;
    this.#jobs = [];
  }

  #queue(bytes: Uint8Array): void {
    this.#jobs.push({ kind: 'bytes', bytes });
    this.#queuedBytes += bytes.length;
    if (!this.#flooded && this.#queuedBytes > floodBytes) this.#flood(true);
  }

  #unqueued(bytes: Uint8Array): void {
    this.#queuedBytes -= bytes.length;
    if (this.#flooded && this.#queuedBytes <= floodBytes / 2) this.#flood(false);
  }

  #flood(flooded: boolean): void {
    this.#flooded = flooded;
    this.#options.onFlood(flooded);
  }

  #add(job: Job): void {
    if (this.#stopped) return;
    if (this.#running) this.#jobs.push(job);
    else this.#run(job);
  }

  #run(first: Job): void {
    this.#running = true;
    this.#jobs.unshift(first);
    this.#options.onBacklog(true);
    this.#drainJobs().then(
      () => {
        this.#running = false;
        this.#options.onBacklog(false);
      },
      () => {
        this.#running = false;
        if (!this.#stopped) this.#options.onFailure();
      },
    );
  }

  async #drainJobs(): Promise<void> {
    for (let job = this.#jobs.shift(); job && !this.#stopped; job = this.#jobs.shift()) {
      if (job.kind === 'after') job.run();
      else if (job.kind === 'bytes') {
        await this.#put(job.bytes);
        this.#unqueued(job.bytes);
      } else {
        for await (const chunk of job.chunks()) await this.#put(chunk);
        await this.#flushed();
      }
    }
  }

  /** Waits until the socket holds nothing any more: what a stream gave may change when its turn is over. */
  async #flushed(): Promise<void> {
    if (this.#stopped || this.#socket.writableLength === 0) return;
    await new Promise((resolve) => this.#socket.write(new Uint8Array(0), resolve));
  }

  async #put(bytes: Uint8Array): Promise<void> {
    if (this.#stopped || this.#socket.destroyed) return;
    if (bytes.length > 0) this.#socket.write(bytes);
    if (!this.#socket.writableNeedDrain) return;
    // The socket may die while it is waited for; then nothing more can be written and nothing is waited for.
    const gone = new AbortController();
    const give = () => gone.abort();
    this.#socket.once('close', give);
    await once(this.#socket, 'drain', { signal: gone.signal }).catch(() => this.stop());
    this.#socket.off('close', give);
  }
}
