// clamd itself, as an engine of the scanner: what it finds, and what becomes of a thousand messages while it dies,
// hangs, reloads, or has too little of everything.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RemoteEngine } from '../../src-main/scanner/engines/remote-engine.ts';
import { startScanner } from '../../src-main/scanner/pool.ts';
import { withRemoteEngines } from '../../src-main/scanner/remote-scanner.ts';
import type { Scanner } from '../../src-main/scanner/scanner.ts';
import { attachment, eicar, message, multipart, textPart } from '../../src-main/scanner/test-messages.ts';
import { type Clamd, clamdFile, clamdPattern, makeClamd } from '../support/clamd.ts';
import { makeDirectory } from '../support/directory.ts';
import {
  clamdAt,
  manyMessages,
  realTime,
  sampleMessages,
  scanMany,
  scanned,
  untilUp,
} from '../support/remote-engines.ts';
import { missingTools } from '../support/tools.ts';

const missing = missingTools(['clamd']);

describe.skipIf(missing !== undefined)(`clamd${missing ?? ''}`, () => {
  let directory = '';
  let clamd: Clamd;
  const engines: RemoteEngine[] = [];
  const use = (engine: RemoteEngine): RemoteEngine => {
    engines.push(engine);
    return engine;
  };

  beforeAll(async () => {
    directory = makeDirectory('clamd');
    // Little of everything: scans must wait for it, and none may be lost.
    clamd = await makeClamd({
      directory,
      lines: ['MaxThreads 2', 'MaxQueue 4', 'MaxConnectionQueueLength 5'],
    });
    await clamd.start();
  });
  afterEach(async () => {
    await Promise.all(engines.splice(0).map((engine) => engine.stop()));
  });
  afterAll(async () => {
    await clamd.stop();
    rmSync(directory, { recursive: true });
  });

  it.each(['socket', 'port'])('says what it finds, at its %s', async (kind) => {
    const engine = use(clamdAt(kind === 'socket' ? clamd.socketPath : `127.0.0.1:${clamd.port}`));
    const answers = await Promise.all(
      Object.entries(sampleMessages).map(async ([name, bytes]) => [name, await scanned(engine, bytes)]),
    );
    expect(Object.fromEntries(answers)).toEqual({
      clean: { kind: 'clean' },
      'an attachment': { kind: 'found', name: 'Mail.Test.Eicar.UNOFFICIAL', category: 'test' },
      'a zip': { kind: 'found', name: 'Mail.Test.Eicar.UNOFFICIAL', category: 'test' },
      'a known file': { kind: 'found', name: 'Mail.Test.File.UNOFFICIAL', category: 'malware' },
      'an encrypted zip': { kind: 'incomplete', limits: ['encrypted'] },
    });
    expect(engine.version).toMatch(/^ClamAV \d/);
  });

  it('has large messages from memory and from files, and says which are too large', async () => {
    const path = join(directory, 'spool');
    const found = { kind: 'found', name: 'Mail.Test.Pattern.UNOFFICIAL', category: 'malware' };
    for (const address of [clamd.socketPath, `127.0.0.1:${clamd.port}`]) {
      const engine = use(clamdAt(address));
      for (const [mebibytes, answer] of [
        [3, found],
        [4, { kind: 'skipped', detail: 'size' }],
        [30, { kind: 'skipped', detail: 'size' }],
        [2, found],
      ] as const) {
        const bytes = Buffer.concat([Buffer.alloc(mebibytes * 1024 * 1024, 'text '), clamdPattern]);
        writeFileSync(path, bytes);
        const source = { kind: 'file', path, sizeBytes: bytes.length } as const;
        // Memory first: it is faster than clamd, which then closes before its refusal is read.
        expect(await scanned(engine, bytes)).toEqual(answer);
        expect(await engine.scan(source, new AbortController().signal)).toEqual(answer);
      }
    }
  });

  it('gives a thousand messages their verdicts, with two threads and a queue of four', async () => {
    const engine = use(clamdAt(clamd.socketPath));
    expect(await scanMany(engine, manyMessages(1_000))).toEqual({ right: 1_000, none: {}, wrong: [] });
  });

  it('loses no message beside those that are too large', async () => {
    const engine = use(clamdAt(`127.0.0.1:${clamd.port}`));
    const large = Buffer.alloc(6 * 1024 * 1024, 'text ');
    const [many, ...skipped] = await Promise.all([
      scanMany(engine, manyMessages(300)),
      ...[1, 2, 3].map(() => scanned(engine, large)),
    ]);
    expect(many).toEqual({ right: 300, none: {}, wrong: [] });
    expect(skipped.every(({ kind }) => kind === 'skipped')).toBe(true);
  });

  it('reloads among a thousand messages, and knows then what it did not', async () => {
    const engine = use(clamdAt(clamd.socketPath));
    const added = Buffer.from(['POSTERN-E2E-', 'LATE-', Math.random().toString(36)].join(''));
    expect(await scanned(engine, message([], added))).toEqual({ kind: 'clean' });
    clamd.addPattern('Mail.Test.Late', added);
    let reloading: Promise<void> | undefined;
    const many = await scanMany(engine, manyMessages(1_000), (answered) => {
      if (answered === 200) reloading = clamd.reload();
    });
    await reloading;
    expect(many).toEqual({ right: 1_000, none: {}, wrong: [] });
    let answer = await scanned(engine, message(['X-Try: 0'], added));
    for (let tries = 1; answer.kind === 'clean' && tries < 100; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      answer = await scanned(engine, message([`X-Try: ${tries}`], added));
    }
    expect(answer).toMatchObject({ kind: 'found', name: 'Mail.Test.Late.UNOFFICIAL' });
  });

  it('dies among a thousand messages: each has its verdict or none, and it comes back', async () => {
    const engine = use(clamdAt(clamd.socketPath));
    const many = await scanMany(engine, manyMessages(1_000), (answered) => {
      if (answered === 300) clamd.signal('SIGKILL');
    });
    expect(many.wrong).toEqual([]);
    expect(many.right).toBeGreaterThanOrEqual(300);
    expect(many.right + (many.none['down'] ?? 0)).toBe(1_000);
    expect(many.none['down']).toBeGreaterThan(0);
    expect(await scanned(engine, eicar)).toEqual({ kind: 'down' });
    await clamd.start();
    await untilUp(engine);
    expect(await scanMany(engine, manyMessages(100))).toEqual({ right: 100, none: {}, wrong: [] });
  });

  it('hangs among a thousand messages: each has its verdict or none, and it comes back', async () => {
    const engine = use(clamdAt(clamd.socketPath));
    const many = await scanMany(engine, manyMessages(1_000), (answered) => {
      if (answered === 300) clamd.signal('SIGSTOP');
    });
    clamd.signal('SIGCONT');
    expect(many.wrong).toEqual([]);
    expect(many.right).toBeGreaterThanOrEqual(300);
    expect(many.right + (many.none['down'] ?? 0) + (many.none['timeout'] ?? 0)).toBe(1_000);
    expect(many.right).toBeLessThan(1_000);
    await untilUp(engine);
    expect(await scanMany(engine, manyMessages(100))).toEqual({ right: 100, none: {}, wrong: [] });
  });
});

