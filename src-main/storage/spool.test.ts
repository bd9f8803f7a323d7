import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FullDisk } from './full-disk.fixture.ts';
import { openSpoolStore, type Spool, type SpoolStore } from './spool.ts';

const memoryBytes = 64 * 1024;
let directory: string;
let failures: unknown[];
let stores: SpoolStore[];

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'spool-')), 'spool');
  failures = [];
  stores = [];
});
afterEach(async () => {
  for (const store of stores) await store.stop();
  rmSync(join(directory, '..'), { recursive: true, force: true });
});

async function openStore(disk = new FullDisk(Number.POSITIVE_INFINITY)): Promise<SpoolStore> {
  const onFailure = (error: unknown) => failures.push(error);
  const store = await openSpoolStore({
    directory,
    memoryBytes,
    sharedMemoryBytes: 0,
    open: disk.open,
    onFailure,
  });
  stores.push(store);
  return store;
}

function files(): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.spool'),
  );
}

/** Octets whose place can be told from their value. */
function octets(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + (i >> 8)) & 0xff;
  return bytes;
}

function give(spool: Spool, bytes: Uint8Array, pieceBytes: number): void {
  for (let at = 0; at < bytes.length; at += pieceBytes) spool.append(bytes.subarray(at, at + pieceBytes));
}

async function allOf(spool: Spool): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < spool.sizeBytes; at += 10_000) pieces.push(await spool.read(at, at + 10_000));
  return Buffer.concat(pieces);
}

describe('a spool', () => {
  test.each([0, 1, 16_384, 16_385, memoryBytes - 1, memoryBytes])(
    'keeps %i octets in shared memory',
    async (size) => {
      const spool = (await openStore()).create();
      give(spool, octets(size), 1_000);
      expect(await spool.finish()).toEqual({ ok: true });
      const source = spool.source();
      if (source.kind !== 'bytes') throw new Error('not in memory');
      expect(source.bytes.buffer).toBeInstanceOf(SharedArrayBuffer);
      expect(Buffer.compare(source.bytes, octets(size))).toBe(0);
      expect(Buffer.compare(spool.bytes() ?? octets(1), octets(size))).toBe(0);
      expect(Buffer.compare(await allOf(spool), octets(size))).toBe(0);
      expect(files()).toEqual([]);
    },
  );

  test.each([1, 999, 70_000, 1_000_000])(
    'moves to a file one octet past the memory, in pieces of %i',
    async (pieceBytes) => {
      const spool = (await openStore()).create();
      const bytes = octets(memoryBytes + 1);
      give(spool, bytes, pieceBytes);
      expect(await spool.finish()).toEqual({ ok: true });
      const source = spool.source();
      if (source.kind !== 'file') throw new Error('not in a file');
      expect(source.sizeBytes).toBe(bytes.length);
      expect(Buffer.compare(readFileSync(source.path), bytes)).toBe(0);
      expect(Buffer.compare(await allOf(spool), bytes)).toBe(0);
      expect(spool.bytes()).toBeUndefined();
      expect(statSync(source.path).mode & 0o777).toBe(0o600);
      expect(statSync(directory).mode & 0o777).toBe(0o700);
    },
  );

  test('copies what it is given: the giver may use its buffer again', async () => {
    const spool = (await openStore()).create();
    const buffer = Buffer.from('abc');
    spool.append(buffer);
    buffer.fill('x');
    expect(Buffer.from(await spool.read(0, 3)).toString()).toBe('abc');
  });

  test('writes large pieces, whatever it is given', async () => {
    const disk = new FullDisk(Number.POSITIVE_INFINITY);
    const spool = (await openStore(disk)).create();
    give(spool, octets(1_000_000), 1_400);
    await spool.finish();
    expect(disk.writes.length).toBeLessThan(8);
  });

  test('ends where the message ends, also for a reader that asks for more', async () => {
    const store = await openStore();
    for (const size of [10, memoryBytes + 10]) {
      const spool = store.create();
      spool.append(octets(size));
      await spool.finish();
      expect((await spool.read(size - 2, size + 50)).length).toBe(2);
      expect((await spool.read(size + 1, size + 50)).length).toBe(0);
    }
  });

  test('tells how much waits for the disk, and when nothing does any more', async () => {
    const disk = new FullDisk(Number.POSITIVE_INFINITY);
    const gate = Promise.withResolvers<void>();
    disk.beforeWrite = () => gate.promise;
    const spool = (await openStore(disk)).create();
    give(spool, octets(1_000_000), 100_000);
    expect(spool.backlogBytes).toBeGreaterThan(700_000);
    let drained = false;
    const waiting = spool.drained().then(() => {
      drained = true;
    });
    for (let i = 0; i < 5; i++) await turn();
    expect(drained).toBe(false);
    gate.resolve();
    await waiting;
    expect(spool.backlogBytes).toBe(0);
    spool.append(octets(1_000_000));
    expect(await spool.finish()).toEqual({ ok: true });
    expect(Buffer.compare(await allOf(spool), Buffer.concat([octets(1_000_000), octets(1_000_000)]))).toBe(0);
  });

  test.each([0, memoryBytes, memoryBytes + 1, 300_000])(
    'says so when the disk is full after %i octets',
    async (room) => {
      const spool = (await openStore(new FullDisk(room))).create();
      give(spool, octets(600_000), 10_000);
      await spool.drained();
      expect(await spool.finish()).toEqual({ ok: false });
      expect(spool.backlogBytes).toBe(0);
      expect(failures).toHaveLength(1);
      await spool.drop();
      expect(files()).toEqual([]);
    },
  );

  test('says so when its file can not be made', async () => {
    const store = await openStore();
    const spool = store.create();
    for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true });
    spool.append(octets(memoryBytes + 1));
    expect(await spool.finish()).toEqual({ ok: false });
    expect(failures).toHaveLength(1);
  });

  test('goes when it is dropped: before, while and after it is written, and twice', async () => {
    const disk = new FullDisk(Number.POSITIVE_INFINITY);
    const store = await openStore(disk);
    const empty = store.create();
    await empty.drop();
    const early = store.create();
    early.append(octets(memoryBytes + 1));
    await early.drop();

    const gate = Promise.withResolvers<void>();
    disk.beforeWrite = () => gate.promise;
    const busy = store.create();
    give(busy, octets(1_000_000), 100_000);
    await turn();
    const dropping = busy.drop();
    gate.resolve();
    await dropping;
    busy.append(octets(10));
    expect(await busy.finish()).toEqual({ ok: false });

    const done = store.create();
    done.append(octets(memoryBytes + 1));
    await done.finish();
    await Promise.all([done.drop(), done.drop()]);
    await expect(done.read(0, 10)).rejects.toThrow();
    expect(files()).toEqual([]);
    expect(failures).toEqual([]);
    // The write that was under way, and none of those behind it.
    expect(disk.writes.length).toBeLessThan(5);
  });
});

