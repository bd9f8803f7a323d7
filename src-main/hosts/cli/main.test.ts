// The command as users start it: what it says, and its exit codes.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const posternPath = resolve(import.meta.dirname, '../../../bin/postern');
const eicar = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}', '$EICAR-STANDARD-', 'ANTIVIRUS-TEST-FILE!', '$H+H*'].join('');

let base: string;

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'postern-cli-'));
  writeFileSync(join(base, 'clean.eml'), 'Subject: hello\r\n\r\nhello\r\n');
  writeFileSync(join(base, 'infected.com'), eicar);
});

afterAll(() => rmSync(base, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

function postern(args: readonly string[], { hangUp = false } = {}): Promise<Ended> {
  const env = { ...process.env, HOME: base };
  const child = spawn(posternPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  if (hangUp) child.stdout.destroy();
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  return new Promise((done, fail) => {
    child.once('error', fail).once('close', (code) => done({ code, output, errors }));
  });
}

describe.concurrent('a usage error is one line and exit code 3', () => {
  test.each([
    [[], 'name a command'],
    [['nonsense'], "unknown command 'nonsense'"],
    [['settings', 'frobnicate'], "unknown command 'frobnicate'"],
    [['scan'], "missing required argument 'path'"],
    [['scan', '--bad', 'x'], "unknown option '--bad'"],
    [['headless', '--console', '0.0.0.0:1'], 'loopback only'],
    [['headless', '--listen', '1993=host'], 'LOCALPORT='],
    [['headless', '--intercept', 'maybe'], 'auto, off'],
    [['headless', '--hold-scans', 'long'], 'SECONDS/N'],
    [['status', '--data-dir', '/nowhere'], 'Postern is not running: /nowhere'],
    [['selftest', '--data-dir', '/nowhere'], 'Postern is not running: /nowhere'],
    [['connections', '--data-dir', '/nowhere'], 'Postern is not running: /nowhere'],
    [['trust'], 'name a command (status, install, remove, replace, forget)'],
    [['trust', 'replace', '--data-dir', '/nowhere'], 'Postern is not running: /nowhere'],
    [['trust', 'forget', '--data-dir', '/nowhere'], 'Postern is not running: /nowhere'],
    [['ca'], 'name a command (export, show)'],
  ])('%j', async (args, words) => {
    const { code, output, errors } = await postern(args);
    expect(code).toBe(3);
    expect(output).toBe('');
    expect(errors).toContain(words);
    expect(errors).toMatch(/^postern: [^\n]+\n$/);
  });
});

test.each([
  ['ca', 'export'],
  ['ca', 'show'],
  ['trust', 'install'],
  ['trust', 'remove'],
])('%s %s without a root says so, with exit code 1', async (...args) => {
  const { code, output, errors } = await postern([...args, '--data-dir', '/nowhere']);
  expect({ code, output, errors }).toEqual({
    code: 1,
    output: '',
    errors: 'postern: there is no root certificate yet: start Postern once (/nowhere)\n',
  });
});

test('help that was asked for is no error', async () => {
  const { code, output } = await postern(['scan', '--help']);
  expect(code).toBe(0);
  expect(output).toContain('--data-dir');
});

describe.concurrent('scan', () => {
  test('says what it found, and its exit code is 1', async () => {
    const { code, output } = await postern(['scan', base]);
    expect(output.replaceAll(`${base}/`, '')).toBe(
      'clean.eml: clean\ninfected.com: infected: Postern.Test.Eicar\n2 files: 1 clean, 1 infected, 0 suspicious, 0 not scanned\n',
    );
    expect(code).toBe(1);
  });

  test('of clean files ends with 0', async () => {
    const { code, output } = await postern(['scan', '--json', join(base, 'clean.eml')]);
    expect(code).toBe(0);
    expect(JSON.parse(output)).toMatchObject({
      outcome: 'clean',
      complete: true,
      detections: [],
      limits: [],
    });
  });

  test('survives a reader that has left, and does not call the rest clean', async () => {
    const { code, errors } = await postern(['scan', base], { hangUp: true });
    expect(errors).toBe('');
    expect([1, 2]).toContain(code);
  });
});
