// The helper's end of its socket, played by a test: it answers as it is told to, and keeps what it hears. No process, no
// kernel, no waiting by the clock.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HelperRoute } from './helper-link.ts';
import {
  type HelperOutcome,
  type HelperRequest,
  helperProtocol,
  type PortElement,
} from './helper-messages.ts';

export type Numbered = Extract<HelperRequest, { id: number }>;

export interface FakeHelper {
  readonly route: HelperRoute;
  /** All requests of all links that are to be answered, in the order in which they came. */
  readonly heard: Numbered[];
  /** Signs of life that were heard. */
  readonly lives: number;
  /** How often it was reached. */
  readonly links: number;
  /** How many of the links have ended. */
  readonly hungUp: number;
  /** What is said at once to whoever reaches it; nothing when it is empty. */
  greeting: string;
  /** What a request is answered; undefined: nothing. */
  outcome: (request: Numbered) => HelperOutcome | undefined;
  /** Says something to the last that reached it, as it stands. */
  say(text: string | Uint8Array): void;
  /** Ends the last link, with a last word if there is one. */
  hangUp(lastWords?: string): void;
  /** Resolves once the condition holds; looked at whenever something happens here, or `changed` says so. */
  until(condition: () => boolean): Promise<void>;
  changed(): void;
  stop(): Promise<void>;
}

export function helloLine(
  changes: { readonly user?: number | 'all'; readonly denied?: readonly PortElement[] } = {},
): string {
  const { user = 'all', denied = [] } = changes;
  return `${JSON.stringify({ hello: helperProtocol, user, nft: '1.0.9', denied })}\n`;
}

export async function openFakeHelper(): Promise<FakeHelper> {
  const folder = mkdtempSync(join(tmpdir(), 'helper-'));
  const path = join(folder, 'socket');
  const sockets: Socket[] = [];
  const watchers = new Set<() => void>();
  let lives = 0;
  let hungUp = 0;

  function hear(socket: Socket, line: string): void {
    const request: HelperRequest = JSON.parse(line);
    if (request.do === 'alive') {
      lives++;
    } else {
      fake.heard.push(request);
      const outcome = fake.outcome(request);
      if (outcome && socket.writable) socket.write(`${JSON.stringify({ id: request.id, ...outcome })}\n`);
    }
    fake.changed();
  }

  const server = createServer((socket) => {
    sockets.push(socket);
    let rest = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) hear(socket, line);
    });
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      hungUp++;
      fake.changed();
    });
    if (fake.greeting !== '') socket.write(fake.greeting);
    fake.changed();
  }).listen(path);
  await once(server, 'listening');

  const fake: FakeHelper = {
    route: { kind: 'socket', path },
    heard: [],
    get lives() {
      return lives;
    },
    get links() {
      return sockets.length;
    },
    get hungUp() {
      return hungUp;
    },
    greeting: helloLine(),
    outcome: ({ do: what }) => (what === 'open' ? { ok: true, answer: { greetings: 'ih' } } : { ok: true }),
    say: (text) => void sockets.at(-1)?.write(text),
    hangUp: (lastWords) => void sockets.at(-1)?.end(lastWords ?? ''),
    async until(condition) {
      while (!condition()) {
        const { promise, resolve } = Promise.withResolvers<void>();
        watchers.add(resolve);
        await promise;
        watchers.delete(resolve);
      }
    },
    changed() {
      for (const watcher of watchers) watcher();
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
      rmSync(folder, { recursive: true });
    },
  };
  return fake;
}
