// One connection to an ICAP server: a request, its response, and the next one.
import { createHash, hash } from 'node:crypto';
import type { Socket } from 'node:net';
import { answerOf, versionOf } from './icap-answer.ts';
import { IcapReader, type IcapResponse } from './icap-response.ts';
import type { RemoteSource } from './remote-engine.ts';
import { dial, type Endpoint, type Reply, type Session } from './remote-server.ts';
import { piecesOf, sizeOf, writeAll } from './remote-source.ts';

/** Where a service is. */
export interface IcapService {
  readonly endpoint: Endpoint;
  /** As in the URL: with brackets, and with a port where it names one. */
  readonly authority: string;
  /** The path without its first slash. */
  readonly name: string;
}

/** What takes part in one request. */
interface Exchange {
  readonly reader: IcapReader;
  /** `lost`: the connection ended; `bad`: what came is no response. */
  readonly settle: (end: 'done' | 'lost' | 'bad') => void;
}

const httpRequest = 'GET http://mail.invalid/message HTTP/1.1\r\nHost: mail.invalid\r\n\r\n';
const lineEnd = Buffer.from('\r\n', 'latin1');
const lastChunk = Buffer.from('0\r\n\r\n', 'latin1');
/** The preview was all there is (RFC 3507 §4.5). */
const lastChunkOfAll = Buffer.from('0; ieof\r\n\r\n', 'latin1');

function chunkOf(bytes: Uint8Array): Uint8Array[] {
  return [Buffer.from(`${bytes.length.toString(16)}\r\n`, 'latin1'), bytes, lineEnd];
}

