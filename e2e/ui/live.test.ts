// What the page shows of the running core: counters, detections, banners, older connections, and the way back to a core
// that was lost.
import { describe, expect, it } from 'vitest';
import type { MessageEvent } from '../../src-main/contract/state.ts';
import { hasChromium } from '../support/browser.ts';
import { restingState, startFakeCore } from '../support/fake-core.ts';
import { useScreens } from '../support/screen.ts';

const message = (id: number, given: Partial<MessageEvent> = {}): MessageEvent => ({
  id,
  at: '2026-11-20T10:00:00.000Z',
  outcome: 'infected',
  detections: [
    { name: 'Postern.Test.Sample', engine: 'yara-x', category: 'test', part: '2', sha256: '0'.repeat(64) },
  ],
  limits: [],
  server: 'imap.example.org',
  ...given,
});

describe.skipIf(!hasChromium)('the live state', () => {
  const open = useScreens();

  it('counts along with the core', async () => {
    const { core, page, shows } = await open();
    const strip = page.getByRole('region', { name: 'Protection now' });
    await strip.getByText('1,284').waitFor();
    core.change({ counters: { ...restingState().counters, scanned: 1285, infected: 4 }, openConnections: 1 });
    await strip.getByText('1,285').waitFor();
    await shows(
      () => strip.textContent(),
      'Protected1,285messages scanned4with detections12not scannedi1open connection',
    );
  });

  it('counts connections that passed unscanned once there are any, and says why they did', async () => {
    const { core, page } = await open();
    const strip = page.getByRole('region', { name: 'Protection now' });
    expect(await strip.getByText(/unscanned/).count()).toBe(0);
    const relayedByReason = { 'no-sign-in': 14, 'excluded-address': 3 };
    core.change({ counters: { ...restingState().counters, relayedByReason } });
    await strip.getByText('unscanned connections').waitFor();
    await strip.getByText('17', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Unscanned connections, by reason' }).click();
    const reasons = page.getByRole('dialog', { name: 'Unscanned connections, by reason' });
    expect(await reasons.getByRole('listitem').allTextContents()).toEqual([
      'the address is excluded3',
      'the server has no way to sign in that can pass through a scanner14',
    ]);
  });

  it('says why mail was not scanned', async () => {
    const { page } = await open();
    await page.getByRole('button', { name: 'Not scanned, by reason' }).click();
    const reasons = page.getByRole('dialog', { name: 'Not scanned, by reason' });
    expect(await reasons.getByRole('listitem').allTextContents()).toEqual([
      'the message is too large3',
      'encrypted content9',
    ]);
  });

  it('lists detections as they happen, newest first', async () => {
    const { core, page, shows } = await open();
    await page.getByText('Nothing has been found yet.').waitFor();
    core.found(message(1, { sender: 'kari@example.org', subject: 'Faktura', quarantineId: 'q1' }));
    core.found(
      message(2, {
        outcome: 'not-scanned',
        detections: [],
        limits: ['encrypted'],
        server: 'pop.example.net',
      }),
    );
    const list = page.getByRole('list', { name: 'Last detections' });
    await shows(() => list.getByRole('listitem').count(), 2);
    const [newest, oldest] = await list.getByRole('listitem').allTextContents();
    expect(newest).toMatch(/pop\.example\.net\(no subject\)unknown senderNot scannedencrypted content$/);
    expect(oldest).toMatch(
      /imap\.example\.orgFakturakari@example\.orgMade harmlessPostern\.Test\.Sampleoriginal in quarantine$/,
    );
  });

  it('never calls a message harmless that was delivered as it came', async () => {
    const { core, page, shows } = await open();
    core.found(message(1, { unchanged: true, subject: 'Faktura', sender: 'kari@example.org' }));
    const list = page.getByRole('list', { name: 'Last detections' });
    await shows(() => list.getByText('Delivered unchanged').count(), 1);
    expect(await list.getByText('Made harmless').count()).toBe(0);
  });

  it('shows what a mail says about itself as text, whatever it says', async () => {
    const { core, page } = await open();
    const subject = '<img src=x onerror=alert(1)>{{count}} \u202E';
    core.found(message(1, { subject, sender: '<b>x</b>' }));
    await page.getByText(subject).waitFor();
    expect(await page.getByRole('list', { name: 'Last detections' }).locator('img').count()).toBe(0);
  });

  it('says that protection is off', async () => {
    const { core, page } = await open();
    core.change({ protection: { state: 'off', reason: 'protection-off' } });
    await page.getByText('Protection is off', { exact: true }).waitFor();
  });

  it.each([
    [
      'no-privilege',
      'Postern has no privilege to redirect connections.',
      'Start Postern as root, or let mail programs use fixed listeners.',
    ],
    [
      'no-nft',
      'the program nft (package nftables) is missing.',
      'Install the package nftables, then try again.',
    ],
    ['nft-failed', 'the kernel refused the redirect.', 'Error: syntax'],
  ] as const)('says what is wrong and how it is mended: %s', async (reason, words, more) => {
    const { core, page } = await open();
    core.change({ interception: { state: 'unavailable', reason, detail: 'Error: syntax' } });
    const banner = page.getByRole('alert');
    await banner.getByText(`Mail is not intercepted: ${words}`).waitFor();
    await banner.getByText(more).waitFor();
    await page.getByText('Not protected', { exact: true }).waitFor();
  });

  it('says what fixed listeners still scan', async () => {
    const { page } = await open({
      state: {
        interception: { state: 'unavailable', reason: 'no-privilege' },
        listeners: [{ protocol: 'imaps', address: '127.0.0.1', port: 1993, target: 'imap.example.org:993' }],
      },
    });
    await page.getByText('Partly protected', { exact: true }).waitFor();
    await page.getByText(/127\.0\.0\.1:1993 for imap\.example\.org:993 \(IMAPS\)/).waitFor();
  });

  it('says which settings could not be read, and where the old file is', async () => {
    const { page } = await open({
      state: {
        settingsProblems: [
          {
            code: 'settings-section-invalid',
            section: 'mailTransport',
            fields: ['imapsPorts'],
            keptAs: 'settings.json.bad-1',
          },
        ],
      },
    });
    await page.getByText(/Concerned: imapsPorts\..*kept as settings\.json\.bad-1/).waitFor();
  });

  it('offers to close connections that live by older rules', async () => {
    const { core, page } = await open({ state: { staleConnections: 2 } });
    await page.getByText('2 connections still live by older rules.').waitFor();
    await page.getByRole('button', { name: 'Close them' }).click();
    await page.getByText('2 connections still live by older rules.').waitFor({ state: 'detached' });
    expect(core.closedConnections()).toBe(1);
  });
});

describe.skipIf(!hasChromium)('the connection to the core', () => {
  const open = useScreens();

  it('takes a new snapshot when an update is missing', async () => {
    const { core, page } = await open();
    core.changeSilently({ openConnections: 77 });
    core.change({ staleConnections: 0 });
    await page.getByText('77', { exact: true }).waitFor();
  });

  it('says that it is lost, keeps the draft, and catches up by itself', async () => {
    const { core, page, shows } = await open({ expectsErrors: true });
    await page.getByRole('switch', { name: 'Scan POP3 mail transport' }).click();
    core.drop(true);
    await page.getByText('The connection to the core is lost. Trying again…').waitFor();
    await page.getByText('State unknown', { exact: true }).waitFor();
    expect(await page.getByRole('button', { name: 'OK' }).isDisabled()).toBe(true);
    core.change({ openConnections: 42 });
    core.drop(false);
    await page.getByText('42', { exact: true }).waitFor();
    await page.getByText('The connection to the core is lost. Trying again…').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'OK' }).click();
    await shows(async () => core.patches, [{ mailTransport: { scanPop3: false } }]);
  });

  it('finds a core that was started anew, with its own revisions', async () => {
    const { core, page } = await open({ expectsErrors: true });
    core.change({ openConnections: 8 });
    await page.getByText('8', { exact: true }).waitFor();
    await core.stop();
    await page.getByText('The connection to the core is lost. Trying again…').waitFor();
    const next = await startFakeCore({
      state: { ...restingState(), openConnections: 3141 },
      port: core.port,
    });
    try {
      await page.getByText('3,141', { exact: true }).waitFor();
    } finally {
      await next.stop();
    }
  });
});