describe('the store', () => {
  test('removes what a dead core left, and nothing else', async () => {
    mkdirSync(join(directory, 'run-dead'), { recursive: true });
    writeFileSync(join(directory, 'run-dead', '1.spool'), 'left over');
    writeFileSync(join(directory, 'notes.txt'), 'of somebody else');
    chmodSync(directory, 0o755);
    await openStore();
    expect(existsSync(join(directory, 'run-dead'))).toBe(false);
    expect(existsSync(join(directory, 'notes.txt'))).toBe(true);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  test('takes all spools with it when it stops', async () => {
    const store = await openStore();
    for (let i = 0; i < 3; i++) {
      const spool = store.create();
      spool.append(octets(memoryBytes + 1));
      await spool.finish();
    }
    expect(files()).toHaveLength(3);
    await store.stop();
    await store.stop();
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe('memory that large spools share', () => {
  const mebibytes = (count: number) => octets(count * 1024 * 1024);

  async function openShared(sharedMemoryBytes: number): Promise<SpoolStore> {
    const store = await openSpoolStore({
      directory,
      memoryBytes,
      sharedMemoryBytes,
      onFailure: () => undefined,
    });
    stores.push(store);
    return store;
  }

  test('spares them the file while there is enough of it', async () => {
    const store = await openShared(32 * 1024 * 1024);
    const bytes = mebibytes(9);
    const spool = store.create();
    give(spool, bytes, 100_000);
    await spool.finish();
    expect(files()).toEqual([]);
    expect(Buffer.compare(await allOf(spool), bytes)).toBe(0);
  });

  test('one that finds it taken goes to a file; it is free again when the other is dropped', async () => {
    const store = await openShared(4 * 1024 * 1024);
    const [first, second] = [store.create(), store.create()];
    first.append(mebibytes(2));
    second.append(mebibytes(2));
    await second.finish();
    expect(files()).toHaveLength(1);
    expect(Buffer.compare(await allOf(second), mebibytes(2))).toBe(0);
    await first.drop();
    const third = store.create();
    third.append(mebibytes(2));
    await third.finish();
    expect(files()).toHaveLength(1);
  });

  test('one that outgrows it moves to a file whole, and gives it back', async () => {
    const store = await openShared(4 * 1024 * 1024);
    const spool = store.create();
    give(spool, mebibytes(5), 1_000_000);
    await spool.finish();
    expect(files()).toHaveLength(1);
    expect(Buffer.compare(await allOf(spool), mebibytes(5))).toBe(0);
    const next = store.create();
    next.append(mebibytes(2));
    await next.finish();
    expect(files()).toHaveLength(1);
  });
});
