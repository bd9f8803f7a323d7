// COMPRESS=DEFLATE (RFC 4978) on both legs: clients that use it wherever it is offered get everything as without it, and
// what passes is scanned as ever. Both legs are looked at on the wire.
import { constants, inflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Account, imapflow, mbsync, type Transport } from '../support/clients.ts';
import { type Dovecot, startMailServer } from '../support/dovecot.ts';
import { type ScannedServer, startScannedServer } from '../support/fixed-listeners.ts';
import { type ImapTalker, openImapTalker } from '../support/imap-talker.ts';
import { expectMailbox } from '../support/mailbox.ts';
import { bigInfectedMessage, bigMessage, containsVirus, testMessages } from '../support/messages.ts';
import { type Relay, startRelay } from '../support/relay.ts';
import { type ThunderbirdTask, thunderbird, thunderbirdTools } from '../support/thunderbird.ts';
import { missingTools } from '../support/tools.ts';

const missing = missingTools(['dovecot', 'mbsync', 'openssl'], { root: true });
const missingThunderbird = missingTools(thunderbirdTools);

/** The big ones are more than what Thunderbird opens in one piece. */
const messages = [...testMessages(), bigMessage('big', 400_000), bigInfectedMessage('eicar-big', 300_000)];
const expectAll = (stored: readonly Buffer[]) => expectMailbox(stored, messages);

const agreement = 'COMPRESS DEFLATE\r\n';

/** What lies behind the command, on the wire; undefined when the command was never given. */
function behindCommand(heard: Buffer): Buffer | undefined {
  const at = heard.toString('latin1').toUpperCase().indexOf(agreement);
  return at < 0 ? undefined : heard.subarray(at + agreement.length);
}

/** The commands that a client sent compressed. */
function inflated(compressed: Buffer): string {
  return inflateRawSync(compressed, { finishFlush: constants.Z_SYNC_FLUSH }).toString('latin1');
}

describe.skipIf(missing !== undefined)(`compressed connections${missing ?? ''}`, () => {
  let scanned: ScannedServer<Dovecot>;
  /** In front of the listener for connections in the clear. */
  let relay: Relay;

  beforeAll(async () => {
    scanned = await startScannedServer('compress', (place) =>
      startMailServer({
        ...place,
        users: { alice: messages },
        mailPlugins: 'imap_zlib',
        logSessions: true,
      }),
    );
    relay = await startRelay({ target: scanned.listeners.ports.imap, record: true });
  });
  afterAll(async () => {
    await relay?.stop();
    await scanned?.stop();
  });

  const viaThunderbird = (task: ThunderbirdTask) => ({
    name: `Thunderbird, ${task}`,
    lacks: missingThunderbird,
    fetchAll: (account: Account) => thunderbird(account, task, messages.length),
  });
  const clients = [
    { name: 'mbsync', lacks: undefined, fetchAll: mbsync },
    {
      name: 'imapflow',
      lacks: undefined,
      fetchAll: async (account: Account) => (await imapflow(account)).whole,
    },
    viaThunderbird('imap-offline'),
    viaThunderbird('imap-view'),
  ];

  for (const { name, lacks, fetchAll } of clients) {
    describe.skipIf(lacks !== undefined)(`${name}${lacks ?? ''}`, () => {
      test.each<Transport>(['tls', 'starttls'])(
        '%s: all intact, and compressed at the server',
        async (transport) => {
          const before = new Set(scanned.server.sessions('alice').map(({ id }) => id));
          expectAll(await fetchAll(scanned.listeners.account(transport, 'imap')));
          const sessions = scanned.server.sessions('alice').filter(({ id }) => !before.has(id));
          expect(sessions.length).toBeGreaterThan(0);
          for (const { heard, said } of sessions) {
            expect(behindCommand(heard)?.length).toBeGreaterThan(0);
            expect(behindCommand(heard)?.toString('latin1')).not.toMatch(/select|fetch/i);
            expect(said.includes('BODY[')).toBe(false);
          }
        },
      );

      test('in the clear: compressed between the client and us', async () => {
        const before = relay.said().length;
        expectAll(await fetchAll({ ...scanned.listeners.account('plain', 'imap'), port: relay.port }));
        const compressed = relay
          .said()
          .slice(before)
          .map(behindCommand)
          .filter((each) => each !== undefined);
        expect(compressed.length).toBeGreaterThan(0);
        expect(compressed.map(inflated).join('')).toMatch(/fetch/i);
      });
    });
  }

  describe('a client that compresses by itself', () => {
    const open = async (): Promise<ImapTalker> => {
      const talker = await openImapTalker(scanned.listeners.ports.imaps, scanned.listeners.core.ready.ca);
      await talker.command('LOGIN alice secret');
      return talker;
    };
    const compress = async (talker: ImapTalker) => {
      expect((await talker.command('COMPRESS DEFLATE')).toString('latin1')).toMatch(/^t\d+ OK/m);
      talker.compress();
    };

    test('is offered it after the login, and no longer once it is on', async () => {
      const talker = await open();
      expect((await talker.command('CAPABILITY')).toString('latin1')).toContain('COMPRESS=DEFLATE');
      await compress(talker);
      expect((await talker.command('NOOP')).toString('latin1')).toMatch(/^t\d+ OK/m);
      talker.close();
    });

    test('gets whole messages, fewer octets than they have, and no virus', async () => {
      const talker = await open();
      await compress(talker);
      await talker.command('SELECT INBOX');
      for (const [index, { name, wire, infected }] of messages.entries()) {
        const answer = await talker.command(`FETCH ${index + 1} BODY.PEEK[]`);
        if (infected) expect(containsVirus(answer), name).toBe(false);
        else expect(answer.includes(wire), name).toBe(true);
        expect(answer.toString('latin1'), name).toContain(`{${wire.length}}\r\n`);
      }
      const sizeBytes = messages.reduce((sum, { wire }) => sum + wire.length, 0);
      expect(talker.compressedBytes()).toBeLessThan(sizeBytes);
      talker.close();
    });

    test('gets many messages with one command', async () => {
      const talker = await open();
      await compress(talker);
      await talker.command('SELECT INBOX');
      const answer = await talker.command('UID FETCH 1:* (UID BODY.PEEK[])');
      for (const { name, wire, infected } of messages) expect(answer.includes(wire), name).toBe(!infected);
      expect(containsVirus(answer)).toBe(false);
      talker.close();
    });

    test('is refused a second time, and goes on', async () => {
      const talker = await open();
      await compress(talker);
      const again = (await talker.command('COMPRESS DEFLATE')).toString('latin1');
      expect(again).toMatch(/^t\d+ (?:NO \[COMPRESSIONACTIVE\]|BAD)/m);
      expect((await talker.command('SELECT INBOX')).toString('latin1')).toContain(
        `* ${messages.length} EXISTS`,
      );
      talker.close();
    });

    test('is refused another algorithm, and goes on in the clear', async () => {
      const talker = await open();
      expect((await talker.command('COMPRESS BROTLI')).toString('latin1')).toMatch(/^t\d+ (?:NO|BAD)/m);
      expect((await talker.command('NOOP')).toString('latin1')).toMatch(/^t\d+ OK/m);
      talker.close();
    });
  });
});
