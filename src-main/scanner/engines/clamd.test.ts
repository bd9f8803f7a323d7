import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type ClamdScript, type FakeClamd, fakeClamd } from './clamd.fixture.ts';
import { findClamd, openClamd, parseClamdAddress } from './clamd.ts';
import { readAnswer } from './clamd-session.ts';
import { bytesOf, fakeServer, type ManualTime, manualTime, nobodyAborts, until } from './remote.fixture.ts';
import type { RemoteEngine } from './remote-engine.ts';
import type { Endpoint } from './remote-server.ts';

const clean = { kind: 'clean' };
const megabyte = 1024 * 1024;
const atEnd: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of atEnd.splice(0).reverse()) await end();
});

function open(endpoint: Endpoint): { readonly engine: RemoteEngine; readonly time: ManualTime } {
  const time = manualTime();
  const engine = openClamd({ endpoint, now: time.now, after: time.after, random: () => 1 });
  atEnd.push(() => engine.stop());
  return { engine, time };
}

async function started(
  script: ClamdScript = {},
): Promise<ReturnType<typeof open> & { readonly server: FakeClamd }> {
  const server = await fakeClamd(script);
  atEnd.push(() => server.close());
  return { server, ...open({ host: '127.0.0.1', port: server.port }) };
}

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'clamd-'));
  atEnd.push(() => rmSync(path, { recursive: true }));
  return path;
}

describe('an answer of clamd', () => {
  it.each([
    ['stream: OK', clean],
    ['stream: Win.Test.EICAR_HDB-1 FOUND', { kind: 'found', name: 'Win.Test.EICAR_HDB-1', category: 'test' }],
    ['stream: Heuristics.Encrypted.Zip FOUND', { kind: 'incomplete', limits: ['encrypted'] }],
    ['INSTREAM size limit exceeded. ERROR', { kind: 'too-large' }],
    ["stream: Can't allocate memory ERROR", { kind: 'failed', detail: "stream: Can't allocate memory" }],
    [' ERROR', { kind: 'failed' }],
    ['PONG', undefined],
    ['stream: ', undefined],
    ['', undefined],
  ])('%j', (text, reply) => {
    expect(readAnswer(text)).toEqual(reply);
  });
});

