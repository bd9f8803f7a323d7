// Real clients through fixed listeners, without privilege for the core: clean mail arrives octet for octet, infected mail
// with its length and without its virus, and the original comes back from quarantine.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificates } from '../support/authority.ts';
import {
  type Account,
  curlImap,
  curlPop3,
  fetchmail,
  imapflow,
  mbsync,
  mpop,
  type Transport,
} from '../support/clients.ts';
import { freePort, quarantinedOriginals, type RunningCore, startCore } from '../support/core.ts';
import { makeDirectory } from '../support/directory.ts';
import { type MailServer, startMailServer } from '../support/dovecot.ts';
import { expectMailbox } from '../support/mailbox.ts';
import { containsVirus, testMessages } from '../support/messages.ts';
import { missingTools } from '../support/tools.ts';

const missing = missingTools(['dovecot', 'mbsync', 'curl', 'fetchmail', 'mpop', 'openssl'], { root: true });
const messages = testMessages();

const expectAll = (stored: readonly Buffer[]) => expectMailbox(stored, messages);

describe.skipIf(missing !== undefined)(`real clients through fixed listeners${missing ?? ''}`, () => {
  let directory: string;
  let server: MailServer;
  let core: RunningCore;
  const local = { imap: 0, imaps: 0, pop3: 0, pop3s: 0 };
  let runs = 0;

  beforeAll(async () => {
    directory = makeDirectory('clients');
    const mail = join(directory, 'mail');
    mkdirSync(mail);
    const certificates = makeCertificates(directory);
    server = await startMailServer({
      directory: mail,
      certificate: certificates.server,
      users: { alice: messages },
      mailPlugins: 'imap_zlib',
    });
    const listen: string[] = [];
    for (const protocol of ['imap', 'imaps', 'pop3', 'pop3s'] as const) {
      local[protocol] = await freePort();
      listen.push('--listen', `${local[protocol]}=127.0.0.1:${server.ports[protocol]}/${protocol}`);
    }
    core = await startCore({
      args: [
        '--data-dir',
        join(directory, 'data'),
        '--intercept',
        'off',
        '--console',
        'off',
        '--upstream-ca',
        certificates.caPath,
        ...listen,
      ],
    });
  });

  afterAll(async () => {
    await core?.stop();
    await server?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  function account(transport: Transport, protocol: 'imap' | 'pop3'): Account {
    const own = join(directory, `client-${runs++}`);
    mkdirSync(own);
    const port = local[transport === 'tls' ? (`${protocol}s` as const) : protocol];
    return { host: 'localhost', port, transport, user: 'alice', caPath: core.ready.ca, directory: own };
  }

  describe.each(['tls', 'starttls', 'plain'] as const)('%s', (transport) => {
    test('mbsync', async () => expectAll(await mbsync(account(transport, 'imap'))));
    test('curl over IMAP', async () => expectAll(await curlImap(account(transport, 'imap'))));
    test('curl over POP3', async () => expectAll(await curlPop3(account(transport, 'pop3'))));
    test('mpop', async () => expectAll(await mpop(account(transport, 'pop3'))));
    test('fetchmail over IMAP: header and text in two commands', async () =>
      expectAll(await fetchmail(account(transport, 'imap'), 'imap')));
    test('fetchmail over POP3', async () => expectAll(await fetchmail(account(transport, 'pop3'), 'pop3')));
    test('imapflow: whole messages, parts and chunks', async () => {
      const { whole, pieces } = await imapflow(account(transport, 'imap'));
      expectAll(whole);
      expect(pieces.length).toBeGreaterThan(messages.length);
      expect(pieces.filter(containsVirus)).toEqual([]);
    });
  });

  test('every infected original is in quarantine and comes back octet for octet', () => {
    const originals = quarantinedOriginals(core.ready.dataDir);
    for (const { name, wire } of messages.filter((message) => message.infected)) {
      expect(originals.includes(wire.toString('latin1')), name).toBe(true);
    }
  });
});
