// A headless core as users start it: from its ready line to its end.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { defaultSettings } from '../../contract/settings.ts';

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const posternPath = resolve(import.meta.dirname, '../../../bin/postern');

interface Ended {
  readonly code: unknown;
  readonly output: string;
  readonly errors: string;
}

let base: string;
let dataDir: string;
let core: ChildProcess;
let ready: Readonly<Record<string, unknown>>;
let firstUrl: string;
let errors = '';

function postern(...args: readonly string[]): Promise<Ended> {
  return new Promise((done) => {
    const env = { ...process.env, HOME: base };
    execFile(posternPath, [...args, '--data-dir', dataDir], { env }, (error, stdout, stderr) =>
      done({ code: error?.code ?? 0, output: stdout, errors: stderr }),
    );
  });
}

function start(): ChildProcess {
  const child = spawn(posternPath, ['headless', '--data-dir', dataDir, '--intercept', 'off'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A core puts its root into the stores of its user's home.
    env: { ...process.env, HOME: base },
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  return child;
}

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'postern-headless-'));
  dataDir = join(base, 'data');
  core = start();
  const line = await new Promise<string>((done, fail) => {
    core.stdout?.once('data', (bytes) => done(String(bytes)));
    core.once('exit', (code) => fail(new Error(`ended with ${code} before it was ready: ${errors}`)));
  });
  ready = JSON.parse(line);
  firstUrl = String(/"url":"([^"]+)"/.exec(JSON.stringify(ready))?.[1]);
});

afterAll(() => {
  core.kill('SIGKILL');
  rmSync(base, { recursive: true, force: true });
});

test('the ready line tells the process that was started, and where things are', () => {
  expect(ready).toMatchObject({
    event: 'ready',
    pid: core.pid,
    interception: { state: 'off', reason: 'intercept-off' },
    listeners: [],
    dataDir,
  });
  expect(readFileSync(String(ready['ca']), 'utf8')).toContain('BEGIN CERTIFICATE');
  expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  expect(statSync(join(dataDir, 'core.sock')).mode & 0o777).toBe(0o600);
});

describe('commands', () => {
  test('status tells what runs', async () => {
    const { code, output } = await postern('status');
    expect(code).toBe(0);
    expect(output).toContain('interception   off');
    expect(JSON.parse((await postern('status', '--json')).output)).toMatchObject({
      settings: defaultSettings,
    });
  });

  test('settings are read, set, exported, imported and reset', async () => {
    expect(await postern('settings', 'set', 'mailTransport.imapsPorts', '993, 1993')).toMatchObject({
      code: 0,
    });
    expect((await postern('settings', 'get', 'mailTransport.imapsPorts')).output).toBe('993, 1993\n');
    const file = join(base, 'exported.json');
    expect(await postern('settings', 'export', file)).toMatchObject({ code: 0, errors: '' });
    expect(await postern('settings', 'reset')).toMatchObject({ code: 0 });
    expect(JSON.parse((await postern('settings', 'get')).output)).toEqual(defaultSettings);
    expect(await postern('settings', 'import', file)).toMatchObject({ code: 0, errors: '' });
    expect((await postern('settings', 'get', 'mailTransport.imapsPorts')).output).toBe('993, 1993\n');
    writeFileSync(file, '{"version":1,"appearance":{"theme":"pink"}}');
    expect(await postern('settings', 'import', file)).toMatchObject({
      code: 3,
      errors: 'postern: a value is not valid: appearance: theme\n',
    });
  });

  test('an unknown original is not there', async () => {
    expect(await postern('quarantine', 'list', '--json')).toMatchObject({ code: 0, output: '[]\n' });
    expect(await postern('quarantine', 'restore', 'nothing', '-')).toMatchObject({ code: 3, output: '' });
  });

  test('a second core on the same data is refused', async () => {
    const { code, errors: line } = await postern('headless', '--intercept', 'off');
    expect(code).toBe(3);
    expect(line).toBe(`postern: Postern is running already: ${dataDir}\n`);
  });
});

test('the console opens by the URL of the ready line once, and by each fresh one', async () => {
  const open = (url: string) => fetch(url, { redirect: 'manual' });
  expect((await open(firstUrl)).status).toBe(303);
  expect((await open(firstUrl)).status).toBe(401);
  const { output } = await postern('console');
  expect(output).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{22}\/\?token=[\w-]{43}\n$/);
  const { status, headers } = await open(output.trim());
  expect(status).toBe(303);
  expect(headers.get('set-cookie')).toContain('HttpOnly');
});

test('SIGTERM ends it with 0, and no secret was logged', async () => {
  core.kill('SIGTERM');
  const [code] = await once(core, 'exit');
  expect(code).toBe(0);
  expect(errors).not.toContain(String(new URL(firstUrl).searchParams.get('token')));
  expect(statSync(join(dataDir, 'core.sock'), { throwIfNoEntry: false })).toBeUndefined();
  expect(await postern('status')).toMatchObject({ code: 3 });
});
