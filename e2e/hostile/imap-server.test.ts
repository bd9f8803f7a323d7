// An evil IMAP server, in this process: whatever it says, no infected octet reaches the client before it was judged, and
// the connection works or ends. POSTERN_ROUNDS makes it longer, POSTERN_SEED begins elsewhere.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SocketPairs } from '../support/hostile-link.ts';
import { inlineScanner } from '../support/inline-scanner.ts';
import { type Random, sizeFromEnvironment } from '../support/random.ts';
import { imapAnswer, imapCommand, imapGreeting, imapWhole } from './imap-answers.ts';
import { type EvilScript, evilServerRound, runRounds } from './rounds.ts';

const rounds = sizeFromEnvironment('POSTERN_ROUNDS', 600);
const firstSeed = sizeFromEnvironment('POSTERN_SEED', 1);

let pairs: SocketPairs;
beforeAll(async () => {
  pairs = await SocketPairs.open();
});
afterAll(() => pairs.close());

function tagged(random: Random, tag: string): string {
  return random.pick([
    `${tag} OK done\r\n`,
    `${tag} OK done\r\n`,
    `${tag} OK done\r\n`,
    `${tag} OK done\r\n`,
    `${tag} OK done\r\n`,
    `${tag} NO not now\r\n`,
    `${tag} BAD what\r\n`,
    '',
    `a${random.below(9)} OK another\r\n`,
    `${tag} OK done\r\n${tag} OK twice\r\n`,
    'PSTN1 OK yours\r\n',
    `${tag.toLowerCase()} ok [CAPABILITY IMAP4rev1 NOTIFY] x\r\n`,
  ]);
}

const script: EvilScript = {
  spoken: 'imap',
  greeting: imapGreeting,
  commands: (random) =>
    Array.from({ length: 1 + random.below(6) }, (_, i) => `a${i} ${imapCommand(random)}\r\n`),
  reply: (random, line) => {
    const [tag = '', name = ''] = line.split(' ');
    if (name === '') return '';
    const answers: string[] = [];
    if (tag.startsWith('PSTN') && random.chance(0.8)) answers.push(imapWhole(random, line));
    while (random.chance(0.5)) answers.push(imapAnswer(random));
    if (/IDLE|AUTHENTICATE|\}$/.test(line) && random.chance(0.7)) answers.push('+ go on\r\n');
    answers.push(tagged(random, tag));
    return answers.join('');
  },
  unasked: imapAnswer,
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
