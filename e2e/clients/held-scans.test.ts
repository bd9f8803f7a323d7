// Clients whose mail waits for a slow scan: each hears something meanwhile, and gets everything once. mbsync gives up
// after 20 s of silence.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificates } from '../support/authority.ts';
import { fetchmail, mbsync, mpop } from '../support/clients.ts';
import { makeDirectory } from '../support/directory.ts';
import { type Dovecot, startMailServer } from '../support/dovecot.ts';
import { type FixedListeners, startFixedListeners } from '../support/fixed-listeners.ts';
import { expectMailbox } from '../support/mailbox.ts';
import { testMessages } from '../support/messages.ts';
import { missingTools } from '../support/tools.ts';

const missing = missingTools(['dovecot', 'mbsync', 'fetchmail', 'mpop', 'openssl'], { root: true });
const holdSeconds = 25;
const all = testMessages();
const messages = [
  ...all.filter(({ infected }) => !infected).slice(0, 1),
  ...all.filter(({ infected }) => infected).slice(0, 1),
];

describe.skipIf(missing !== undefined)(`scans that take ${holdSeconds} s${missing ?? ''}`, () => {
  let directory: string;
  let server: Dovecot;
  let listeners: FixedListeners;

  beforeAll(async () => {
    directory = makeDirectory('held');
    const mail = join(directory, 'mail');
    mkdirSync(mail);
    const certificates = makeCertificates(directory);
    server = await startMailServer({
      directory: mail,
      certificate: certificates.server,
      users: { alice: messages },
    });
    listeners = await startFixedListeners({
      directory,
      upstream: server.ports,
      upstreamCaPath: certificates.caPath,
      args: ['--hold-scans', String(holdSeconds)],
    });
  });
  afterAll(async () => {
    await listeners?.core.stop();
    await server?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const imap = () => listeners.account('tls', 'imap');
  const pop3 = () => listeners.account('tls', 'pop3');

  test.concurrent.for([
    ['mbsync', () => mbsync(imap())],
    ['fetchmail over IMAP', () => fetchmail(imap(), 'imap')],
    ['mpop', () => mpop(pop3())],
    ['fetchmail over POP3', () => fetchmail(pop3(), 'pop3')],
  ] as const)('%s delivers everything once', { timeout: 120_000 }, async ([, fetchAll]) => {
    const started = performance.now();
    const stored = await fetchAll();
    expect(performance.now() - started).toBeGreaterThan(holdSeconds * 1_000);
    expect(stored).toHaveLength(messages.length);
    expectMailbox(stored, messages);
  });
});
