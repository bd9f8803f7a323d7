// Clients whose mail waits for a slow scan: each hears something meanwhile, and gets everything once. mbsync gives up
// after 20 s of silence.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fetchmail, mbsync, mpop } from '../support/clients.ts';
import { type Dovecot, startMailServer } from '../support/dovecot.ts';
import { type ScannedServer, startScannedServer } from '../support/fixed-listeners.ts';
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
  let scanned: ScannedServer<Dovecot>;

  beforeAll(async () => {
    scanned = await startScannedServer(
      'held',
      (place) => startMailServer({ ...place, users: { alice: messages } }),
      ['--hold-scans', String(holdSeconds)],
    );
  });
  afterAll(() => scanned?.stop());

  const imap = () => scanned.listeners.account('tls', 'imap');
  const pop3 = () => scanned.listeners.account('tls', 'pop3');

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
