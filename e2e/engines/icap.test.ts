// c-icap with its virus_scan service over clamd, as an engine of the scanner: it says what clamd says, and no message
// is lost when it goes away.
import { rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RemoteEngine } from '../../src-main/scanner/engines/remote-engine.ts';
import { eicar, infectedMessages } from '../../src-main/scanner/test-messages.ts';
import { type CIcap, missingModules, startCIcap } from '../support/c-icap.ts';
import { type Clamd, clamdPattern, makeClamd } from '../support/clamd.ts';
import { makeDirectory } from '../support/directory.ts';
import {
  clamdAt,
  icapAt,
  manyMessages,
  sampleMessages,
  scanMany,
  scanned,
  untilUp,
} from '../support/remote-engines.ts';
import { missingTools } from '../support/tools.ts';

const missing = missingTools(['clamd', 'c-icap']) ?? missingModules;

describe.skipIf(missing !== undefined)(`c-icap with virus_scan${missing ?? ''}`, () => {
  let directory = '';
  let clamd: Clamd;
  let server: CIcap;
  const engines: RemoteEngine[] = [];
  const use = (engine: RemoteEngine): RemoteEngine => {
    engines.push(engine);
    return engine;
  };
  const icap = (service: string) => use(icapAt(`icap://127.0.0.1:${server.port}/${service}`));

  beforeAll(async () => {
    directory = makeDirectory('c-icap');
    clamd = await makeClamd({ directory, streamMaxLength: '25M' });
    await clamd.start();
    server = await startCIcap(directory, clamd.socketPath);
  });
  afterEach(async () => {
    await Promise.all(engines.splice(0).map((engine) => engine.stop()));
  });
  afterAll(async () => {
    await server.stop();
    await clamd.stop();
    rmSync(directory, { recursive: true });
  });

  it.each(['avscan', 'virus_scan'])('says what clamd says: %s', async (service) => {
    const [one, other] = [use(clamdAt(clamd.socketPath)), icap(service)];
    let found = 0;
    for (const [name, bytes] of Object.entries({ ...infectedMessages, ...sampleMessages })) {
      const answer = await scanned(one, bytes);
      if (answer.kind === 'found') found++;
      expect([name, await scanned(other, bytes)]).toEqual([name, answer]);
    }
    expect(found).toBeGreaterThan(8);
    expect(other.version).toMatch(/^CI0001-/);
  });

  it('has every octet of large messages', async () => {
    const engine = icap('avscan');
    for (const mebibytes of [1, 3, 10]) {
      const text = Buffer.alloc(mebibytes * 1024 * 1024, 'text ');
      expect(await scanned(engine, text)).toEqual({ kind: 'clean' });
      expect(await scanned(engine, Buffer.concat([text, clamdPattern]))).toEqual({
        kind: 'found',
        name: 'Mail.Test.Pattern.UNOFFICIAL',
        category: 'malware',
      });
    }
  });

  it('that answers before it has scanned is understood, and so is what it does not look into', async () => {
    const engine = icap('virus_scan');
    const text = Buffer.alloc(2 * 1024 * 1024, 'text ');
    expect(await scanned(engine, text)).toEqual({ kind: 'clean' });
    // It has told the fields of its answer by then.
    expect(await scanned(engine, Buffer.concat([text, clamdPattern]))).toMatchObject({
      kind: 'found',
      name: 'Icap.Blocked',
    });
    const large = Buffer.concat([text, text, clamdPattern]);
    expect(await scanned(engine, large)).toEqual({ kind: 'skipped', detail: 'preview' });
  });

  it('gives a thousand messages their verdicts', async () => {
    expect(await scanMany(icap('avscan'), manyMessages(1_000))).toEqual({
      right: 1_000,
      none: {},
      wrong: [],
    });
  });

  it('has no such service', async () => {
    expect(await scanned(icap('nothing'), eicar)).toEqual({ kind: 'failed', detail: 'icap 404' });
  });

  it('calls nothing clean while clamd behind it is away', async () => {
    const engine = icap('avscan');
    await untilUp(engine);
    clamd.signal('SIGKILL');
    const answer = await scanned(engine, sampleMessages['clean'] ?? Buffer.alloc(0));
    await clamd.start();
    expect(answer.kind).toBe('failed');
  });

  it('ends among a thousand messages: each has its verdict or none, and it comes back', async () => {
    const engine = icap('avscan');
    let stopping: Promise<void> | undefined;
    const many = await scanMany(engine, manyMessages(1_000), (answered) => {
      if (answered === 300) stopping = server.stop();
    });
    await stopping;
    expect(many.wrong).toEqual([]);
    expect(many.right).toBeGreaterThanOrEqual(300);
    expect(many.right + (many.none['down'] ?? 0)).toBe(1_000);
    server = await startCIcap(directory, clamd.socketPath, server.port);
    await untilUp(engine);
    expect(await scanMany(engine, manyMessages(100))).toEqual({ right: 100, none: {}, wrong: [] });
  });
});
