// The same IMAP dialogues direct and through Postern, with two users of one server whose mailboxes are alike: the answers
// are the same octets, but for what both clocks and the design make different.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificates } from '../support/authority.ts';
import { freePort, type RunningCore, startCore } from '../support/core.ts';
import { makeDirectory } from '../support/directory.ts';
import { type MailServer, startMailServer } from '../support/dovecot.ts';
import { testMessages } from '../support/messages.ts';
import { missingTools } from '../support/tools.ts';
import { compareDialogues } from './compare.ts';
import { imapScripts } from './imap-scripts.ts';

const missing = missingTools(['dovecot', 'openssl'], { root: true });
const clean = testMessages().filter(({ infected }) => !infected);
const scripts = Object.entries(imapScripts).flatMap(([name, script]) =>
  (script.onePerRun ? (['tls'] as const) : (['plain', 'tls'] as const)).map((transport) => ({
    name,
    script,
    transport,
  })),
);
const userOf = (index: number, leg: 'd' | 'p') => `s${String(index).padStart(2, '0')}${leg}`;

describe.skipIf(missing !== undefined)(`IMAP direct and through${missing ?? ''}`, () => {
  let directory: string;
  let server: MailServer;
  let core: RunningCore;
  let serverCa: Buffer;
  const local = { imap: 0, imaps: 0 };

  beforeAll(async () => {
    directory = makeDirectory('dialogues');
    const mail = join(directory, 'mail');
    mkdirSync(mail);
    const certificates = makeCertificates(directory);
    serverCa = readFileSync(certificates.caPath);
    const names = scripts.flatMap((_, i) => [userOf(i, 'd'), userOf(i, 'p')]);
    server = await startMailServer({
      directory: mail,
      certificate: certificates.server,
      users: Object.fromEntries(names.map((name) => [name, clean])),
    });
    local.imap = await freePort();
    local.imaps = await freePort();
    core = await startCore({
      args: [
        ...['--data-dir', join(directory, 'data'), '--intercept', 'off', '--console', 'off'],
        ...['--upstream-ca', certificates.caPath],
        ...['--listen', `${local.imap}=127.0.0.1:${server.ports.imap}/imap`],
        ...['--listen', `${local.imaps}=127.0.0.1:${server.ports.imaps}/imaps`],
      ],
    });
  });
  afterAll(async () => {
    await core?.stop();
    await server?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test.each(scripts.map((each, index) => ({ ...each, index })))(
    '$name ($transport)',
    async ({ script, transport, index }) => {
      const tls = transport === 'tls';
      const differences = await compareDialogues(
        {
          direct: tls ? { port: server.ports.imaps, ca: serverCa } : { port: server.ports.imap },
          through: tls ? { port: local.imaps, ca: readFileSync(core.ready.ca) } : { port: local.imap },
          users: { direct: userOf(index, 'd'), through: userOf(index, 'p') },
        },
        script,
      );
      expect(differences.join('\n')).toBe('');
    },
  );
});
