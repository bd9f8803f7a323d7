// A clamd for tests: speaks the protocol of clamd(8), and answers as the test says.
import type { Socket } from 'node:net';
import { type FakeServer, fakeServer } from './remote.fixture.ts';

export interface ClamdScript {
  /** To a stream; undefined: none. */
  readonly answer?: (bytes: Buffer, id: number, socket: Socket) => string | undefined;
  /** To a command outside of a session; undefined: none. */
  readonly command?: (word: string, socket: Socket) => string | undefined;
  /** A stream that is announced to be larger is refused as clamd does. */
  readonly maxBytes?: number;
}

export interface FakeClamd extends FakeServer {
  /** Commands in the order in which they came. */
  readonly commands: readonly string[];
  readonly streams: readonly Buffer[];
}

const usual = (word: string) => (word === 'PING' ? 'PONG' : 'ClamAV 1.0/1/today');

/** Reads what one client says, in any pieces. */
class Reader {
  held: Buffer = Buffer.alloc(0);
  chunks: Buffer[] = [];
  isStream = false;
  nextId = 0;
}

function serve(socket: Socket, script: ClamdScript, commands: string[], streams: Buffer[]): void {
  const reader = new Reader();
  const { answer = () => 'stream: OK', command = usual, maxBytes = Number.POSITIVE_INFINITY } = script;
  const say = (text: string | undefined) => text !== undefined && socket.write(`${text}\0`);
  /** False: it needs more. */
  const step = (): boolean => {
    if (reader.isStream) {
      if (reader.held.length < 4) return false;
      const length = reader.held.readUInt32BE(0);
      if (length > maxBytes) {
        say(`${reader.nextId}: INSTREAM size limit exceeded. ERROR`);
        // With unread octets it is a reset.
        socket.pause();
        socket.destroySoon();
        return false;
      }
      if (reader.held.length < 4 + length) return false;
      reader.chunks.push(reader.held.subarray(4, 4 + length));
      reader.held = reader.held.subarray(4 + length);
      if (length > 0) return true;
      reader.isStream = false;
      const bytes = Buffer.concat(reader.chunks.splice(0));
      streams.push(bytes);
      const text = answer(bytes, reader.nextId, socket);
      say(text === undefined ? undefined : `${reader.nextId}: ${text}`);
      return true;
    }
    const end = reader.held.indexOf(0);
    if (end === -1) return false;
    const word = reader.held.toString('latin1', 1, end);
    reader.held = reader.held.subarray(end + 1);
    commands.push(word);
    if (word === 'INSTREAM') {
      reader.isStream = true;
      reader.nextId++;
    } else if (word !== 'IDSESSION') {
      say(command(word, socket));
    }
    return true;
  };
  socket.on('data', (data) => {
    reader.held = Buffer.concat([reader.held, data]);
    while (step()) if (socket.destroyed) return;
  });
}

export async function fakeClamd(script: ClamdScript = {}, port = 0): Promise<FakeClamd> {
  const commands: string[] = [];
  const streams: Buffer[] = [];
  const server = await fakeServer((socket) => serve(socket, script, commands, streams), port);
  return Object.assign(server, { commands, streams });
}
