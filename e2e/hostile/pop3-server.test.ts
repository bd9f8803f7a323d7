// An evil POP3 server, in this process: whatever it says, no infected octet reaches the client before it was judged, and
// the connection works or ends. POSTERN_ROUNDS makes it longer, POSTERN_SEED begins elsewhere.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SocketPairs } from '../support/hostile-link.ts';
import { inlineScanner } from '../support/inline-scanner.ts';
import { sizeFromEnvironment } from '../support/random.ts';
import { pop3Answer, pop3Command, pop3Greeting, pop3Unasked } from './pop3-answers.ts';
import { type EvilScript, evilServerRound, runRounds } from './rounds.ts';

const rounds = sizeFromEnvironment('POSTERN_ROUNDS', 600);
const firstSeed = sizeFromEnvironment('POSTERN_SEED', 1);

let pairs: SocketPairs;
beforeAll(async () => {
  pairs = await SocketPairs.open();
});
afterAll(() => pairs.close());

const script: EvilScript = {
  spoken: 'pop3',
  greeting: pop3Greeting,
  commands: (random) => Array.from({ length: 1 + random.below(6) }, () => `${pop3Command(random)}\r\n`),
  reply: pop3Answer,
  unasked: (random) => (random.chance(0.2) ? pop3Unasked(random) : ''),
};

test(`no infected octet passes in ${rounds} rounds`, { timeout: 100_000 + 50 * rounds }, async () => {
  const scanner = inlineScanner();
  const wrong = await runRounds(
    (seed) => evilServerRound({ pairs, scanner, script }, seed),
    rounds,
    firstSeed,
  );
  expect(wrong).toEqual([]);
});
