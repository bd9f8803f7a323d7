// One leg that is compressed in both directions (RFC 4978): a stream of plain octets over the one that carries them
// deflated. What is written together leaves as one block that the peer can read at once.
import { Duplex } from 'node:stream';
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib';

type Done = (error?: Error | null) => void;

/** Octets that are inflated at once before the reader has to ask for more. */
const chunkBytes = 64 * 1024;

/** What we send is commands, or octets for a program on this machine: little memory and time for each leg come first. */
const deflateOptions = { level: 1, windowBits: 12, memLevel: 5 };

class CompressedLeg extends Duplex {
  readonly #carrier: Duplex;
  // A peer ends without the last block of a stream.
  readonly #inflate = createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH, chunkSize: chunkBytes });
  readonly #deflate = createDeflateRaw(deflateOptions);

  constructor(carrier: Duplex, rest: Uint8Array) {
    super({ allowHalfOpen: true });
    this.#carrier = carrier;
    this.#inflate.on('data', (bytes: Buffer) => {
      if (!this.push(bytes)) this.#inflate.pause();
    });
    this.#inflate.on('end', () => this.push(null));
    this.#inflate.on('drain', () => carrier.resume());
    this.#deflate.on('data', (bytes: Buffer) => carrier.write(bytes));
    for (const stream of [this.#inflate, this.#deflate, carrier])
      stream.on('error', (error) => this.destroy(error));
    carrier.on('data', (bytes: Buffer) => {
      if (!this.#inflate.write(bytes)) carrier.pause();
    });
    carrier.on('end', () => this.#inflate.end());
    carrier.on('close', () => {
      // After a clean end the last octets may still be inflated.
      if (!carrier.readableEnded || !carrier.writableFinished) this.destroy();
    });
    if (rest.length > 0) this.#inflate.write(rest);
    if (carrier.readableEnded) this.#inflate.end();
    carrier.resume();
  }

  override _read(): void {
    this.#inflate.resume();
  }

  override _write(bytes: Uint8Array, _encoding: string, done: Done): void {
    this.#deflate.write(bytes);
    this.#flush(done);
  }

  override _writev(chunks: { readonly chunk: Uint8Array }[], done: Done): void {
    for (const { chunk } of chunks) this.#deflate.write(chunk);
    this.#flush(done);
  }

  override _final(done: Done): void {
    this.#deflate.once('end', () => this.#carrier.end(() => done()));
    this.#deflate.end();
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#inflate.destroy();
    this.#deflate.destroy();
    this.#carrier.destroy();
    done(error);
  }

  #flush(done: Done): void {
    this.#deflate.flush(constants.Z_SYNC_FLUSH, () => {
      if (this.#carrier.writableNeedDrain) this.#carrier.once('drain', () => done());
      else done();
    });
  }
}

/**
 * Takes over `carrier`, which nobody else may read from or write to any more. `rest`: octets that were read from it
 * already. A peer whose octets can't be inflated is as one that vanished: the leg is destroyed with the error.
 */
export function compressedLeg(carrier: Duplex, rest: Uint8Array): Duplex {
  return new CompressedLeg(carrier, rest);
}
