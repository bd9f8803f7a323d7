import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createRouterClient } from '@orpc/server';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { FixedListener } from '../interception/listeners.ts';
import { type Core, startCore } from './core.ts';
import type { Ports } from './ports.ts';

let dataDir: string;
let logged: string[];
let cores: Core[];
let servers: Server[];
let sockets: Socket[];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'core-'));
  [logged, cores, servers, sockets] = [[], [], [], []];
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const core of cores) await core.stop();
  for (const server of servers) server.close();
  rmSync(dataDir, { recursive: true, force: true });
});

/** The stores of whoever runs the tests are left alone. */
const noRoot = { installRoot: false };

function ports(changes: Partial<Ports> = {}): Ports {
  return {
    dataDir,
    workerUrl: new URL('../scanner/worker.ts', import.meta.url),
    summaryWorkerUrl: new URL('../scanner/summary-worker.ts', import.meta.url),
    rulesDirectory: resolve(import.meta.dirname, '../scanner/rules'),
    clock: {
      now: () => new Date(),
      after(delayMs, callback) {
        const timer = setTimeout(callback, delayMs).unref();
        return () => clearTimeout(timer);
      },
    },
    random: randomBytes,
    log: (event) => logged.push(event),
    intercept: 'off',
    netfilterHelper: () => undefined,
    listeners: [],
    upstreamCa: undefined,
    settings: { tls: noRoot },
    holdScans: undefined,
    consoleUrl: () => undefined,
    hostEndpoints: () => [],
    administrator: () => undefined,
    homeDir: join(dataDir, 'home'),
    hostname: 'host.example.test',
    uid: 1_000,
    ...changes,
  };
}

async function start(changes: Partial<Ports> = {}) {
  const result = await startCore(ports(changes));
  if (!result.ok) throw new Error(result.detail);
  cores.push(result.core);
  return {
    core: result.core,
    client: createRouterClient(result.core.router, { context: { via: 'socket' } }),
  };
}

async function listen(onSocket: (socket: Socket) => void = () => undefined): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    onSocket(socket);
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const port = await listen();
  const server = servers.pop();
  server?.close();
  await once(server ?? createServer(), 'close');
  return port;
}

/** Also by a reset, which `once` would reject with. */
const closeOf = (socket: Socket) => new Promise<void>((done) => socket.once('close', () => done()));

const leftovers = () => readdirSync(join(dataDir, 'spool'));
const off: Partial<Ports> = { settings: { mailTransport: { enabled: false }, tls: noRoot } };

describe('a core', () => {
  test('starts on an empty directory, says what it does, and leaves only what is kept', async () => {
    const { core, client } = await start();
    expect(core).toMatchObject({
      interception: { state: 'off', reason: 'intercept-off' },
      listeners: [],
      dataDir,
    });
    expect(existsSync(core.caPath)).toBe(true);
    const { state } = await client.state.get();
    expect(state).toMatchObject({ protection: { state: 'off' }, openConnections: 0, settingsProblems: [] });
    expect(await client.quarantine.list()).toEqual([]);
    expect(await client.connections.list()).toEqual([]);
    await core.stop();
    await core.stop();
    expect(leftovers()).toEqual([]);
    expect(logged).toEqual([]);
  });

  test('puts a changed setting in force, and has it again after a restart', async () => {
    const { core, client } = await start();
    const updates = await client.state.watch();
    await client.settings.update({ mailTransport: { enabled: false }, tls: noRoot });
    expect((await updates.next()).value).toMatchObject({
      patch: {
        settings: { mailTransport: { enabled: false }, tls: noRoot },
        protection: { state: 'off', reason: 'protection-off' },
      },
    });
    await core.stop();
    for await (const _ of updates);
    const again = await start();
    expect((await again.client.settings.get()).mailTransport.enabled).toBe(false);
  });

  test('says why nothing is intercepted without its helper', async () => {
    const { core, client } = await start({ intercept: 'auto' });
    expect(core.interception).toEqual({ state: 'unavailable', reason: 'helper-missing' });
    expect((await client.state.get()).state.protection).toEqual(core.interception);
  });
});