describe.skipIf(missing !== undefined)(`a scanner with clamd${missing ?? ''}`, () => {
  let directory = '';
  let clamd: Clamd;
  let builtIn: Scanner;
  let engine: RemoteEngine;
  let scanner: Scanner;

  beforeAll(async () => {
    directory = makeDirectory('clamd');
    clamd = await makeClamd({ directory });
    await clamd.start();
    engine = clamdAt(clamd.socketPath);
    await untilUp(engine);
    builtIn = await startScanner({
      workerUrl: new URL('../../src-main/scanner/worker.ts', import.meta.url),
      rulesDirectory: new URL('../../src-main/scanner/rules/', import.meta.url),
      workers: 1,
    });
    scanner = withRemoteEngines({
      scanner: builtIn,
      engines: () => [engine],
      timeoutMs: () => 60_000,
      ...realTime,
    });
  });
  afterAll(async () => {
    await scanner.stop();
    await engine.stop();
    await clamd.stop();
    rmSync(directory, { recursive: true });
  });

  it('has the verdict of both', async () => {
    const bytes = sampleMessages['an attachment'] ?? Buffer.alloc(0);
    const { verdict } = await scanner.scan({ kind: 'bytes', bytes });
    expect(verdict).toMatchObject({ outcome: 'infected', complete: true });
    expect(verdict.detections.map(({ engine: id }) => id).toSorted()).toEqual(['clamd', 'yara-x']);
    expect(verdict.engines).toEqual([
      { id: 'clamd', version: engine.version, status: 'ok', ms: expect.any(Number) },
    ]);
  });

  it.each([
    ['an attachment', multipart('b', [textPart, attachment('a.bin', clamdFile), textPart]), '2/a.bin'],
    ['a text', message([], Buffer.concat([Buffer.from('Before '), clamdPattern])), undefined],
    ['a header', message([`X-Note: ${clamdPattern}`], 'Text\r\n'), ''],
    [
      'an attachment, and what both know',
      multipart('b', [attachment('eicar.com', eicar), attachment('a.bin', clamdFile), textPart]),
      undefined,
    ],
  ])('makes harmless what clamd alone finds: in %s', async (_, bytes, part) => {
    const { verdict, overwrites, tags } = await scanner.scan(
      { kind: 'bytes', bytes },
      { neutralise: true, tag: { subject: '[%DETECTIONNAME%]', header: true } },
    );
    expect(verdict.outcome).toBe('infected');
    const found = verdict.detections.filter((each) => each.engine === 'clamd');
    expect(found.length).toBeGreaterThan(0);
    if (part !== undefined) expect(found[0]?.part).toBe(part);
    const changed = Buffer.from(bytes);
    for (const { offset, bytes: octets } of [...overwrites, ...tags]) changed.set(octets, offset);
    expect(changed.length).toBe(bytes.length);
    expect(await scanned(engine, changed)).toEqual({ kind: 'clean' });
    expect((await scanner.scan({ kind: 'bytes', bytes: changed })).verdict.outcome).toBe('clean');
  });

  it('keeps the parts in which clamd found nothing', async () => {
    const bytes = multipart('b', [textPart, attachment('a.bin', clamdFile), textPart]);
    const { overwrites } = await scanner.scan({ kind: 'bytes', bytes }, { neutralise: true });
    const changed = Buffer.from(bytes);
    for (const { offset, bytes: octets } of overwrites) changed.set(octets, offset);
    expect(changed.toString('latin1').split('See attachment.').length).toBe(3);
  });

  it('goes on without it, and says so', async () => {
    clamd.signal('SIGKILL');
    const bytes = sampleMessages['clean'] ?? Buffer.alloc(0);
    const { verdict } = await scanner.scan({ kind: 'bytes', bytes });
    expect(verdict).toMatchObject({
      outcome: 'not-scanned',
      limits: ['engine-down'],
      engines: [{ id: 'clamd', status: 'down' }],
    });
    const infected = await scanner.scan(
      { kind: 'bytes', bytes: sampleMessages['an attachment'] ?? Buffer.alloc(0) },
      { neutralise: true },
    );
    expect(infected.verdict.outcome).toBe('infected');
    expect(infected.overwrites.length).toBeGreaterThan(0);
    await clamd.start();
    await untilUp(engine);
    expect((await scanner.scan({ kind: 'bytes', bytes })).verdict.outcome).toBe('clean');
  });
});
