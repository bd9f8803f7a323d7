// With a stand-in for nft: what the backend makes of its answers and of its end. The kernel itself is met in e2e/intercept.

import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Availability } from '../../contract/state.ts';
import type { InterceptionBackend, InterceptionPlan } from '../backend.ts';
import { createNetfilterBackend, type NetfilterOptions } from './netfilter.ts';

const plan: InterceptionPlan = { enabled: true, ports: [{ from: 143, to: 143 }], excluded: [] };

let folder: string;
let backend: InterceptionBackend;
let logged: [string, Readonly<Record<string, unknown>>][];
let states: Availability[];
let onState: () => void;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-netfilter-'));
  writeFileSync(join(folder, 'reserved'), '8080\n');
  logged = [];
  states = [];
});
afterEach(async () => {
  await backend.stop();
  rmSync(folder, { recursive: true });
});

/**
 * A program that reads as nft does. It keeps what it was told in `told`. `refuse` is a shell pattern: transactions that
 * match it fail. A file `end` in the folder makes it end at its next transaction, a file `busy` makes it refuse all.
 */
function standIn(refuse = 'nothing'): string {
  const path = join(folder, 'nft');
  const text = `#!/bin/sh
[ "$1" = --version ] && { echo 'nftables v9.9 (test)'; exit; }
echo $$ > '${folder}/pid'
while read -r line; do
  case "$line" in
    "list set"*) echo "elements = { $token }";;
    describe*) echo 'payload expression, datatype inet_service (x)';;
    *)
      [ -e '${folder}/end' ] && { echo 'Error: told to end' >&2; exit 3; }
      if [ -e '${folder}/busy' ]; then rm '${folder}/busy'; echo 'Error: busy' >&2; continue; fi
      case "$line" in ${refuse}) echo 'Error: refused' >&2; echo 'second line' >&2; continue;; esac
      echo "$line" >> '${folder}/told'
      token=\${line##*\\{ }; token=\${token%% *};;
  esac
done
`;
  writeFileSync(path, text, { mode: 0o755 });
  return path;
}

const told = () => readFileSync(join(folder, 'told'), 'utf8').trim().split('\n');
const reserved = () => readFileSync(join(folder, 'reserved'), 'utf8');

function create(options: Partial<NetfilterOptions>): InterceptionBackend {
  backend = createNetfilterBackend({
    uid: 0,
    onConnection: () => undefined,
    onStateChange: (state) => {
      states.push(state);
      onState?.();
    },
    findOwner: async () => undefined,
    log: (event, fields) => logged.push([event, fields]),
    reservedPortsPath: join(folder, 'reserved'),
    ...options,
  });
  return backend;
}

/** Waits until `count` changes of state were told. */
async function changes(count: number): Promise<void> {
  while (states.length < count) {
    await new Promise<void>((resolve) => {
      onState = resolve;
    });
  }
}

const listenPort = () => Number(logged.find(([event]) => event === 'interception-ready')?.[1]['port']);

describe('what is missing is said', () => {
  test('no privilege', async () => {
    expect(await create({ uid: 1000, nftPath: standIn() }).start(plan)).toEqual({
      state: 'unavailable',
      reason: 'no-privilege',
    });
  });

  test('no nft', async () => {
    expect(await create({ nftPath: join(folder, 'none') }).start(plan)).toEqual({
      state: 'unavailable',
      reason: 'no-nft',
    });
    expect(reserved()).toBe('8080\n');
  });

  test('an nft that refuses, after some tries, by its first line; nothing is left behind', async () => {
    expect(await create({ nftPath: standIn('*') }).start(plan)).toEqual({
      state: 'unavailable',
      reason: 'nft-failed',
      detail: 'Error: refused',
    });
    expect(logged.filter(([event]) => event === 'nft-failed')).toHaveLength(2);
    expect(reserved()).toBe('8080\n');
    const [error] = await once(connect({ host: '127.0.0.1', port: listenPort() }), 'error');
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
    expect(states).toEqual([]);
  });

  test('an nft that ends at once, by how it ended', async () => {
    const nftPath = join(folder, 'nft');
    writeFileSync(nftPath, '#!/bin/sh\nexit 7\n', { mode: 0o755 });
    expect(await create({ nftPath }).start(plan)).toMatchObject({
      reason: 'nft-failed',
      detail: 'nft ended with 7',
    });
  });
});

