// What Gmail and Microsoft have of their own passes: sign-in by a token, labels, thread and message ids, object ids.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort, type RunningCore, startCore } from '../support/core.ts';
import { makeDirectory } from '../support/directory.ts';
import { type GmailServer, startGmailServer } from '../support/gmail-server.ts';
import { containsVirus, testMessages } from '../support/messages.ts';

const token = 'ya29.secret-token';
const messages = testMessages();
const octetsOf = messages.map(({ wire }) => wire);

describe('a server that speaks as Gmail does', () => {
  let directory: string;
  let server: GmailServer;
  let core: RunningCore;
  let port: number;

  beforeAll(async () => {
    directory = makeDirectory('gmail');
    server = await startGmailServer(octetsOf, token);
    port = await freePort();
    core = await startCore({
      args: ['--data-dir', join(directory, 'data'), '--intercept', 'off', '--console', 'off'].concat([
        '--listen',
        `${port}=127.0.0.1:${server.port}/imap`,
      ]),
    });
  });

  afterAll(async () => {
    await core?.stop();
    server?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const clientOf = (accessToken: string) =>
    new ImapFlow({
      host: '127.0.0.1',
      port,
      secure: false,
      doSTARTTLS: false,
      auth: { user: 'me@example.test', accessToken },
      logger: false,
    });

  test('signs in by XOAUTH2 or OAUTHBEARER, and brings its own items', async () => {
    const client = clientOf(token);
    await client.connect();
    expect(server.lines.some((line) => /AUTHENTICATE (OAUTHBEARER|XOAUTH2) /.test(line))).toBe(true);
    const capabilities = [...client.capabilities.keys()];
    for (const name of ['X-GM-EXT-1', 'OBJECTID', 'CONDSTORE', 'MOVE']) expect(capabilities).toContain(name);
    for (const name of ['UTF8=ACCEPT', 'XYZZY']) expect(capabilities).not.toContain(name);
    const lock = await client.getMailboxLock('INBOX');
    const first = await client.fetchOne('1', { uid: true, labels: true, threadId: true, source: true });
    lock.release();
    await client.logout();
    if (first === false) throw new Error('nothing was fetched');
    expect(first.emailId).toBe('M1');
    expect(first.threadId).toBe('T1');
    expect([...(first.labels ?? [])]).toEqual(['\\Inbox', 'R&D"x']);
    expect(first.source?.equals(octetsOf[0] ?? Buffer.alloc(0))).toBe(true);
  });

  test('lets no virus through, whole or in chunks', async () => {
    const client = clientOf(token);
    await client.connect();
    const lock = await client.getMailboxLock('INBOX');
    for (const [index, { wire, infected }] of messages.entries()) {
      const fetched = await client.fetchOne(String(index + 1), { source: true }, { uid: true });
      const source = fetched === false ? undefined : fetched.source;
      const { content } = await client.download(String(index + 1), undefined, { uid: true });
      const chunks = content ? Buffer.concat(await content.toArray()) : Buffer.alloc(0);
      if (!infected) expect(source?.equals(wire)).toBe(true);
      expect(source?.length).toBe(wire.length);
      expect(chunks.equals(source ?? Buffer.alloc(0))).toBe(true);
      expect(containsVirus(chunks)).toBe(false);
    }
    lock.release();
    await client.logout();
  });

  test('refuses a wrong token in its own words', async () => {
    const client = clientOf('wrong');
    await expect(client.connect()).rejects.toMatchObject({ authenticationFailed: true });
  });
});
