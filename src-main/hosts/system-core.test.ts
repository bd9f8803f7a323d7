// Looking for the system's core, over real unix sockets.
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startSocketCore } from './electron/core.fixture.ts';
import { dialCore, findSystemCore } from './system-core.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-system-core-'));
  // Others may look in, as into /run.
  chmodSync(folder, 0o755);
  path = join(folder, 'core.sock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function listen(): Promise<Server> {
  const server = createServer((socket) => socket.resume());
  server.listen(path);
  await once(server, 'listening');
  return server;
}

/** As a user whom file modes hold for. */
async function asOrdinaryUser<Result>(work: () => Promise<Result>): Promise<Result> {
  if (process.geteuid?.() !== 0) return await work();
  process.seteuid?.(65534);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}

test('there is none where nothing of that name is, or no such folder can be', async () => {
  expect(await findSystemCore(path)).toEqual({ kind: 'none' });
  writeFileSync(join(folder, 'file'), '');
  expect(await findSystemCore(join(folder, 'file', 'core.sock'))).toEqual({ kind: 'none' });
});

test('the socket of a dead core is none', async () => {
  const server = await listen();
  // Node takes the file away when it closes; a core that was killed does not.
  renameSync(path, `${path}.kept`);
  server.close();
  renameSync(`${path}.kept`, path);
  expect(await findSystemCore(path)).toEqual({ kind: 'none' });
});

test('one that answers is attached to', async () => {
  const server = await listen();
  expect(await findSystemCore(path)).toEqual({ kind: 'attach', path });
  server.close();
});

test('one that this user may not speak with is closed, be it by its socket or by its folder', async () => {
  const server = await listen();
  chmodSync(path, 0o600);
  if (process.geteuid?.() !== 0) chmodSync(path, 0o000);
  expect(await asOrdinaryUser(() => findSystemCore(path))).toEqual({
    kind: 'closed',
    reason: 'system-core-running',
  });
  mkdirSync(join(folder, 'shut'), { mode: 0o000 });
  expect(await asOrdinaryUser(() => findSystemCore(join(folder, 'shut', 'core.sock')))).toMatchObject({
    kind: 'closed',
  });
  server.close();
});

test('what says nothing of a core is no answer', async () => {
  await expect(findSystemCore(join(folder, 'x'.repeat(200)))).rejects.toThrow();
});

test('a client calls it until it ends', async () => {
  const core = await startSocketCore(path, { openConnections: 7 });
  const { signal } = new AbortController();
  const client = await dialCore(path, signal);
  expect(await client?.state.get()).toMatchObject({ state: { openConnections: 7 } });
  await core.stop();
  await expect(client?.state.get()).rejects.toThrow();
  expect(await dialCore(path, signal)).toBeUndefined();
});

test('a client hangs up when it is told to', async () => {
  const core = await startSocketCore(path);
  const ending = new AbortController();
  const client = await dialCore(path, ending.signal);
  ending.abort();
  await expect(client?.state.get()).rejects.toThrow();
  expect(await dialCore(path, ending.signal)).toBeUndefined();
  await core.stop();
});
