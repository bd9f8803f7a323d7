// Mozilla's remote protocol, as far as a test of Thunderbird needs it: commands in turn over one local connection.
import { connect } from 'node:net';

export interface Marionette {
  /** Sends a command and gives its result; the program's own error is thrown. */
  send(name: string, parameters: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** Runs the body of an async function in the program's own context (not a page's), and gives what it returns. */
  run(body: string, args?: readonly unknown[]): Promise<unknown>;
  close(): void;
}

/** A whole mailbox may be fetched inside one script. */
const scriptTimeoutMs = 90_000;

/** Connects, waits for the greeting, and opens a session. */
export async function openMarionette(port: number): Promise<Marionette> {
  const socket = connect({ host: '127.0.0.1', port });
  let pending = Buffer.alloc(0);
  let failure: Error | undefined;
  const packets: unknown[] = [];
  let wake: (() => void) | undefined;
  const settle = () => {
    wake?.();
    wake = undefined;
  };
  socket.on('data', (bytes) => {
    pending = Buffer.concat([pending, bytes]);
    // A packet: its length in decimal, a colon, JSON.
    for (let colon = pending.indexOf(':'); colon >= 0; colon = pending.indexOf(':')) {
      const end = colon + 1 + Number(pending.subarray(0, colon).toString());
      if (pending.length < end) break;
      packets.push(JSON.parse(pending.subarray(colon + 1, end).toString()));
      pending = pending.subarray(end);
    }
    settle();
  });
  socket.on('error', (error) => {
    failure = error;
  });
  socket.on('close', () => {
    failure ??= new Error('Thunderbird closed the connection');
    settle();
  });
  const packet = async (): Promise<unknown> => {
    while (packets.length === 0) {
      if (failure) throw failure;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return packets.shift();
  };

  let lastId = 0;
  const send = async (name: string, parameters: Readonly<Record<string, unknown>>) => {
    const text = JSON.stringify([0, ++lastId, name, parameters]);
    socket.write(`${Buffer.byteLength(text)}:${text}`);
    const answer = await packet();
    if (!Array.isArray(answer) || answer[1] !== lastId)
      throw new Error(`unexpected answer to ${name}: ${JSON.stringify(answer)}`);
    const [, , error, result]: unknown[] = answer;
    if (error !== null) throw new Error(`${name}: ${JSON.stringify(error).slice(0, 1_000)}`);
    return result;
  };
  await packet();
  await send('WebDriver:NewSession', { capabilities: {} });
  await send('Marionette:SetContext', { value: 'chrome' });
  await send('WebDriver:SetTimeouts', { script: scriptTimeoutMs });
  return {
    send,
    async run(body, args = []) {
      const script = `const done = arguments[arguments.length - 1];
        (async (...args) => {${body}})(...arguments).then((value) => done({ value }), (error) => done({ error: String(error) }));`;
      const result = await send('WebDriver:ExecuteAsyncScript', { script, args, newSandbox: true });
      const { value: outcome } = result as { value: { value?: unknown; error?: string } | null };
      // A dialog ends the script that it comes up under.
      if (outcome === null) throw new Error('in Thunderbird: a dialog came up');
      if (outcome.error !== undefined) throw new Error(`in Thunderbird: ${outcome.error}`);
      return outcome.value;
    },
    close: () => socket.destroy(),
  };
}
