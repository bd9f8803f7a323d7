// The desktop host as it is built, with a stand-in for Electron: what it starts, in which order, and what it leaves alone.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buildIfStale } from '../../scripts/build.ts';
import { type SocketCore, startSocketCore } from '../../src-main/hosts/electron/core.fixture.ts';
import { atHome } from '../support/core.ts';
import { makeDirectory } from '../support/directory.ts';
import { missingTools } from '../support/tools.ts';

interface Entry {
  readonly what: string;
  readonly facts: unknown;
}

const program = resolve(import.meta.dirname, 'run-with-fake-electron.ts');

let directory: string;
let host: ChildProcess | undefined;

beforeAll(async () => {
  expect(await buildIfStale()).toBe(true);
});
beforeEach(() => {
  directory = makeDirectory('desktop');
});
afterEach(() => {
  host?.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

/** Starts the host; `wrap` puts its command line elsewhere. */
function start(args: readonly string[], wrap: readonly string[] = []) {
  const env = { ...atHome(directory), XDG_STATE_HOME: join(directory, 'state') };
  const [first = process.execPath, ...rest] = [...wrap, process.execPath];
  const child =
    wrap.length === 0
      ? fork(program, args, { env, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
      : spawn(first, [...rest, program, ...args], { env, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  host = child;
  const entries: Entry[] = [];
  let errors = '';
  child.on('message', (entry: Entry) => entries.push(entry));
  child.stderr?.on('data', (bytes) => {
    errors += String(bytes);
  });
  const exited = new Promise<number | null>((done) => child.once('exit', done));
  return {
    entries,
    exited,
    send: (message: object) => child.send(message),
    count: (what: string) => entries.filter((entry) => entry.what === what).length,
    /** Waits for a record. */
    async see(what: string, facts: unknown): Promise<void> {
      await expect
        .poll(() => ({ entries, errors }), { timeout: 20_000 })
        .toMatchObject({ entries: expect.arrayContaining([{ what, facts }]) });
    },
  };
}

describe('with a core of its own', () => {
  test('a hidden start has its core and its icon, and a window when another start asks for one', async () => {
    const dataDir = join(directory, 'data');
    const { entries, exited, send, see, count } = start([
      '--hidden',
      '--data-dir',
      dataDir,
      '--intercept',
      'off',
    ]);
    await see('tip', 'Postern: Protection is off');
    expect(entries.map(({ what }) => what)).toEqual(['sandbox', 'lock', 'ready', 'tray', 'tip']);
    expect(entries).toContainEqual({ what: 'tray', facts: true });
    expect(existsSync(join(dataDir, 'core.sock'))).toBe(true);

    send({ start: { hidden: true } });
    send({ start: { hidden: false } });
    await see('page', 0);
    expect(count('window')).toBe(1);
    expect(entries).toContainEqual({ what: 'load', facts: 'postern://app/index.html' });

    send({ press: 'Stop protecting and quit' });
    expect(await exited).toBe(0);
    expect(existsSync(join(dataDir, 'core.sock'))).toBe(false);
  });

  test('a start that fails says why, on the screen and at its end', async () => {
    const { see, exited } = start(['--data-dir', join(directory, 'data'), '--intercept', 'perhaps']);
    await see('error-box', 'Postern: a value is not valid.');
    expect(await exited).toBe(3);
  });
});

const missing = missingTools(['unshare', 'mount', 'setpriv'], { root: true });

describe.skipIf(missing !== undefined)(`beside a core of the system${missing ?? ''}`, () => {
  let socket: string;
  let core: SocketCore | undefined;
  /** A /run of its own, in which the test's core is the system's. */
  const elsewhere = (...argv: readonly string[]) => [
    'unshare',
    '--mount',
    'sh',
    '-c',
    'mount --bind "$0" /run && exec "$@"',
    join(directory, 'run'),
    ...argv,
  ];

  beforeEach(() => {
    mkdirSync(join(directory, 'run', 'postern'), { recursive: true });
    socket = join(directory, 'run', 'postern', 'core.sock');
  });
  afterEach(async () => {
    await core?.stop();
    core = undefined;
  });

  test('it attaches, follows it through a restart, and leaves it running', async () => {
    core = await startSocketCore(socket, { openConnections: 5 });
    const { entries, exited, send, see, count } = start([], elsewhere());
    await see('page', 5);
    await see('tip', 'Postern: Protected');
    core.change({ openConnections: 6 });
    await see('page', 6);

    await core.stop();
    await see('page-lost', null);
    await see('tip', 'Postern: The connection to the core is lost. Trying again…');
    core = await startSocketCore(socket, { openConnections: 70 });
    await see('page', 70);
    await expect.poll(() => entries.findLast(({ what }) => what === 'tip')?.facts).toBe('Postern: Protected');

    send({ press: 'Quit (protection goes on)' });
    expect(await exited).toBe(0);
    expect(count('window')).toBe(1);
    expect(existsSync(join(directory, 'state'))).toBe(false);
  });

  const unprivileged = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'];

  test('one that is not for this user is left alone, and the user hears of it', async () => {
    core = await startSocketCore(socket);
    chmodSync(socket, 0o000);
    const { entries, exited, see } = start([], elsewhere(...unprivileged));
    await see('message-box', expect.stringContaining('“postern”'));
    expect(await exited).toBe(0);
    expect(entries.map(({ what }) => what)).toEqual(['sandbox', 'lock', 'ready', 'message-box', 'exit']);
    expect(existsSync(join(directory, 'state'))).toBe(false);
  });

  test('… but not at the start of each session', async () => {
    core = await startSocketCore(socket);
    chmodSync(socket, 0o000);
    const { entries, exited } = start(['--hidden'], elsewhere(...unprivileged));
    expect(await exited).toBe(0);
    expect(entries.map(({ what }) => what)).toEqual(['sandbox', 'lock', 'ready', 'exit']);
  });
});