describe('with an nft that obeys', () => {
  test('starts in one transaction, changes by deltas, and puts all back', async () => {
    create({ nftPath: standIn() });
    expect(await backend.start(plan)).toEqual({ state: 'active' });
    expect(reserved()).toBe('8080,61000-65535\n');
    expect(await backend.apply({ ...plan, ports: [{ from: 143, to: 144 }] })).toEqual({ state: 'active' });
    expect(await backend.apply({ ...plan, ports: [{ from: 143, to: 144 }] })).toEqual({ state: 'active' });
    await backend.release();
    await backend.release();
    await backend.stop();
    await backend.stop();
    const [create0, grow, release, ...rest] = told();
    expect(create0).toMatch(
      /^add table inet postern_0 .*add element inet postern_0 ports \{ 143 \}; flush set/,
    );
    expect(grow).toMatch(/^add element inet postern_0 ports \{ 144 \}; flush set/);
    expect(release).toMatch(/^delete element inet postern_0 ports \{ 143, 144 \}; flush set/);
    expect(rest).toEqual([]);
    expect(reserved()).toBe('8080\n');
  });

  test('a plan that is switched off starts nothing until it is switched on', async () => {
    create({ nftPath: standIn() });
    const off = { enabled: false, ports: [], excluded: [] };
    expect(await backend.start(off)).toEqual({ state: 'off', reason: 'protection-off' });
    expect(logged).toEqual([]);
    expect(await backend.apply(plan)).toEqual({ state: 'active' });
    expect(await backend.apply(off)).toEqual({ state: 'off', reason: 'protection-off' });
    expect(told()[1]).toMatch(/^delete element inet postern_0 ports \{ 143 \}/);
  });

  test('a table of a killed core that is still there is waited for', async () => {
    create({ nftPath: standIn() });
    writeFileSync(join(folder, 'busy'), '');
    expect(await backend.start(plan)).toEqual({ state: 'active' });
    expect(logged.map(([event]) => event)).toEqual(['interception-ready', 'nft-failed']);
  });

  test('a change that is refused makes everything anew, so that no old rule passes for a new one', async () => {
    create({ nftPath: standIn('"delete element"*') });
    await backend.start(plan);
    expect(await backend.apply({ ...plan, ports: [{ from: 110, to: 110 }] })).toEqual({ state: 'active' });
    expect(told()[1]).toMatch(/^add table .*ports \{ 110 \}/);
    expect(states).toEqual([]);
  });

  test('lost, it says so and starts again with what was wanted last', async () => {
    create({ nftPath: standIn() });
    await backend.start(plan);
    await backend.release();
    process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), 'SIGKILL');
    await changes(2);
    expect(states).toEqual([
      { state: 'unavailable', reason: 'nft-failed', detail: 'nft ended with SIGKILL' },
      { state: 'active' },
    ]);
    expect(told().at(-1)).not.toContain('add element inet postern_0 ports');
  });

  test('lost in the middle of a change, the change says so as well', async () => {
    create({ nftPath: standIn() });
    await backend.start(plan);
    writeFileSync(join(folder, 'end'), '');
    expect(await backend.apply({ ...plan, ports: [] })).toMatchObject({
      state: 'unavailable',
      detail: 'Error: told to end',
    });
    rmSync(join(folder, 'end'));
    expect(await backend.apply({ ...plan, ports: [] })).toEqual({ state: 'active' });
  });

  test('lost again and again, it stays away', async () => {
    create({ nftPath: standIn(), now: () => 0 });
    await backend.start(plan);
    const lose = () => process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), 'SIGKILL');
    for (const changed of [2, 4]) {
      lose();
      await changes(changed);
    }
    // The third wait is long; a change of the settings need not wait for it.
    lose();
    await changes(5);
    expect(await backend.apply(plan)).toEqual({ state: 'active' });
    lose();
    await changes(6);
    expect(states.at(-1)).toMatchObject({ state: 'unavailable', reason: 'nft-failed' });
    expect(logged.at(-1)).toEqual(['nft-given-up', { losses: 4 }]);
  });

  test('who connects to the listener directly is refused, and logged now and then', async () => {
    const arrived: unknown[] = [];
    create({ nftPath: standIn(), onConnection: (connection) => arrived.push(connection) });
    await backend.start(plan);
    for (let i = 0; i < 5; i++) {
      const client = connect({ host: '127.0.0.1', port: listenPort() });
      client.on('error', () => client.destroy());
      await once(client.resume(), 'close');
    }
    expect(arrived).toEqual([]);
    const refusals = logged
      .filter(([event]) => event === 'not-redirected')
      .map(([, fields]) => fields['refused']);
    expect(refusals).toEqual([1, 2, 4]);
  });

  test('stopped while it starts, it leaves nothing', async () => {
    create({ nftPath: standIn() });
    const started = backend.start(plan);
    await backend.stop();
    await started;
    expect(reserved()).toBe('8080\n');
    expect(await backend.apply(plan)).toEqual({ state: 'off', reason: 'intercept-off' });
  });
});
