// Rounds of an evil server against a client of good will, each from a seed of its own: what a round says follows from
// it alone, so a failing one can be run again by itself.
import { setImmediate as turn } from 'node:timers/promises';
import type { Scanner } from '../../src-main/scanner/pool.ts';
import { findForbidden } from '../support/forbidden.ts';
import { type Link, openLink, type SocketPairs, type Spoken } from '../support/hostile-link.ts';
import { type Random, randomFrom } from '../support/random.ts';

/** What of a protocol a round needs. */
export interface EvilScript {
  readonly spoken: Spoken;
  readonly greeting: (random: Random) => string;
  /** The client's commands, each a line with its ending. */
  readonly commands: (random: Random) => string[];
  /** What the server says to a line that it got. */
  readonly reply: (random: Random, line: string) => string;
  /** What it says unasked. */
  readonly unasked: (random: Random) => string;
}

export interface RoundContext {
  readonly pairs: SocketPairs;
  readonly scanner: Scanner;
  readonly script: EvilScript;
}

/** Time in which a connection whose both ends have said all must be over. */
const endMs = 3_000;

/** Turns of the event loop in which octets cross both legs, if they are going to. */
const crossingTurns = 4;

async function pass(turns = crossingTurns): Promise<void> {
  for (let i = 0; i < turns; i++) await turn();
}

function sendInParts(link: Link, random: Random, text: string): void {
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length && !link.server.destroyed; ) {
    const length = random.chance(0.5) ? bytes.length : 1 + random.below(Math.min(2000, bytes.length));
    link.server.write(bytes.subarray(at, at + length));
    at += length;
  }
}

function finish(link: Link, random: Random): void {
  const way = random.below(10);
  if (way < 7) {
    link.server.end();
    link.client.end();
  } else if (way === 7) link.server.resetAndDestroy();
  else if (way === 8) link.client.resetAndDestroy();
  else link.server.destroy();
}

/** Runs one round; returns what is wrong, if anything is. */
export async function evilServerRound(
  { pairs, scanner, script }: RoundContext,
  seed: number,
): Promise<string | undefined> {
  const random = randomFrom(seed);
  const link = await openLink({ pairs, scanner, spoken: script.spoken }, script.greeting(random));
  let rest = '';
  link.server.on('data', (bytes: Buffer) => {
    const lines = (rest + bytes.toString('latin1')).split('\r\n');
    rest = lines.pop() ?? '';
    for (const line of lines) sendInParts(link, random, script.reply(random, line));
  });
  link.server.on('end', () => link.server.end());
  link.client.on('end', () => link.client.end());
  for (const command of script.commands(random)) {
    if (link.client.destroyed || link.client.writableEnded) break;
    link.client.write(command, 'latin1');
    if (random.chance(0.6)) await pass();
    if (random.chance(0.3) && !link.server.destroyed) sendInParts(link, random, script.unasked(random));
  }
  await pass();
  finish(link, random);
  const late = Symbol('late');
  const timer = Promise.withResolvers<typeof late>();
  const timeout = setTimeout(() => timer.resolve(late), endMs);
  const ended = await Promise.race([link.ended, timer.promise]);
  clearTimeout(timeout);
  await pass();
  const seen = findForbidden(link.atClient());
  const spools = link.liveSpools();
  link.close();
  if (seen !== undefined) return `the word was seen ${seen}`;
  if (ended === late) return `the connection did not end: ${JSON.stringify(link.atClient().slice(-300))}`;
  return spools > 0 ? `${spools} spools were left` : undefined;
}

/** Runs `rounds` of them, some at a time; returns what is wrong with which seed. */
export async function runRounds(
  round: (seed: number) => Promise<string | undefined>,
  rounds: number,
  firstSeed: number,
): Promise<string[]> {
  const wrong: string[] = [];
  let next = firstSeed;
  const worker = async () => {
    while (next < firstSeed + rounds && wrong.length < 5) {
      const seed = next++;
      const found = await round(seed);
      if (found !== undefined) wrong.push(`seed ${seed}: ${found}`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return wrong;
}
