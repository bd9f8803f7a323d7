// Reading the first words of a connection without switching its sockets to flowing mode: what is not read stays in
// them for whoever takes over (a TLS layer, a relay, a session).
import type { Socket } from 'node:net';

export interface Chunk<Name extends string> {
  readonly from: Name;
  /** Undefined: this side has ended or is gone. */
  readonly bytes: Buffer | undefined;
}

/** Waits for the next octets, or the end, of any of the sockets. Nothing is read from the others. */
export function nextChunk<Name extends string>(
  sockets: Readonly<Record<Name, Socket>>,
): Promise<Chunk<Name>> {
  return new Promise((resolve) => {
    const cleanups: (() => void)[] = [];
    let settled = false;
    const settle = (from: Name, bytes: Buffer | undefined) => {
      settled = true;
      for (const cleanup of cleanups) cleanup();
      resolve({ from, bytes });
    };
    for (const name of Object.keys(sockets) as Name[]) {
      if (settled) break;
      const socket = sockets[name];
      const onReadable = () => {
        const bytes: Buffer | null = settled ? null : socket.read();
        if (bytes !== null) settle(name, bytes);
      };
      const onGone = () => {
        if (!settled) settle(name, undefined);
      };
      cleanups.push(() => socket.off('readable', onReadable).off('end', onGone).off('close', onGone));
      if (socket.readableEnded || socket.destroyed) onGone();
      else if (socket.readableLength > 0) onReadable();
      else socket.on('readable', onReadable).on('end', onGone).on('close', onGone);
    }
  });
}
