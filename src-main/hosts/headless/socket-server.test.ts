// The unix socket from both ends: the server that a host opens, and the client that commands use.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { implement } from '@orpc/server';
import { RPCHandler } from '@orpc/server/ws';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { api } from '../../contract/api.ts';
import { defaultSettings } from '../../contract/settings.ts';
import type { CallContext } from '../../core/handlers.ts';
import { withCore } from '../cli/core-client.ts';
import { restoreQuarantined } from '../cli/quarantine.ts';
import { socketPath } from '../data-dir.ts';
import { failureLine } from '../failure-line.ts';
import { createCallServer, maxRequestBytes, type ServeCalls } from './rpc.ts';
import { type SocketServer, startSocketServer } from './socket-server.ts';

const original = randomBytes(3 * 1024 * 1024);
const chunkBytes = 192 * 1024;

let dataDir: string;
let server: SocketServer | undefined;
let vias: string[];
let resetCalled: Promise<void>;

function serveCalls(): ServeCalls {
  const os = implement(api).$context<CallContext>();
  const called = Promise.withResolvers<void>();
  resetCalled = called.promise;
  const router = {
    settings: {
      reset: os.settings.reset.handler(() => {
        called.resolve();
        return new Promise(() => undefined);
      }),
      get: os.settings.get.handler(({ context }) => {
        vias.push(context.via);
        return defaultSettings;
      }),
    },
    quarantine: {
      restore: os.quarantine.restore.handler(async function* ({ input, errors }) {
        if (input.id !== 'q1' && input.id !== 'half') throw errors.NOT_FOUND();
        for (let at = 0; at < original.length; at += chunkBytes) {
          yield { base64: original.subarray(at, at + chunkBytes).toString('base64') };
          if (input.id === 'half') throw errors.NOT_FOUND();
        }
      }),
    },
  };
  return createCallServer(new RPCHandler(router));
}

async function serve(): Promise<void> {
  server = await startSocketServer(socketPath(dataDir), serveCalls());
}

async function failure(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
  } catch (error) {
    return failureLine(error);
  }
  return undefined;
}

beforeEach(() => {
  vias = [];
  dataDir = mkdtempSync(join(tmpdir(), 'postern-socket-'));
});

afterEach(async () => {
  await server?.stop();
  await server?.stop();
  server = undefined;
  rmSync(dataDir, { recursive: true });
  vi.restoreAllMocks();
});

const getSettings = () => withCore(dataDir, (core) => core.settings.get());

test('a call is answered, as one from the socket, and the file is its owner\u2019s alone', async () => {
  await serve();
  expect(statSync(socketPath(dataDir)).mode & 0o777).toBe(0o600);
  expect(await getSettings()).toEqual(defaultSettings);
  expect(vias).toEqual(['socket']);
});

test('a second socket is for a group, too, and answers the same calls', async () => {
  const path = join(dataDir, 'control.sock');
  server = await startSocketServer(path, serveCalls(), { group: true });
  expect(statSync(path).mode & 0o777).toBe(0o660);
  expect(await withCore(join(dataDir, 'none'), (core) => core.settings.get(), path)).toEqual(defaultSettings);
});

test("the system's core is asked where the caller has none, and their own where they have one", async () => {
  const own = dataDir;
  await serve();
  const ownServer = server;
  const path = join(own, 'control.sock');
  const ask = () => withCore(own, (core) => core.settings.get(), path);
  // Nobody listens there.
  expect(await ask()).toEqual(defaultSettings);
  await ownServer?.stop();
  expect(await failure(ask())).toBe(`Postern is not running: ${own}`);
  const dead = createServer().listen(path);
  await once(dead, 'listening');
  renameSync(path, `${path}.dead`);
  await new Promise((done) => dead.close(done));
  renameSync(`${path}.dead`, path);
  expect(await failure(ask())).toBe(`Postern is not running: ${own}`);
});

test('a file of that name is no dead core\u2019s socket: it stays', async () => {
  const path = join(dataDir, 'control.sock');
  writeFileSync(path, 'mine');
  await expect(startSocketServer(path, serveCalls())).rejects.toMatchObject({ code: 'EADDRINUSE' });
  expect(readFileSync(path, 'utf8')).toBe('mine');
});

test('a data directory may have any name', async () => {
  dataDir = join(dataDir, 'a:b c?d#e%20');
  mkdirSync(dataDir);
  await serve();
  expect(await getSettings()).toEqual(defaultSettings);
});

test('without a core, the line says so', async () => {
  const line = `Postern is not running: ${dataDir}`;
  expect(await failure(getSettings())).toBe(line);
  await serve();
  await server?.stop();
  expect(await failure(getSettings())).toBe(line);
});

test('a core that ends during a call is told as such', async () => {
  await serve();
  const call = withCore(dataDir, (core) => core.settings.reset());
  await resetCalled;
  await server?.stop();
  expect(await failure(call)).toBe('Postern is not running: it ended meanwhile');
});

test('the socket file of a dead core is no obstacle', async () => {
  const dead = createServer().listen(socketPath(dataDir));
  await new Promise((done) => dead.once('listening', done));
  writeFileSync(join(dataDir, 'kept'), '');
  // Node removes the file at a clean end only; a killed process leaves it.
  dead.unref();
  await serve();
  expect(await getSettings()).toEqual(defaultSettings);
  dead.close();
});

test('a path that is too long for a socket is refused with the system\u2019s words', async () => {
  dataDir = join(dataDir, 'x'.repeat(120));
  mkdirSync(dataDir);
  await expect(serve()).rejects.toMatchObject({ syscall: 'listen' });
});

test('what speaks no WebSocket is turned away', async () => {
  await serve();
  const answer = await new Promise<string>((done) => {
    const socket = connect(socketPath(dataDir), () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
    socket.once('data', (bytes) => {
      socket.destroy();
      done(String(bytes));
    });
  });
  expect(answer).toMatch(/^HTTP\/1\.1 426 /);
});

test.each([
  ['text that is no call', 'nonsense'],
  ['octets that are no call', Buffer.from([0, 255, 1])],
  ['an empty message', ''],
  ['a call to nothing', JSON.stringify({ i: '1', p: { u: '/nothing' } })],
  ['more than one call may be', Buffer.alloc(maxRequestBytes + 1)],
])('%s disturbs nobody else', async (_name, message) => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  await serve();
  const socket = new WebSocket('ws://localhost/rpc', {
    createConnection: () => connect({ path: socketPath(dataDir) }),
  });
  socket.on('error', () => socket.terminate());
  await once(socket, 'open');
  socket.send(message);
  expect(await getSettings()).toEqual(defaultSettings);
  socket.terminate();
});

test('an original comes back octet for octet, into a new file alone', async () => {
  await serve();
  const file = join(dataDir, 'restored');
  await restoreQuarantined(dataDir, 'q1', file);
  expect(readFileSync(file).equals(original)).toBe(true);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  writeFileSync(file, 'mine');
  expect(await failure(restoreQuarantined(dataDir, 'q1', file))).toContain('EEXIST');
  expect(readFileSync(file, 'utf8')).toBe('mine');
});

test('half an original leaves no file, and an unknown one makes none', async () => {
  await serve();
  const file = join(dataDir, 'restored');
  for (const id of ['half', 'unknown']) {
    expect(await failure(restoreQuarantined(dataDir, id, file))).toBe('it is not there any more.');
    expect(statSync(file, { throwIfNoEntry: false })).toBeUndefined();
  }
});
