// Servers that say too much: without end, or in so many small pieces that each costs more than it weighs. What the
// process keeps stays bounded, and the connection works or ends.
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Link, openLink, SocketPairs, type Spoken } from '../support/hostile-link.ts';
import { inlineScanner } from '../support/inline-scanner.ts';

const mebibyte = 1024 * 1024;

/** Octets that a flood sends at most, far more than any of the limits. */
const floodBytes = 6 * mebibyte;

/** What the process may hold more than before, in the middle of a flood: the limits of both queues and their overhead. */
const allowedBytes = 48 * mebibyte;

/** Octets between two measurements. */
const measureBytes = 2 * mebibyte;

/** Spools that one connection may hold open: held messages, kept wholes and what one chunk brings. */
const allowedSpools = 4_000;

let pairs: SocketPairs;
beforeAll(async () => {
  pairs = await SocketPairs.open();
});
afterAll(() => pairs.close());

/** Octets that are in use, after all garbage was collected. */
function usedBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

interface Flood {
  readonly sent: number;
  readonly grownBytes: number;
  readonly mostSpools: number;
}

/** Sends `unit` again and again behind `start`, as fast as it is read, until the link ends or all is sent. */
async function flood(spoken: Spoken, command: string, start: string, unit: string): Promise<Flood> {
  const greeting = spoken === 'imap' ? '* OK ready\r\n' : '+OK ready\r\n';
  const scanner = inlineScanner();
  const link: Link = await openLink({ pairs, spoken, scanner, keepsReceived: false }, greeting);
  link.client.write(command);
  await new Promise((heard) => link.server.once('data', heard));
  let over = false;
  void link.ended.then(() => {
    over = true;
  });
  const block = Buffer.from(unit.repeat(Math.ceil(65_536 / unit.length)), 'latin1');
  const before = usedBytes();
  let [sent, measured, grownBytes, mostSpools, stuck] = [0, 0, 0, 0, 0];
  link.server.write(start, 'latin1');
  while (!over && sent < floodBytes && stuck < 2_000) {
    if (link.server.writableLength < mebibyte) {
      link.server.write(block);
      sent += block.length;
      stuck = 0;
    } else stuck++;
    await turn();
    if (sent - measured >= measureBytes) {
      grownBytes = Math.max(grownBytes, usedBytes() - before);
      measured = sent;
    }
    mostSpools = Math.max(mostSpools, link.liveSpools());
  }
  link.close();
  return { sent, grownBytes, mostSpools };
}

describe.each<[string, Spoken, string, string, string]>([
  ['small literals in one answer', 'imap', 'a FETCH 1 BODY[]\r\n', '* 1 FETCH (', 'X {1}\r\na '],
  ['small quoted strings in one answer', 'imap', 'a FETCH 1 BODY[]\r\n', '* 1 FETCH (', 'X "a" '],
  ['empty literals in one answer', 'imap', 'a FETCH 1 BODY[]\r\n', '* 1 FETCH (', 'X {0}\r\n '],
  [
    'answers of many small strings',
    'imap',
    'a FETCH 1 BODY[]\r\n',
    '',
    `* 1 FETCH (X "a"${' X "a"'.repeat(9_000)})\r\n`,
  ],
  ['small answers that are held', 'imap', 'a FETCH 1 BODY[]\r\n', '', '* 1 FETCH (BODY[] "a")\r\n'],
  ['an endless line', 'imap', 'a NOOP\r\n', '* OK ', 'x'],
  ['an endless SEARCH', 'imap', 'a SEARCH ALL\r\n', '* SEARCH', ' 1'],
  [
    'an endless header',
    'imap',
    'a FETCH 1 BODY[HEADER]\r\n',
    '* 1 FETCH (BODY[HEADER] {200000}\r\n',
    'A: b\r\n',
  ],
  ['open brackets without end', 'imap', 'a FETCH 1 ENVELOPE\r\n', '* 1 FETCH (ENVELOPE ', '('],
  ['an endless line', 'pop3', 'STAT\r\n', '+OK ', 'x'],
  ['an endless list of AUTH', 'pop3', 'AUTH\r\n', '+OK\r\n', 'PLAIN\r\n'],
])('%s (%s)', (_, spoken, command, start, unit) => {
  test('costs no more than its limit', { timeout: 60_000 }, async () => {
    const { grownBytes, mostSpools } = await flood(spoken, command, start, unit);
    expect(Math.round(grownBytes / mebibyte)).toBeLessThan(allowedBytes / mebibyte);
    expect(mostSpools).toBeLessThan(allowedSpools);
  });
});
