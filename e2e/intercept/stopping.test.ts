// What becomes of mail when something of us dies or hangs: by default it goes directly to its servers within a second (hung:
// within twelve); where that was chosen, no octet passes until the user decides or the core is back.
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { RunningCore } from '../support/core.ts';
import { missingTools } from '../support/tools.ts';
import { type CoreLab, createCoreLab } from './core-lab.ts';

const missing = missingTools(['nft', 'dovecot', 'openssl'], { namespaces: true });
const node = resolve('node_modules/node/bin/node');
const script = (name: string) => resolve(import.meta.dirname, name);
/** A port that is listed, with a server behind it that says who came. */
const port = 5_143;

interface Seen {
  readonly at: number;
  readonly how: string;
}

describe.skipIf(missing !== undefined)(`when something stops${missing ?? ''}`, () => {
  let hosts: CoreLab;
  let core: RunningCore;
  let watcher: ChildProcess;
  let seen: Seen[];

  beforeAll(async () => {
    hosts = await createCoreLab({ alice: [] });
    const server = hosts.lab.server([node, script('lab-server.ts'), String(port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((listening) => server.stdout?.once('data', listening));
  });
  afterAll(async () => await hosts?.stop());

  beforeEach(async () => {
    core = await hosts.startCore('--console', 'off');
    expect(core.ready.interception).toEqual({ state: 'active' });
    await hosts.postern('settings', 'set', 'mailTransport.imapsPorts', `993, ${port}`);
    seen = [];
    let text = '';
    watcher = hosts.lab.client([node, script('lab-watch.ts'), hosts.lab.internetV4[0], String(port)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    watcher.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (text + chunk).split('\n');
      text = lines.pop() ?? '';
      seen.push(...lines.map((line) => JSON.parse(line) as Seen));
    });
    await vi.waitFor(() => expect(seen.at(-1)?.how).toBe('through'), { timeout: 5_000 });
  });
  afterEach(async () => {
    watcher.stdin?.end();
    if (core.child.exitCode === null) core.child.kill('SIGKILL');
    await vi.waitFor(
      async () =>
        expect((await hosts.lab.runClient(['nft', 'list', 'tables'])).stdout).not.toMatch(
          /postern_(?!block)/,
        ),
      {
        timeout: 5_000,
      },
    );
  });

  const childrenOf = (pid: number) =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  /** The helper: the core's child whose own child is nft. */
  function helperPid(): number {
    const found = childrenOf(core.ready.pid).find((pid) =>
      childrenOf(pid).some((child) => readFileSync(`/proc/${child}/comm`, 'utf8').trim() === 'nft'),
    );
    if (found === undefined) throw new Error('no helper');
    return found;
  }

  /** After how many milliseconds, counted from `sinceMs`, connections were direct without exception. */
  async function directAfter(sinceMs: number, withinMs: number): Promise<number> {
    const first = () => {
      const later = seen.filter(({ at }) => at >= sinceMs);
      const last = later.findLastIndex(({ how }) => how !== 'direct');
      return later[last + 1];
    };
    await vi.waitFor(
      () => {
        const begun = first();
        // Direct for half a second on end.
        expect(begun && (seen.at(-1)?.at ?? 0) - begun.at).toBeGreaterThan(500);
      },
      { timeout: withinMs + 3_000, interval: 50 },
    );
    return (first()?.at ?? Number.POSITIVE_INFINITY) - sinceMs;
  }

  test.each([
    ['the core is killed', () => [core.ready.pid]],
    ['helper and core are killed at once', () => [helperPid(), core.ready.pid]],
  ])('%s: direct within a second', async (_, pids) => {
    const chosen = pids();
    const at = Date.now();
    for (const pid of chosen) process.kill(pid, 'SIGKILL');
    expect(await directAfter(at, 1_000)).toBeLessThan(1_000);
  });

  test('the helper alone is killed: mail goes on at once, and is scanned again soon', async () => {
    const at = Date.now();
    process.kill(helperPid(), 'SIGKILL');
    await vi.waitFor(() => expect(seen.some((one) => one.at > at && one.how === 'direct')).toBe(true), {
      timeout: 2_000,
    });
    await vi.waitFor(() => expect(seen.at(-1)?.how).toBe('through'), { timeout: 5_000 });
    const served = ['direct', 'through'];
    const lastFailure = seen.findLast((one) => one.at >= at && !served.includes(one.how));
    expect((lastFailure?.at ?? at) - at).toBeLessThan(1_000);
  });

  test('the core hangs: direct within twelve seconds', async () => {
    const at = Date.now();
    process.kill(core.ready.pid, 'SIGSTOP');
    expect(await directAfter(at, 12_000)).toBeLessThan(12_000);
  });

  test('a graceful stop loses no connection', async () => {
    const at = Date.now();
    await core.stop();
    expect(await directAfter(at, 1_000)).toBeLessThan(1_000);
    await wait(200);
    expect(seen.filter((one) => one.at >= at && !['direct', 'through'].includes(one.how))).toEqual([]);
  });

  describe('with "block mail" chosen', () => {
    beforeEach(async () => {
      await hosts.postern('settings', 'set', 'mailTransport.whenStopped', 'block');
    });
    afterEach(async () => {
      // The user decides: a core with the setting taken back.
      if (core.child.exitCode === null && core.child.signalCode === null) core.child.kill('SIGKILL');
      core = await hosts.startCore('--console', 'off');
      await hosts.postern('settings', 'set', 'mailTransport.whenStopped', 'pass');
      expect((await hosts.lab.runClient(['nft', 'list', 'tables'])).stdout).not.toContain('block');
    });

    const passed = (sinceMs: number) => seen.filter(({ at, how }) => at >= sinceMs && how === 'direct');

    test.each([
      ['core', () => [core.ready.pid]],
      ['helper and core', () => [helperPid(), core.ready.pid]],
    ])('%s killed: refused, and through again with a new core', async (_, pids) => {
      const chosen = pids();
      const at = Date.now();
      for (const pid of chosen) process.kill(pid, 'SIGKILL');
      await wait(2_000);
      expect(passed(at)).toEqual([]);
      expect(seen.at(-1)?.how).toBe('ECONNREFUSED');
      core = await hosts.startCore('--console', 'off');
      await vi.waitFor(() => expect(seen.at(-1)?.how).toBe('through'), { timeout: 5_000 });
      expect(passed(at)).toEqual([]);
    });

    test('helper alone killed: nothing passes directly', async () => {
      const at = Date.now();
      process.kill(helperPid(), 'SIGKILL');
      await wait(1_500);
      await vi.waitFor(() => expect(seen.at(-1)?.how).toBe('through'), { timeout: 5_000 });
      expect(passed(at)).toEqual([]);
    });

    test('a hung core: nothing passes directly', async () => {
      const at = Date.now();
      process.kill(core.ready.pid, 'SIGSTOP');
      await wait(13_000);
      expect(passed(at)).toEqual([]);
      expect(seen.at(-1)?.how).toBe('ECONNREFUSED');
      process.kill(core.ready.pid, 'SIGCONT');
      await vi.waitFor(() => expect(seen.at(-1)?.how).toBe('through'), { timeout: 10_000 });
      expect(passed(at)).toEqual([]);
    });

    test('a core that is stopped leaves the block', async () => {
      const at = Date.now();
      await core.stop();
      await wait(500);
      expect(passed(at)).toEqual([]);
    });

    test('protection that is switched off lets mail pass', async () => {
      await hosts.postern('settings', 'set', 'mailTransport.enabled', 'false');
      await vi.waitFor(() => expect(seen.at(-1)?.how).toBe('direct'), { timeout: 3_000 });
      await hosts.postern('settings', 'set', 'mailTransport.enabled', 'true');
    });
  });

  test('nothing of us is left when the last core has stopped', async () => {
    await core.stop();
    expect((await hosts.lab.runClient(['nft', 'list', 'ruleset'])).stdout).not.toContain('postern');
    expect(
      (await hosts.lab.runClient(['sysctl', '-n', 'net.ipv4.ip_local_reserved_ports'])).stdout.trim(),
    ).toBe('');
  });
});
