// A core looks after the programs of its own home directory; a command that was given in another one serves that one.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { atHome, posternPath, type RunningCore, startCore } from '../support/core.ts';
import { makeDirectory } from '../support/directory.ts';
import { missingTools } from '../support/tools.ts';

const missing = missingTools(['certutil']);

/** A home directory with one fresh Thunderbird profile. */
function makeHome(): { readonly home: string; readonly profile: string } {
  const home = makeDirectory('home');
  const profile = join(home, '.thunderbird/fresh');
  mkdirSync(profile, { recursive: true });
  writeFileSync(join(home, '.thunderbird/profiles.ini'), '[Profile0]\nName=me\nIsRelative=1\nPath=fresh\n');
  return { home, profile };
}

describe.skipIf(missing !== undefined)(`trust in two home directories${missing ?? ''}`, () => {
  const [own, other] = [makeHome(), makeHome()];
  const dataDir = makeDirectory('data');
  let core: RunningCore;
  beforeAll(async () => {
    const args = ['--data-dir', dataDir, '--intercept', 'off', '--console', 'off'];
    core = await startCore({ args, home: own.home });
  });
  afterAll(async () => await core?.stop());

  const postern = (home: string, ...args: string[]) =>
    execFileSync(posternPath, ['trust', ...args, '--data-dir', dataDir], { env: atHome(home) }).toString();
  const certificates = (profile: string) =>
    execFileSync('certutil', ['-L', '-d', `sql:${profile}`]).toString();

  test("the core's own gets the root by itself, the other one by command, and each loses its own", async () => {
    await expect
      .poll(() => postern(own.home, 'status'), { timeout: 20_000 })
      .toMatch(/^trusted +thunderbird/m);
    expect(postern(other.home, 'status')).toMatch(/^not-trusted +thunderbird/m);
    expect(postern(other.home, 'install', 'thunderbird')).toMatch(/^installed +thunderbird/);
    for (const { profile } of [own, other]) expect(certificates(profile)).toContain('Postern');
    expect(postern(other.home, 'remove', 'thunderbird')).toMatch(/^removed +thunderbird/);
    expect(certificates(other.profile)).not.toContain('Postern');
    expect(certificates(own.profile)).toContain('Postern');
  });
});