describe('a fixed listener', () => {
  const to = (localPort: number, port: number): FixedListener => ({
    localPort,
    host: '127.0.0.1',
    port,
    protocol: 'imap',
  });

  test('brings connections, which are counted, grow stale with new settings, and can be closed', async () => {
    const [localPort, port] = [await freePort(), await listen((socket) => socket.pipe(socket))];
    const { core, client } = await start({ ...off, listeners: [to(localPort, port)] });
    expect(core.listeners).toEqual([
      { protocol: 'imap', address: '127.0.0.1', port: localPort, target: `127.0.0.1:${port}` },
    ]);
    const socket = connect(localPort, '127.0.0.1').on('error', () => undefined);
    sockets.push(socket);
    socket.write('hello');
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    expect(bytes.toString()).toBe('hello');
    expect((await client.state.get()).state).toMatchObject({ openConnections: 1, staleConnections: 0 });
    expect(await client.connections.list()).toMatchObject([
      { state: 'relayed', reason: 'protection-off', port },
    ]);
    expect((await client.state.get()).state.counters.relayedByReason).toEqual({ 'protection-off': 1 });

    await client.settings.update({ appearance: { theme: 'dark' } });
    expect((await client.state.get()).state.staleConnections).toBe(0);
    await client.settings.update({ mailTransport: { enabled: true } });
    expect((await client.state.get()).state).toMatchObject({
      staleConnections: 1,
      protection: { state: 'active', reason: 'intercept-off' },
    });
    await client.settings.update({ mailTransport: { enabled: false }, tls: noRoot });
    const late = connect(localPort, '127.0.0.1').on('error', () => undefined);
    sockets.push(late);
    late.write('hello');
    await once(late, 'data');
    expect((await client.state.get()).state.staleConnections).toBe(1);
    await client.settings.update({ response: { delivery: 'silent' } });
    expect((await client.state.get()).state.staleConnections).toBe(2);
    const closed = [closeOf(socket), closeOf(late)];
    expect(await client.connections.close({})).toEqual({ closed: 2 });
    await Promise.all(closed);
    expect((await client.state.get()).state.openConnections).toBe(0);
  });

  test('that would lead to ourselves leads nowhere', async () => {
    const localPort = await freePort();
    const { client } = await start({ ...off, listeners: [to(localPort, localPort)] });
    const socket = connect(localPort, '127.0.0.1').on('error', () => undefined);
    sockets.push(socket);
    await closeOf(socket);
    expect((await client.state.get()).state.openConnections).toBe(0);
    expect(logged).toEqual(['connection-ended']);
  });

  test('whose port is taken keeps the core from starting, since a program would find nobody there', async () => {
    const [taken, free, port] = [await listen(), await freePort(), await listen()];
    const result = await startCore(ports({ listeners: [to(free, port), to(taken, port)] }));
    expect(result).toEqual({ ok: false, code: 'listener-busy', detail: `port ${taken}` });
    const again = createServer().listen(free, '127.0.0.1');
    servers.push(again);
    await once(again, 'listening');
  });
});

/** A server that knows one message and answers each command as it comes. */
const imapServer = (message: string) =>
  listen((socket) => {
    socket.write('* OK ready\r\n');
    socket.on('data', (bytes: Buffer) => {
      for (const line of bytes.toString().split('\r\n').filter(Boolean)) {
        const [tag, command] = line.split(' ');
        if (command === 'SELECT') socket.write('* 1 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n');
        if (command === 'FETCH') socket.write(`* 1 FETCH (BODY[] {${message.length}}\r\n${message})\r\n`);
        socket.write(`${tag} OK done\r\n`);
      }
    });
  });

/** Fetches the message of such a server through a listener, and answers with all that was heard. */
async function fetchMessage(localPort: number): Promise<string> {
  const socket = connect(localPort, '127.0.0.1').on('error', () => undefined);
  sockets.push(socket);
  let seen = '';
  const until = (end: string) =>
    new Promise<void>((done) => {
      socket.on('data', (bytes: Buffer) => {
        seen += bytes.toString();
        if (seen.includes(end)) done();
      });
    });
  await until('ready\r\n');
  socket.write('a LOGIN u p\r\nb SELECT INBOX\r\n');
  await until('b OK');
  socket.write('c FETCH 1 BODY[]\r\n');
  await until('c OK');
  return seen;
}