describe('clamd', () => {
  it('is asked for its version, and for several messages at once on one connection', async () => {
    const waiting: (() => void)[] = [];
    const { server, engine } = await started({
      answer: (bytes, id, socket) => {
        waiting.push(() => socket.write(`${id}: stream: ${bytes} FOUND\0`));
        return undefined;
      },
    });
    const scans = Array.from({ length: 8 }, (_, at) => engine.scan(bytesOf(`Name${at}`), nobodyAborts));
    await until(() => waiting.length === 8);
    expect(server.connections).toBe(2 + 2);
    // In whatever order the answers come.
    for (const answer of waiting.reverse()) answer();
    const names = (await Promise.all(scans)).map((each) => each.kind === 'found' && each.name);
    expect(names).toEqual(Array.from({ length: 8 }, (_, at) => `Name${at}`));
    expect([engine.isUp, engine.version]).toEqual([true, 'ClamAV 1.0/1/today']);
    expect(server.commands.slice(0, 3)).toEqual(['PING', 'VERSION', 'IDSESSION']);
    expect(server.commands.filter((word) => word === 'IDSESSION').length).toBe(2);
  });

  it('has every octet of small and large ones, from memory and from files', async () => {
    const { server, engine } = await started();
    const path = join(directory(), 'spool');
    for (const size of [1, megabyte, megabyte + 1, 3 * megabyte + 7]) {
      const bytes = randomBytes(size);
      writeFileSync(path, bytes);
      const shared = Buffer.from(new SharedArrayBuffer(size));
      bytes.copy(shared);
      expect(await engine.scan(bytesOf(bytes), nobodyAborts)).toEqual(clean);
      expect(await engine.scan(bytesOf(shared), nobodyAborts)).toEqual(clean);
      expect(await engine.scan({ kind: 'file', path, sizeBytes: size }, nobodyAborts)).toEqual(clean);
      expect(server.streams.slice(-3).every((stream) => stream.equals(bytes))).toBe(true);
    }
  });

  it('is understood in whatever pieces it speaks', async () => {
    const said = '1: stream: A FOUND\0';
    for (let cut = 1; cut < said.length; cut++) {
      const { engine } = await started({
        answer: (_bytes, _id, socket) => {
          socket.setNoDelay(true);
          socket.write(said.slice(0, cut), () => setImmediate(() => socket.write(said.slice(cut))));
          return undefined;
        },
      });
      expect(await engine.scan(bytesOf('x'), nobodyAborts)).toMatchObject({ kind: 'found', name: 'A' });
    }
  });

  it('is found on a unix socket, and does not answer when nobody listens there any more', async () => {
    const path = join(directory(), 'clamd.ctl');
    expect(findClamd([path])).toBeUndefined();
    writeFileSync(path, '');
    expect(findClamd([path])).toBeUndefined();
    rmSync(path);
    const server = createServer((socket) => socket.end('PONG\0'));
    await new Promise<void>((done) => server.listen(path, done));
    expect(findClamd(['/nowhere', path])).toBe(path);
    await new Promise((done) => server.close(done));
    const { engine } = open({ path });
    expect(await engine.scan(bytesOf('x'), nobodyAborts)).toEqual({ kind: 'down' });
  });

  it('does not answer on a port that is closed, or that is none', async () => {
    const server = await fakeClamd();
    await server.close();
    for (const port of [server.port, 0, 99_999]) {
      const { engine } = open({ host: '127.0.0.1', port });
      expect(await engine.scan(bytesOf('x'), nobodyAborts)).toEqual({ kind: 'down' });
    }
  });

  it('comes back, with another version', async () => {
    const first = await fakeClamd();
    const { engine, time } = open({ host: '127.0.0.1', port: first.port });
    expect(await engine.scan(bytesOf('x'), nobodyAborts)).toEqual(clean);
    await first.close();
    expect(await engine.scan(bytesOf('x'), nobodyAborts)).toEqual({ kind: 'down' });
    const command = (word: string) => (word === 'PING' ? 'PONG' : 'ClamAV 2');
    const second = await fakeClamd({ command }, first.port);
    atEnd.push(() => second.close());
    time.pass(500);
    await until(() => engine.isUp);
    expect(engine.version).toBe('ClamAV 2');
    expect(await engine.scan(bytesOf('x'), nobodyAborts)).toEqual(clean);
  });

  it('may keep its version for itself', async () => {
    const { engine } = await started({
      command: (word) => (word === 'PING' ? 'PONG' : 'COMMAND UNAVAILABLE'),
    });
    expect(await engine.scan(bytesOf('x'), nobodyAborts)).toEqual(clean);
    expect(engine.version).toBe('ClamAV');
  });

  it('loses nothing when it closes between two messages', async () => {
    const { server, engine } = await started();
    for (let round = 0; round < 5; round++) {
      expect(await engine.scan(bytesOf('x'), nobodyAborts)).toEqual(clean);
      for (const socket of server.open) socket.destroy();
    }
  });

  it('is not asked again about what it refused for its size, and about the neighbours of it once more', async () => {
    const { server, engine } = await started({ maxBytes: 1000 });
    const sizes = [10, 1001, 20, 2 * megabyte, 30];
    const answers = await Promise.all(
      sizes.map((size) => engine.scan(bytesOf(Buffer.alloc(size, 97)), nobodyAborts)),
    );
    const skipped = { kind: 'skipped', detail: 'size' };
    expect(answers).toEqual([clean, skipped, clean, skipped, clean]);
    const { connections } = server;
    expect(await engine.scan(bytesOf(Buffer.alloc(1001)), nobodyAborts)).toEqual(skipped);
    expect(server.connections).toBe(connections);
  });

  it('may refuse for the size before it is sent anything, to who lost a large one', async () => {
    const header = 'zIDSESSION\0zINSTREAM\0'.length + 4;
    let tries = 0;
    let received = 0;
    let refuse: () => unknown = () => undefined;
    const server = await fakeServer((socket) => {
      let first = true;
      socket.on('data', (data) => {
        if (first && `${data}`.startsWith('zPING')) socket.write('PONG\0');
        else if (first && `${data}`.startsWith('zVERSION')) socket.write('ClamAV 1\0');
        else if (first && tries++ === 0) socket.resetAndDestroy();
        else received += data.length;
        first = false;
        refuse = () => socket.write('1: INSTREAM size limit exceeded. ERROR\0');
      });
    });
    atEnd.push(() => server.close());
    const { engine, time } = open({ host: '127.0.0.1', port: server.port });
    const answer = engine.scan(bytesOf(Buffer.alloc(8 * megabyte)), nobodyAborts);
    await until(() => received > 0);
    for (let turn = 0; turn < 100; turn++) await new Promise((next) => setImmediate(next));
    expect([tries, received]).toEqual([2, header]);
    refuse();
    expect(await answer).toEqual({ kind: 'skipped', detail: 'size' });
    // Who does not refuse is sent the rest.
    received = 0;
    const second = engine.scan(bytesOf(Buffer.alloc(2 * megabyte)), nobodyAborts);
    await until(() => received >= 2 * megabyte);
    await engine.stop();
    expect(await second).toEqual({ kind: 'down', detail: 'stopped' });
    expect(time.pending).toEqual([]);
  });

  it('is not asked about a file that is not what it was said to be', async () => {
    const { engine } = await started();
    const path = join(directory(), 'spool');
    writeFileSync(path, 'x');
    const failed = { kind: 'failed', detail: 'source' };
    for (const sizeBytes of [2, 2 * megabyte]) {
      expect(await engine.scan({ kind: 'file', path, sizeBytes }, nobodyAborts)).toEqual(failed);
      expect(await engine.scan({ kind: 'file', path: `${path}-`, sizeBytes }, nobodyAborts)).toEqual(failed);
    }
    expect(await engine.scan({ kind: 'file', path, sizeBytes: 1 }, nobodyAborts)).toEqual(clean);
  });

  it('hears no more of a large message that nobody wants any more', async () => {
    const { server, engine } = await started();
    expect(await engine.scan(bytesOf('x'), nobodyAborts)).toEqual(clean);
    const abort = new AbortController();
    const scan = engine.scan(bytesOf(Buffer.alloc(64 * megabyte)), abort.signal);
    await until(() => server.connections === 4);
    abort.abort();
    await expect(scan).rejects.toThrow();
    await until(() => server.open.size <= 1);
  });
});

describe('an address', () => {
  it.each([
    ['/run/clamd.ctl', { path: '/run/clamd.ctl' }],
    ['scan.example:3310', { host: 'scan.example', port: 3310 }],
    ['127.0.0.1:1', { host: '127.0.0.1', port: 1 }],
    ['[::1]:3310', { host: '::1', port: 3310 }],
    ['::1:3310', undefined],
    ['scan.example', undefined],
    ['auto', undefined],
    ['', undefined],
  ])('%j', (text, endpoint) => {
    expect(parseClamdAddress(text)).toEqual(endpoint);
  });
});
