// Extra cases where a folder of client scripts lies beside the project: each client in each mode through the redirect,
// Thunderbird among them. Without that folder these cases are skipped by name.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningCore, startCore } from '../support/core.ts';
import { makeDirectory } from '../support/directory.ts';
import { containsVirus, eicar } from '../support/messages.ts';
import { createLab, type Lab } from '../support/netns.ts';
import { missingTools } from '../support/tools.ts';

const scripts = resolve('../shared/clients');
const missing = existsSync(scripts)
  ? missingTools(
      [
        'nft',
        'ip',
        'dovecot',
        'mbsync',
        'curl',
        'fetchmail',
        'mpop',
        'openssl',
        'thunderbird',
        'certutil',
        'python3',
      ],
      { root: true },
    )
  : ' (SKIPPED: no client scripts beside the project)';

const infected = 'eicar-b64,eicar-zip,eicar-inline,nested-eicar,trunc-mime,uu';
const modeMs = 600_000;

/** The virus raw, in base64, or in a zip archive that is attached in base64. */
function holdsVirus(stored: Buffer): boolean {
  if (containsVirus(stored)) return true;
  return [...stored.toString('latin1').matchAll(/(?:[A-Za-z0-9+/=]{4,}\r?\n)+/g)].some(([block]) => {
    const zip = Buffer.from(block, 'base64');
    if (zip.length < 30 || zip.readUInt32LE(0) !== 0x04034b50) return false;
    const start = 30 + zip.readUInt16LE(26) + zip.readUInt16LE(28);
    try {
      return inflateRawSync(zip.subarray(start, start + zip.readUInt32LE(18))).includes(eicar);
    } catch {
      // No longer a zip archive: it was made harmless.
      return false;
    }
  });
}

describe.skipIf(missing !== undefined)(`every client script, intercepted${missing ?? ''}`, () => {
  let directory: string;
  let lab: Lab;
  let core: RunningCore;
  let clients: string;

  beforeAll(async () => {
    directory = makeDirectory('scripts');
    clients = join(directory, 'clients');
    cpSync(scripts, clients, { recursive: true });
    rmSync(join(clients, 'node', 'node_modules'), { recursive: true, force: true });
    symlinkSync(resolve('node_modules'), join(clients, 'node', 'node_modules'));
    lab = await createLab();
    lab.server([join(clients, 'start-servers.sh'), join(directory, 'state'), '0'], {
      env: { ...process.env, BIND: '*, ::' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await expect
      .poll(
        async () =>
          (
            await lab.runClient([
              'curl',
              '-s',
              '--max-time',
              '2',
              'imap://mail.example.test/',
              '-X',
              'CAPABILITY',
            ])
          ).stdout,
        {
          timeout: 60_000,
        },
      )
      .toContain('IMAP4rev1');
    core = await startCore({
      args: [
        '--data-dir',
        join(directory, 'data'),
        '--console',
        'off',
        '--upstream-ca',
        join(clients, 'ca', 'ca.pem'),
      ],
      wrap: (argv) => lab.clientArgv(argv),
    });
  });
  afterAll(async () => {
    await core?.stop();
    await lab?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test.each(['tls', 'starttls', 'plain'])(
    '%s: clean mail is intact, and no virus lies in any output',
    async (mode) => {
      const out = join(directory, `out-${mode}`);
      mkdirSync(out);
      const { stdout, status } = await lab.runClient([
        'env',
        `OUTROOT=${out}`,
        'MUSER=bob',
        `CAFILE=${core.ready.ca}`,
        `CMP_ARGS=--skip ${infected}`,
        join(clients, 'run-all.sh'),
        'mail.example.test',
        '143',
        '993',
        '110',
        '995',
        mode,
      ]);
      expect(status, stdout).toBe(0);
      const files = readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) =>
        entry.isFile(),
      );
      expect(files.length).toBeGreaterThan(100);
      const found = files
        .map((entry) => join(entry.parentPath, entry.name))
        .filter((file) => holdsVirus(readFileSync(file)));
      expect(found).toEqual([]);
    },
    modeMs,
  );
});
