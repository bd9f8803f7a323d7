import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { administratorBy, trustRoute } from './trust-route.ts';

let directory: string;
const uid = process.geteuid?.() ?? 0;
const path = (...names: string[]) => join(directory, ...names);
const request = { action: 'install', store: 'system', certificate: 'PEM' } as const;

function program(file: string, script = ''): void {
  writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

const surroundings = (euid = 1_000) => ({
  euid,
  helperModule: path('main.ts'),
  installedHelpers: [path('package', 'trust-helper'), path('local', 'trust-helper')],
  pkexec: path('pkexec'),
  trustedUid: uid,
});

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'postern-trust-route-'));
  for (const name of ['package', 'local']) mkdirSync(path(name));
  program(path('pkexec'));
});

afterEach(() => rmSync(directory, { recursive: true }));

describe('the way to the helper', () => {
  test('of root starts the module itself', () => {
    rmSync(path('pkexec'));
    expect(trustRoute(surroundings(0))).toEqual([process.execPath, path('main.ts')]);
  });

  test("of others is pkexec with the package's helper, else with a clone's", () => {
    expect(trustRoute(surroundings())).toBeUndefined();
    program(path('local', 'trust-helper'));
    expect(trustRoute(surroundings())).toEqual([path('pkexec'), path('local', 'trust-helper')]);
    program(path('package', 'trust-helper'));
    expect(trustRoute(surroundings())).toEqual([path('pkexec'), path('package', 'trust-helper')]);
  });

  test('passes over a helper that others can change', () => {
    program(path('local', 'trust-helper'));
    chmodSync(path('local'), 0o777);
    expect(trustRoute(surroundings())).toBeUndefined();
    expect(trustRoute({ ...surroundings(), trustedUid: uid + 1 })).toBeUndefined();
  });

  test('is missing without pkexec', () => {
    program(path('local', 'trust-helper'));
    rmSync(path('pkexec'));
    expect(trustRoute(surroundings())).toBeUndefined();
  });
});

describe('a request', () => {
  const ask = (script: string, timeoutMs?: number) => {
    program(path('helper'), script);
    const limits = timeoutMs === undefined ? {} : { timeoutMs };
    return administratorBy([path('helper')], { env: { PATH: '/usr/bin:/bin' }, ...limits })(request);
  };

  test('is one line of JSON, and the reply is handed on', async () => {
    const script = `cat > '${path('seen')}'; echo '{"ok":true,"changed":true}'`;
    expect(await ask(script)).toEqual({ ok: true, changed: true });
    expect(readFileSync(path('seen'), 'utf8')).toBe(`${JSON.stringify(request)}\n`);
  });

  test('may be answered before it is read', async () => {
    const refused = '{"ok":false,"reason":"trust-store-failed","detail":"full"}';
    expect(await ask(`echo '${refused}'; exit 1`)).toEqual(JSON.parse(refused));
  });

  test.each([126, 127])('that nobody allows (exit code %i) is denied', async (code) => {
    expect(
      await ask(`echo 'Error executing command as another user: Not authorized' >&2; exit ${code}`),
    ).toEqual({
      ok: false,
      reason: 'trust-denied',
      detail: 'Error executing command as another user: Not authorized',
    });
  });

  test.each([
    ['says nothing', 'exit 0'],
    ['fails', 'echo gone >&2; exit 1'],
    ['dies', 'kill -KILL $$'],
    ['says no JSON', 'echo yes'],
    ['says null', 'echo null'],
    ['says two lines', `printf '{"ok":true,"changed":true}\\n{"ok":true,"changed":true}\\n'`],
    ['says half a line', `printf '{"ok":true,"changed":true}'`],
    ['does not say what changed', `echo '{"ok":true}'`],
    ['gives no reason', `echo '{"ok":false,"detail":"x"}'`],
    ['gives a reason of its own', `echo '{"ok":false,"reason":"because","detail":"x"}'`],
    ['never ends what it says', 'exec head -c 10000000 /dev/zero'],
  ])('whose helper %s has failed', async (_name, script) => {
    expect(await ask(script)).toEqual({
      ok: false,
      reason: 'trust-store-failed',
      detail: expect.stringContaining('the helper ended'),
    });
  });

  test('whose helper cannot be started has failed', async () => {
    const missing = administratorBy([path('none')], { env: {} });
    expect(await missing(request)).toMatchObject({ ok: false, reason: 'trust-store-failed' });
  });

  test('that is never answered has failed, and what was started is ended', async () => {
    const reply = await ask(`echo $$ > '${path('pid')}'; exec sleep 60`, 200);
    expect(reply).toMatchObject({ ok: false, detail: 'no answer within 0.2 s' });
    const pid = Number(readFileSync(path('pid'), 'utf8'));
    await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 5_000, interval: 10 }).toBe(false);
  });
});
