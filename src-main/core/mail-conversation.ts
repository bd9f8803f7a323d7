// A mail program's side of one connection, for the self-test: lines and counted octets, waited for one at a time.
import type { Socket } from 'node:net';

export interface Conversation {
  /** The next line, without its end. Rejects when the connection ends or fails before it is whole. */
  line(): Promise<string>;
  /** So many octets. Rejects as `line` does. */
  octets(count: number): Promise<Buffer>;
  /** Sends one line. */
  say(line: string): void;
  /** Goes on upon another socket, such as one of TLS above this one. */
  use(socket: Socket): void;
  /** Stops reading, for whoever takes the socket over. */
  leave(): Socket;
}

/** The messages of the test are some hundred octets long. */
const maxWaitingBytes = 64 * 1024;

export function createConversation(first: Socket): Conversation {
  let socket = first;
  let heard: Buffer = Buffer.alloc(0);
  let failure: Error | undefined;
  let wake: () => void = () => undefined;

  const onData = (octets: Buffer) => {
    heard = Buffer.concat([heard, octets]);
    if (heard.length > maxWaitingBytes) socket.destroy(new Error('more came than was asked for'));
    wake();
  };
  const onError = (error: Error) => {
    failure ??= error;
    wake();
  };
  const onClose = () => onError(new Error('the connection ended'));

  function attach(): void {
    socket.on('data', onData).on('error', onError).on('end', onClose).on('close', onClose);
    if (socket.destroyed) onClose();
  }

  /** Waits until `take` finds what it looks for in what was heard: how much of it that is. */
  async function wait(take: () => number | undefined): Promise<Buffer> {
    for (;;) {
      const size = take();
      if (size !== undefined) {
        const taken = heard.subarray(0, size);
        heard = heard.subarray(size);
        return taken;
      }
      if (failure) throw failure;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  attach();
  return {
    async line() {
      const taken = await wait(() => {
        const end = heard.indexOf('\r\n');
        return end === -1 ? undefined : end + 2;
      });
      return taken.toString('latin1', 0, taken.length - 2);
    },
    octets: (count) => wait(() => (heard.length < count ? undefined : count)),
    say: (line) => void socket.write(`${line}\r\n`),
    use(next) {
      socket = next;
      attach();
    },
    leave() {
      socket.off('data', onData).off('end', onClose).off('close', onClose);
      socket.pause();
      return socket;
    },
  };
}
