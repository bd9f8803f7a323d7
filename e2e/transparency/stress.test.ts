// Many clients at once on one mailbox, direct and through Postern: what goes wrong through it and not without it, is its
// fault. POSTERN_STRESS_CLIENTS and POSTERN_STRESS_SECONDS make it harder.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificates } from '../support/authority.ts';
import { freePort, type RunningCore, startCore } from '../support/core.ts';
import { Talk, type Target } from '../support/dialogue.ts';
import { makeDirectory } from '../support/directory.ts';
import { type MailServer, startMailServer } from '../support/dovecot.ts';
import { testMessages } from '../support/messages.ts';
import { randomFrom, sizeFromEnvironment } from '../support/random.ts';
import { missingTools } from '../support/tools.ts';
import { StressClient, type StressResult } from './stress-client.ts';

const missing = missingTools(['dovecot', 'openssl'], { root: true });
const clients = sizeFromEnvironment('POSTERN_STRESS_CLIENTS', 8);
const seconds = sizeFromEnvironment('POSTERN_STRESS_SECONDS', 15);
const firstSeed = sizeFromEnvironment('POSTERN_SEED', 1);

/** An error without its numbers: a server under load may show one of its own, direct too. */
const kindOf = (error: string) => error.replace(/[0-9]+/g, '#');

describe.skipIf(missing !== undefined)(`${clients} clients for ${seconds} s${missing ?? ''}`, () => {
  let directory: string;
  let server: MailServer;
  let core: RunningCore;
  let serverCa: Buffer;
  let local = 0;

  beforeAll(async () => {
    directory = makeDirectory('stress');
    const mail = join(directory, 'mail');
    mkdirSync(mail);
    const certificates = makeCertificates(directory);
    serverCa = readFileSync(certificates.caPath);
    const clean = testMessages().filter(({ infected }) => !infected);
    server = await startMailServer({
      directory: mail,
      certificate: certificates.server,
      users: { direct: clean, through: clean },
    });
    local = await freePort();
    core = await startCore({
      args: [
        ...['--data-dir', join(directory, 'data'), '--intercept', 'off', '--console', 'off'],
        ...['--upstream-ca', certificates.caPath],
        ...['--listen', `${local}=127.0.0.1:${server.ports.imaps}/imaps`],
      ],
    });
  });
  afterAll(async () => {
    await core?.stop();
    await server?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  async function run(target: Target, user: string, scanned: boolean): Promise<StressResult> {
    const first = await Talk.open(target);
    await first.answer((text) => text.includes('CAPABILITY'));
    first.send(`a LOGIN ${user} secret\r\nb CREATE Other\r\nc LOGOUT\r\n`);
    await first.answer((text) => /^c OK/m.test(text));
    first.close();
    const until = Date.now() + seconds * 1000;
    const contents = new Map<number, string>();
    const results = await Promise.all(
      Array.from({ length: clients }, (_, i) => {
        const random = randomFrom(firstSeed + i);
        const goesOn = () => Date.now() < until;
        return new StressClient({ target, user, random, scanned, contents, goesOn }).run();
      }),
    );
    return {
      commands: results.reduce((sum, { commands }) => sum + commands, 0),
      refused: results.reduce((sum, { refused }) => sum + refused, 0),
      errors: results.flatMap(({ errors }) => errors),
    };
  }

  test('nothing goes wrong through Postern that does not direct', {
    timeout: 60_000 + 2_500 * seconds,
  }, async () => {
    const direct = await run({ port: server.ports.imaps, ca: serverCa }, 'direct', false);
    const known = new Set(direct.errors.map(kindOf));
    const through = await run({ port: local, ca: readFileSync(core.ready.ca) }, 'through', true);
    expect(through.errors.filter((error) => !known.has(kindOf(error)))).toEqual([]);
    expect(through.commands).toBeGreaterThan(direct.commands / 20);
    expect(core.child.exitCode).toBeNull();
  });
});