describe('a clean message', () => {
  const message = 'From: a@example.test\r\nSubject: hello\r\n\r\nhello\r\n';
  const knownAsClean = () => {
    const database = new DatabaseSync(join(dataDir, 'verdicts.sqlite'), { readOnly: true });
    const count = database.prepare('SELECT count(*) AS count FROM clean').get()?.['count'];
    database.close();
    return count;
  };

  test('is known over a restart, and still counted', async () => {
    const listeners: FixedListener[] = [
      { localPort: await freePort(), host: '127.0.0.1', port: await imapServer(message), protocol: 'imap' },
    ];
    for (const clean of [1, 2]) {
      const { core, client } = await start({ listeners });
      expect(await fetchMessage(listeners[0]?.localPort ?? 0)).toContain(message);
      expect((await client.state.get()).state.counters).toMatchObject({ scanned: clean, clean });
      await core.stop();
      expect(knownAsClean()).toBe(1);
    }
  });

  test('is held back for the tests of who waits, each time anew', async () => {
    const localPort = await freePort();
    const due: (() => void)[] = [];
    const clock: Ports['clock'] = {
      ...ports().clock,
      after(delayMs, callback) {
        if (delayMs !== 1_234) return ports().clock.after(delayMs, callback);
        due.push(callback);
        return () => undefined;
      },
    };
    const { core } = await start({
      clock,
      holdScans: { delayMs: 1_234, first: undefined },
      listeners: [{ localPort, host: '127.0.0.1', port: await imapServer(message), protocol: 'imap' }],
    });
    for (const round of [1, 2]) {
      const fetching = fetchMessage(localPort);
      await vi.waitFor(() => expect(due).toHaveLength(round), 5_000);
      due[round - 1]?.();
      expect(await fetching).toContain(message);
    }
    await core.stop();
    expect(existsSync(join(dataDir, 'verdicts.sqlite'))).toBe(false);
    expect(logged).toEqual(['scans-held']);
  });
});

describe('an infected message', () => {
  const eicar = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}', '$EICAR-STANDARD-', 'ANTIVIRUS-TEST-FILE!', '$H+H*'].join(
    '',
  );
  const original = `From: a@example.test\r\nSubject: hello\r\n\r\n${eicar}\r\n`;

  test('is overwritten on its way, kept in quarantine, counted and shown', async () => {
    const localPort = await freePort();
    const { client } = await start({
      listeners: [{ localPort, host: '127.0.0.1', port: await imapServer(original), protocol: 'imap' }],
    });
    const seen = await fetchMessage(localPort);
    expect(seen).toContain(`BODY[] {${original.length}}`);
    expect(seen).toContain('From: a@example.test');
    expect(seen).not.toContain('ANTIVIRUS-TEST-FILE');

    const [entry] = await client.quarantine.list();
    expect(entry).toMatchObject({ sender: 'a@example.test', subject: 'hello', sizeBytes: original.length });
    const { state } = await client.state.get();
    expect(state.counters).toMatchObject({ scanned: 1, infected: 1 });
    expect(state.lastMessages).toMatchObject([{ outcome: 'infected', quarantineId: entry?.id }]);
    expect(await client.messages.list({})).toEqual(state.lastMessages);
    let restored = '';
    for await (const { base64 } of await client.quarantine.restore({ id: entry?.id ?? '' })) {
      restored += Buffer.from(base64, 'base64').toString();
    }
    expect(restored === original).toBe(true);
  });
});

describe('a start that fails', () => {
  test('on a settings document that can not be used is a value, with everything taken down', async () => {
    const result = await startCore(ports({ settings: { mailTransport: { imapsPorts: 'x' } } }));
    expect(result).toEqual({ ok: false, code: 'invalid-input', detail: 'mailTransport.imapsPorts' });
    expect(leftovers()).toEqual([]);
  });

  test('in the middle rejects, with everything taken down', async () => {
    writeFileSync(join(dataDir, 'quarantine'), 'a file where a folder should be');
    await expect(startCore(ports())).rejects.toThrow('EEXIST');
    expect(leftovers()).toEqual([]);
  });
});
