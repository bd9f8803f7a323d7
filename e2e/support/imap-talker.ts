// An IMAP client that says what a test wants it to say, over TLS, and that can compress the connection itself.
import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib';

export interface ImapTalker {
  /** Sends a command with a tag of its own, and gives all up to its tagged answer, octet for octet. */
  command(line: string): Promise<Buffer>;
  /** Once COMPRESS DEFLATE was agreed to: both directions from here on (RFC 4978). */
  compress(): void;
  /** Octets that came since `compress`, as they were on the wire. */
  compressedBytes(): number;
  close(): void;
}

export async function openImapTalker(port: number, caPath: string): Promise<ImapTalker> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: readFileSync(caPath) });
  let writer: Duplex = socket;
  let heard = Buffer.alloc(0);
  let compressedBytes = 0;
  let failure: Error | undefined;
  let wake: (() => void) | undefined;
  const settle = () => {
    wake?.();
    wake = undefined;
  };
  const onHeard = (bytes: Buffer) => {
    heard = Buffer.concat([heard, bytes]);
    settle();
  };
  const onFailure = (error: Error) => {
    failure ??= error;
    settle();
  };
  socket.on('data', onHeard);
  socket.on('error', onFailure);
  socket.on('close', () => onFailure(new Error(`closed after: ${heard.toString('latin1').slice(-500)}`)));

  const lineAt = (start: string): number => {
    if (heard.subarray(0, start.length).toString('latin1') === start) return 0;
    const before = heard.indexOf(`\r\n${start}`);
    return before < 0 ? -1 : before + 2;
  };
  /** Takes all up to the end of the line that begins with `start`, as soon as it is there. */
  const upTo = async (start: string): Promise<Buffer> => {
    for (;;) {
      const line = lineAt(start);
      const end = line < 0 ? -1 : heard.indexOf('\r\n', line);
      if (end >= 0) {
        const taken = heard.subarray(0, end + 2);
        heard = heard.subarray(end + 2);
        return taken;
      }
      if (failure) throw failure;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  await upTo('* OK');
  let tags = 0;
  return {
    async command(line) {
      const tag = `t${++tags}`;
      writer.write(`${tag} ${line}\r\n`);
      return await upTo(`${tag} `);
    },
    compress() {
      const deflate = createDeflateRaw({ flush: constants.Z_SYNC_FLUSH });
      deflate.pipe(socket);
      const inflate = createInflateRaw();
      inflate.on('data', onHeard);
      inflate.on('error', onFailure);
      socket.off('data', onHeard);
      socket.on('data', (bytes) => {
        compressedBytes += bytes.length;
        inflate.write(bytes);
      });
      writer = deflate;
    },
    compressedBytes: () => compressedBytes,
    close: () => socket.destroy(),
  };
}
