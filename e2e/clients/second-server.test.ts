// Real clients through fixed listeners to a server of another make: its listings, its order of items and answers, and its
// ways with parts that aren't there differ from dovecot's.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { curlImap, curlPop3, fetchmail, imapflow, mbsync, mpop } from '../support/clients.ts';
import { quarantinedOriginals } from '../support/core.ts';
import { startCyrus } from '../support/cyrus.ts';
import { missingCyrus } from '../support/cyrus-packages.ts';
import { type ScannedServer, startScannedServer } from '../support/fixed-listeners.ts';
import type { MailServer } from '../support/mail-server.ts';
import { expectMailbox } from '../support/mailbox.ts';
import { bigInfectedMessage, bigMessage, containsVirus, testMessages } from '../support/messages.ts';
import { thunderbird, thunderbirdTools } from '../support/thunderbird.ts';
import { missingTools } from '../support/tools.ts';

const missing =
  missingTools(['mbsync', 'curl', 'fetchmail', 'mpop', 'openssl'], { root: true }) ?? missingCyrus();
const missingThunderbird = missingTools(thunderbirdTools);

/** The big ones are more than what Thunderbird opens in one piece. */
const messages = [...testMessages(), bigMessage('big', 400_000), bigInfectedMessage('eicar-big', 300_000)];
const expectAll = (stored: readonly Buffer[]) => expectMailbox(stored, messages);

describe.skipIf(missing !== undefined)(`real clients and a server of another make${missing ?? ''}`, () => {
  let scanned: ScannedServer<MailServer>;

  beforeAll(async () => {
    scanned = await startScannedServer('second', (place) =>
      startCyrus({ ...place, users: { alice: messages } }),
    );
  });
  afterAll(() => scanned?.stop());

  describe.each(['tls', 'starttls', 'plain'] as const)('%s', (transport) => {
    const imap = () => scanned.listeners.account(transport, 'imap');
    const pop3 = () => scanned.listeners.account(transport, 'pop3');
    test('mbsync', async () => expectAll(await mbsync(imap())));
    test('curl over IMAP', async () => expectAll(await curlImap(imap())));
    test('curl over POP3', async () => expectAll(await curlPop3(pop3())));
    test('fetchmail over IMAP: header and text in two commands', async () =>
      expectAll(await fetchmail(imap(), 'imap')));
    test('fetchmail over POP3', async () => expectAll(await fetchmail(pop3(), 'pop3')));
    test('imapflow: whole messages, parts and chunks', async () => {
      const { whole, pieces } = await imapflow(imap());
      expectAll(whole);
      expect(pieces.length).toBeGreaterThan(messages.length);
      expect(pieces.filter(containsVirus)).toEqual([]);
    });
  });

  // In the clear it wants a sign-in that this server does not offer over POP3.
  describe.each(['tls', 'starttls'] as const)('%s', (transport) => {
    test('mpop', async () => expectAll(await mpop(scanned.listeners.account(transport, 'pop3'))));
  });

  describe.skipIf(missingThunderbird !== undefined)(`Thunderbird${missingThunderbird ?? ''}`, () => {
    test.for([
      ['tls', 'imap-offline'],
      ['tls', 'imap-view'],
      ['tls', 'pop3'],
      ['starttls', 'imap-view'],
      ['starttls', 'pop3'],
    ] as const)('%s, %s', async ([transport, task]) => {
      const account = scanned.listeners.account(transport, task === 'pop3' ? 'pop3' : 'imap');
      expectAll(await thunderbird(account, task, messages.length));
    });
  });

  test('every infected original is in quarantine and comes back octet for octet', () => {
    const originals = quarantinedOriginals(scanned.listeners.core.ready.dataDir);
    for (const { name, wire } of messages.filter((message) => message.infected)) {
      expect(originals.includes(wire.toString('latin1')), name).toBe(true);
    }
  });
});
