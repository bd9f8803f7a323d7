// Octets on their way to a server: in pieces, and no faster than it takes them.
import { createReadStream } from 'node:fs';
import type { Socket } from 'node:net';
import type { RemoteSource } from './remote-engine.ts';

/** Octets read and written at once: larger pieces were not faster. */
const pieceBytes = 64 * 1024;

export function sizeOf(source: RemoteSource): number {
  return source.kind === 'file' ? source.sizeBytes : source.bytes.length;
}

/** The octets [from, to) in pieces. Throws when a file can't be read. They may be fewer than asked for. */
export async function* piecesOf(source: RemoteSource, from: number, to: number): AsyncGenerator<Uint8Array> {
  if (from >= to) return;
  if (source.kind === 'file') {
    yield* createReadStream(source.path, { start: from, end: to - 1, highWaterMark: pieceBytes });
    return;
  }
  for (let at = from; at < to; at += pieceBytes) {
    yield source.bytes.subarray(at, Math.min(to, at + pieceBytes));
  }
}

/** The octets [0, to) at once, or undefined when a file can't be read or has fewer. */
export async function readStart(source: RemoteSource, to: number): Promise<Uint8Array | undefined> {
  if (source.kind === 'bytes') return source.bytes.subarray(0, to);
  const bytes = Buffer.allocUnsafe(to);
  let at = 0;
  try {
    for await (const piece of piecesOf(source, 0, to)) {
      bytes.set(piece, at);
      at += piece.length;
    }
  } catch {
    // A spool that is gone or unreadable: for the caller the same as one that is too short.
    return undefined;
  }
  return at === to ? bytes : undefined;
}

/** Writes `octets` as one packet where that is possible; resolves when there is room for more, or the socket is gone. */
export async function writeAll(socket: Socket, octets: readonly Uint8Array[]): Promise<void> {
  if (socket.destroyed) return;
  socket.cork();
  let hasRoom = true;
  for (const each of octets) hasRoom = socket.write(each);
  socket.uncork();
  if (hasRoom) return;
  await new Promise<void>((resolve) => {
    const go = () => {
      socket.off('drain', go);
      socket.off('close', go);
      resolve();
    };
    socket.on('drain', go);
    socket.on('close', go);
  });
}
