// Real clients with nothing changed in them, in a host of their own: their connections are redirected by the kernel,
// scanned, and go direct again when the core is killed in the middle of a transfer.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { curlImap, curlImapMessage, curlPop3, fetchmail, mbsync, mpop } from '../support/clients.ts';
import { quarantinedOriginals, type RunningCore } from '../support/core.ts';
import { expectMailbox } from '../support/mailbox.ts';
import { bigMessage, containsVirus, testMessages } from '../support/messages.ts';
import { missingTools } from '../support/tools.ts';
import { type CoreLab, createCoreLab } from './core-lab.ts';

const missing = missingTools(['nft', 'dovecot', 'mbsync', 'curl', 'fetchmail', 'mpop', 'openssl'], {
  namespaces: true,
});
const messages = testMessages();
const big = bigMessage('big', 20 * 1024 * 1024);

describe.skipIf(missing !== undefined)(`real clients, intercepted${missing ?? ''}`, () => {
  let hosts: CoreLab;
  let core: RunningCore;

  beforeAll(async () => {
    hosts = await createCoreLab({ alice: messages, big: [big] });
    core = await hosts.startCore('--console', 'off');
  });
  afterAll(async () => await hosts?.stop());

  const expectAll = (stored: readonly Buffer[]) => expectMailbox(stored, messages);

  test('interception is active as root', () => {
    expect(core.ready.interception).toEqual({ state: 'active' });
  });

  describe.each(['tls', 'starttls', 'plain'] as const)('%s', (transport) => {
    const imap = () => hosts.account({ transport, protocol: 'imap', caPath: core.ready.ca });
    const pop3 = () => hosts.account({ transport, protocol: 'pop3', caPath: core.ready.ca });
    test('mbsync', async () => expectAll(await mbsync(imap())));
    test('curl over IMAP', async () => expectAll(await curlImap(imap())));
    test('curl over POP3', async () => expectAll(await curlPop3(pop3())));
    test('mpop', async () => expectAll(await mpop(pop3())));
    test('fetchmail over IMAP', async () => expectAll(await fetchmail(imap(), 'imap')));
    test('fetchmail over POP3', async () => expectAll(await fetchmail(pop3(), 'pop3')));
  });

  test('mbsync over IPv6', async () => {
    const host = 'mail6.example.test';
    expectAll(
      await mbsync(hosts.account({ transport: 'tls', protocol: 'imap', caPath: core.ready.ca, host })),
    );
  });

  test('curl to a bare address: no server name is sent, and the names of the certificate are copied', async () => {
    const host = hosts.lab.serverV4;
    expectAll(
      await curlImap(hosts.account({ transport: 'tls', protocol: 'imap', caPath: core.ready.ca, host })),
    );
  });

  test('every infected original comes back from quarantine octet for octet', () => {
    const originals = quarantinedOriginals(core.ready.dataDir);
    for (const { name, wire } of messages.filter((message) => message.infected)) {
      expect(originals.includes(wire.toString('latin1')), name).toBe(true);
    }
  });

  test('killed in the middle of a transfer: the next connection goes direct, and its mail is complete', async () => {
    const slow = hosts.account({ transport: 'plain', protocol: 'imap', caPath: core.ready.ca, user: 'big' });
    const url = `imap://${slow.host}:${slow.port}/INBOX;UID=1`;
    // A reader that stops reading: no buffer on the way holds 20 MB, so the transfer cannot end before the kill.
    const cut = hosts.lab.client(['curl', '-s', '-u', 'big:secret', url], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = new Promise<number | null>((resolve) => cut.once('exit', resolve));
    await new Promise<void>((resolve) => cut.stdout?.once('readable', resolve));
    process.kill(core.ready.pid, 'SIGKILL');
    const killedAt = performance.now();
    const direct = () =>
      hosts.account({ transport: 'tls', protocol: 'imap', caPath: hosts.certificates.caPath, user: 'big' });
    let got: Buffer | undefined;
    let reachedAfterMs = Number.POSITIVE_INFINITY;
    while (!got && performance.now() - killedAt < 5_000) {
      const startedAt = performance.now();
      got = await curlImapMessage(direct(), '1').catch(() => undefined);
      if (got) reachedAfterMs = startedAt - killedAt;
    }
    expect(reachedAfterMs).toBeLessThan(1_000);
    expect(got?.equals(big.wire)).toBe(true);
    cut.stdout?.resume();
    expect(await ended).not.toBe(0);
    const infected = await curlImap(
      hosts.account({ transport: 'tls', protocol: 'imap', caPath: hosts.certificates.caPath }),
    );
    expect(infected.some(containsVirus)).toBe(true);
  });
});
