// Real clients through fixed listeners, without privilege for the core: clean mail arrives octet for octet, infected mail
// with its length and without its virus, and the original comes back from quarantine.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { curlImap, curlPop3, fetchmail, imapflow, mbsync, mpop, type Transport } from '../support/clients.ts';
import { quarantinedOriginals } from '../support/core.ts';
import { type Dovecot, startMailServer } from '../support/dovecot.ts';
import { type ScannedServer, startScannedServer } from '../support/fixed-listeners.ts';
import { expectMailbox } from '../support/mailbox.ts';
import { containsVirus, testMessages } from '../support/messages.ts';
import { missingTools } from '../support/tools.ts';

const missing = missingTools(['dovecot', 'mbsync', 'curl', 'fetchmail', 'mpop', 'openssl'], { root: true });
const messages = testMessages();

const expectAll = (stored: readonly Buffer[]) => expectMailbox(stored, messages);

describe.skipIf(missing !== undefined)(`real clients through fixed listeners${missing ?? ''}`, () => {
  let scanned: ScannedServer<Dovecot>;

  beforeAll(async () => {
    scanned = await startScannedServer('clients', (place) =>
      startMailServer({ ...place, users: { alice: messages }, mailPlugins: 'imap_zlib' }),
    );
  });
  afterAll(() => scanned?.stop());

  const account = (transport: Transport, protocol: 'imap' | 'pop3') =>
    scanned.listeners.account(transport, protocol);

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
    const originals = quarantinedOriginals(scanned.listeners.core.ready.dataDir);
    for (const { name, wire } of messages.filter((message) => message.infected)) {
      expect(originals.includes(wire.toString('latin1')), name).toBe(true);
    }
  });
});
