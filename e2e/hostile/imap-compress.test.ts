// A server that compresses its answers (RFC 4978) and means no good: what comes out is held as ever, what is no deflate
// stream ends the connection, and what unfolds to far more than it weighs costs no more than a limit.
import { setImmediate as turn } from 'node:timers/promises';
import { constants, createInflateRaw, deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findForbidden, forbidden } from '../support/forbidden.ts';
import { type Link, openLink, SocketPairs } from '../support/hostile-link.ts';
import { inlineScanner } from '../support/inline-scanner.ts';

const mebibyte = 1024 * 1024;
const deflated = (text: string | Buffer) => deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH });

let pairs: SocketPairs;
beforeAll(async () => {
  pairs = await SocketPairs.open();
});
afterAll(() => pairs.close());

/** Opens a link both of whose legs are compressed; `plain`: what the client has inflated so far. */
async function compressed(): Promise<{ link: Link; plain: () => string }> {
  const greeting = '* OK [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] ready\r\n';
  const link = await openLink({ pairs, spoken: 'imap', scanner: inlineScanner() }, greeting);
  link.client.write('a COMPRESS DEFLATE\r\n');
  const heard = await new Promise<Buffer>((resolve) => link.server.once('data', resolve));
  expect(heard.toString()).toMatch(/^\S+ COMPRESS DEFLATE\r\n$/i);
  link.server.write(`${heard.toString().split(' ')[0]} OK active\r\n`);
  while (!link.atClient().includes('a OK')) await turn();
  const start = link.atClient().length;
  let plain = '';
  let fed = start;
  const inflate = createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH });
  inflate.on('data', (bytes: Buffer) => {
    plain += bytes.toString('latin1');
  });
  link.client.on('data', () => {
    inflate.write(Buffer.from(link.atClient().slice(fed), 'latin1'));
    fed = link.atClient().length;
  });
  return { link, plain: () => plain };
}

test('an infected body inside the compressed stream is held and made harmless', async () => {
  const { link, plain } = await compressed();
  link.server.write(
    deflated(`* 1 FETCH (BODY[] {${forbidden.length}}\r\n${forbidden})\r\n* OK behind it\r\n`),
  );
  while (!plain().includes('behind it')) await turn();
  expect(findForbidden(plain())).toBeUndefined();
  expect(plain()).toContain('FETCH');
  link.close();
});

test.each([
  ['plain octets', Buffer.from(`* 1 FETCH (BODY[] "${forbidden}")\r\n`)],
  ['noise', Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919) & 255))],
])('%s behind its OK end the connection', async (_, octets) => {
  const { link, plain } = await compressed();
  link.server.write(octets);
  link.server.end();
  expect(await link.ended).not.toBeUndefined();
  expect(findForbidden(link.atClient() + plain())).toBeUndefined();
  link.close();
});

test('a line that unfolds to 256 MiB ends the connection at its limit', { timeout: 60_000 }, async () => {
  const { link } = await compressed();
  const bomb = deflated(Buffer.concat([Buffer.from('* OK '), Buffer.alloc(256 * mebibyte, 'x')]));
  const before = process.memoryUsage.rss();
  link.server.write(bomb);
  expect(await link.ended).toBe('line-too-long');
  expect((process.memoryUsage.rss() - before) / mebibyte).toBeLessThan(64);
  link.close();
});
