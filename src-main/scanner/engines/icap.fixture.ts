// An ICAP server for tests: reads requests strictly (RFC 3507 §4.4, §4.5), and answers as the test says.
import type { Socket } from 'node:net';
import { type FakeServer, fakeServer } from './remote.fixture.ts';

interface IcapRequest {
  readonly method: string;
  readonly head: string;
  /** The encapsulated headers. */
  readonly http: string;
  readonly body: Buffer;
  /** Octets of the body that came as a preview; undefined: there was none, or it was all. */
  readonly previewBytes: number | undefined;
}

export interface IcapScript {
  /** More lines of the answer to OPTIONS. */
  readonly options?: readonly string[];
  /** All of the answer to OPTIONS; undefined: none. */
  readonly optionsAnswer?: () => string | Buffer | undefined;
  /** To a whole request; undefined: none. */
  readonly answer?: (request: IcapRequest, socket: Socket) => string | Buffer | undefined;
  /** To a preview; undefined: `100 Continue`. */
  readonly previewed?: (request: IcapRequest) => string | Buffer | undefined;
}

export interface FakeIcap extends FakeServer {
  readonly requests: readonly IcapRequest[];
}

export const noContent =
  'ICAP/1.0 204 No modifications needed\r\nISTag: "t1"\r\nEncapsulated: null-body=0\r\n\r\n';

/** A response with an HTTP response in it; undefined: without a body. */
export function modified(
  fields: readonly string[],
  httpStatus: string,
  body: Uint8Array | undefined,
  chunkBytes = 1_000,
): Buffer {
  const http = `HTTP/1.1 ${httpStatus}\r\nContent-Type: text/html\r\n\r\n`;
  const kind = body ? 'res-body' : 'null-body';
  const lines = ['ICAP/1.0 200 OK', 'ISTag: "t1"', ...fields];
  const head = `${lines.join('\r\n')}\r\nEncapsulated: res-hdr=0, ${kind}=${http.length}\r\n\r\n${http}`;
  const chunks: Uint8Array[] = [Buffer.from(head, 'latin1')];
  for (let at = 0; body && at < body.length; at += chunkBytes) {
    const piece = body.subarray(at, at + chunkBytes);
    chunks.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat(body ? [...chunks, Buffer.from('0\r\n\r\n')] : chunks);
}

/** Takes chunks from `held`: undefined: it needs more. */
function takeBody(held: Buffer): { body: Buffer; isEnd: boolean; rest: Buffer } | undefined {
  const pieces: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = held.indexOf('\r\n', at);
    if (end === -1) return undefined;
    const line = held.toString('latin1', at, end);
    const size = Number.parseInt(line, 16);
    if (!/^[0-9a-f]+(?:; ieof)?$/.test(line)) throw new Error(`no chunk: ${line}`);
    if (held.length < end + 2 + size + 2) return undefined;
    pieces.push(held.subarray(end + 2, end + 2 + size));
    if (held.toString('latin1', end + 2 + size, end + 4 + size) !== '\r\n')
      throw new Error('no end of chunk');
    at = end + 4 + size;
    if (size === 0)
      return { body: Buffer.concat(pieces), isEnd: line.endsWith('ieof'), rest: held.subarray(at) };
  }
}

function serve(socket: Socket, script: IcapScript, requests: IcapRequest[]): void {
  const { options = [], optionsAnswer, answer = () => noContent, previewed = () => undefined } = script;
  let held: Buffer = Buffer.alloc(0);
  let begun: IcapRequest | undefined;
  const say = (octets: string | Buffer | undefined) => octets !== undefined && socket.write(octets);
  const take = (): boolean => {
    if (begun) {
      const rest = takeBody(held);
      if (!rest) return false;
      const request = { ...begun, body: Buffer.concat([begun.body, rest.body]) };
      held = rest.rest;
      begun = undefined;
      requests.push(request);
      say(answer(request, socket));
      return true;
    }
    const headEnd = held.indexOf('\r\n\r\n');
    if (headEnd === -1) return false;
    const head = held.toString('latin1', 0, headEnd);
    if (head.startsWith('OPTIONS ')) {
      held = held.subarray(headEnd + 4);
      const lines = [
        'ICAP/1.0 200 OK',
        'Methods: RESPMOD',
        'ISTag: "t0"',
        ...options,
        'Encapsulated: null-body=0',
      ];
      say(optionsAnswer ? optionsAnswer() : `${lines.join('\r\n')}\r\n\r\n`);
      return true;
    }
    const bodyAt = Number(
      /\r\nEncapsulated: req-hdr=0, res-hdr=\d+, res-body=(\d+)(?:\r\n|$)/.exec(head)?.[1],
    );
    const preview = /\r\nPreview: (\d+)/.exec(head)?.[1];
    const rest = takeBody(held.subarray(headEnd + 4 + bodyAt));
    if (!rest) return false;
    const isPreview = preview !== undefined && !rest.isEnd;
    if (isPreview && rest.body.length !== Number(preview))
      throw new Error('not the preview that was announced');
    const request: IcapRequest = {
      method: head.slice(0, head.indexOf(' ')),
      head,
      http: held.toString('latin1', headEnd + 4, headEnd + 4 + bodyAt),
      body: rest.body,
      previewBytes: isPreview ? rest.body.length : undefined,
    };
    held = rest.rest;
    const early = isPreview ? previewed(request) : undefined;
    if (isPreview && early === undefined) {
      begun = request;
      say('ICAP/1.0 100 Continue\r\n\r\n');
    } else {
      requests.push(request);
      say(early ?? answer(request, socket));
    }
    return true;
  };
  socket.on('data', (data) => {
    held = Buffer.concat([held, data]);
    while (take()) if (socket.destroyed) return;
  });
}

export async function fakeIcap(script: IcapScript = {}): Promise<FakeIcap> {
  const requests: IcapRequest[] = [];
  const server = await fakeServer((socket) => serve(socket, script, requests));
  return Object.assign(server, { requests });
}