/** The first lines of a request. */
function requestOf(method: string, { authority, name }: IcapService, fields: readonly string[]): string {
  const lines = [`${method} icap://${authority}/${name} ICAP/1.0`, `Host: ${authority}`, ...fields];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function scanRequest(service: IcapService, sizeBytes: number, previewBytes: number | undefined): Buffer {
  const httpResponse = `HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ${sizeBytes}\r\n\r\n`;
  const bodyAt = httpRequest.length + httpResponse.length;
  const preview = previewBytes === undefined ? [] : [`Preview: ${previewBytes}`];
  const request = requestOf('RESPMOD', service, [
    'Allow: 204',
    ...preview,
    `Encapsulated: req-hdr=0, res-hdr=${httpRequest.length}, res-body=${bodyAt}`,
  ]);
  return Buffer.from(`${request}${httpRequest}${httpResponse}`, 'latin1');
}

async function sha256Of(source: RemoteSource, sizeBytes: number): Promise<string> {
  if (source.kind === 'bytes') return hash('sha256', source.bytes);
  const sum = createHash('sha256');
  for await (const piece of piecesOf(source, 0, sizeBytes)) sum.update(piece);
  return sum.digest('hex');
}

interface SessionOptions {
  readonly service: IcapService;
  /** Octets that the server wants to see before the rest; undefined: it wants no preview. */
  readonly previewBytes: number | undefined;
  readonly onVersion: (version: string) => void;
  readonly onEnd: () => void;
}

export class IcapSession implements Session {
  readonly #options: SessionOptions;
  readonly #socket: Socket;
  #exchange: Exchange | undefined;
  #hasEnded = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#socket = dial(options.service.endpoint);
    this.#socket.on('data', (data: Buffer) => this.#hear(data));
    this.#socket.on('error', () => this.close());
    this.#socket.on('close', () => this.close());
  }

  close(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#socket.destroy();
    this.#options.onEnd();
    this.#exchange?.settle('lost');
  }

  /** What the service says of itself; `lost` and `bad` as in a scan. */
  async options(): Promise<IcapResponse | 'lost' | 'bad'> {
    const { reader, end } = this.#begin(() => undefined);
    void writeAll(this.#socket, [Buffer.from(requestOf('OPTIONS', this.#options.service, []), 'latin1')]);
    const ended = await end;
    return ended === 'done' ? reader.response : ended;
  }

  async ask(source: RemoteSource, signal: AbortSignal): Promise<Reply> {
    const close = () => this.close();
    signal.addEventListener('abort', close, { once: true });
    try {
      return await this.#scan(source, sizeOf(source));
    } catch {
      // The source can't be read, or not all of it.
      close();
      return { kind: 'failed', detail: 'source' };
    } finally {
      signal.removeEventListener('abort', close);
    }
  }

  async #scan(source: RemoteSource, sizeBytes: number): Promise<Reply> {
    const sum = createHash('sha256');
    let bodyBytes = 0;
    const { reader, end, rest } = this.#begin((bytes) => {
      bodyBytes += bytes.length;
      sum.update(bytes);
      // Longer than what it was sent: it is something else, whatever follows.
      if (bodyBytes > sizeBytes) this.#exchange?.settle('done');
    });
    let isOver = false;
    const ending = end.then((how) => {
      isOver = true;
      return how;
    });
    const isWhole = await this.#send(source, sizeBytes, rest, () => isOver);
    const ended = await ending;
    if (ended === 'lost') return { kind: 'lost' };
    const { response } = reader;
    const isReusable = ended === 'done' && isWhole && bodyBytes <= sizeBytes && !reader.hasRest;
    if (!isReusable || !this.#keepsOpen(response)) this.close();
    if (ended === 'bad') return { kind: 'failed', detail: 'answer' };
    const version = versionOf(response);
    if (version !== undefined) this.#options.onVersion(version);
    const isSame = async () =>
      bodyBytes === sizeBytes && sum.digest('hex') === (await sha256Of(source, sizeBytes));
    return await answerOf({ response, isWhole, isSame });
  }

  #keepsOpen({ status, fields }: IcapResponse): boolean {
    return (status === 200 || status === 204) && fields.get('connection')?.toLowerCase() !== 'close';
  }

  #begin(onBody: (bytes: Buffer) => void): {
    readonly reader: IcapReader;
    readonly end: Promise<'done' | 'lost' | 'bad'>;
    /** Whether the server wants more than the preview; false also when it will not come to that. */
    readonly rest: Promise<boolean>;
  } {
    const end = Promise.withResolvers<'done' | 'lost' | 'bad'>();
    const rest = Promise.withResolvers<boolean>();
    const reader = new IcapReader({ onContinue: () => rest.resolve(true), onBody });
    this.#exchange = {
      reader,
      settle: (how) => {
        this.#exchange = undefined;
        rest.resolve(false);
        end.resolve(how);
      },
    };
    if (this.#hasEnded) this.#exchange.settle('lost');
    return { reader, end: end.promise, rest: rest.promise };
  }

  #hear(data: Buffer): void {
    const read = this.#exchange?.reader.push(data);
    // What nobody asked for is no answer to what comes next.
    if (read === undefined) this.close();
    else if (read !== 'more') this.#exchange?.settle(read);
  }

  /** Whether all of it went out. */
  async #send(
    source: RemoteSource,
    sizeBytes: number,
    rest: Promise<boolean>,
    isOver: () => boolean,
  ): Promise<boolean> {
    const { service, previewBytes: wanted } = this.#options;
    const previewBytes = wanted === undefined ? undefined : Math.min(wanted, sizeBytes);
    let pending: Uint8Array[] = [scanRequest(service, sizeBytes, previewBytes)];
    let sentBytes = 0;
    const take = async (to: number) => {
      for await (const piece of piecesOf(source, sentBytes, to)) {
        sentBytes += piece.length;
        pending.push(...chunkOf(piece));
        if (sentBytes === to) return;
        await writeAll(this.#socket, pending);
        pending = [];
        if (isOver()) return;
      }
      throw new Error('a file is shorter than it was said to be');
    };
    if (previewBytes !== undefined) {
      if (previewBytes > 0) await take(previewBytes);
      const isAll = sentBytes === sizeBytes;
      await writeAll(this.#socket, [...pending, isAll ? lastChunkOfAll : lastChunk]);
      if (isAll) return true;
      if (!(await rest)) return false;
      pending = [];
    }
    await take(sizeBytes);
    if (sentBytes < sizeBytes) return false;
    await writeAll(this.#socket, [...pending, lastChunk]);
    return true;
  }
}
