// An evil IMAP client, in this process: whatever it sends, a server behind the engine reads no command that the engine
// does not let pass, however that server takes octets apart. POSTERN_ROUNDS makes it longer.
import { describe, expect, test } from 'vitest';
import type { EngineEvent } from '../../src-main/protocols/engine.ts';
import { createImapEngine } from '../../src-main/protocols/imap/engine.ts';
import { type Random, randomFrom, sizeFromEnvironment } from '../support/random.ts';
import { ListeningServer, type Reading, readings } from './listening-server.ts';

const rounds = sizeFromEnvironment('POSTERN_ROUNDS', 1_500);
const firstSeed = sizeFromEnvironment('POSTERN_SEED', 1);

const hidden = [
  'NOTIFY SET x',
  'URLFETCH "imap://x"',
  'GENURLAUTH x',
  'XEVIL',
  'CONVERT 1',
  'ENABLE UTF8=ACCEPT',
];

/** A command line that must never be read by a server. */
const smuggled = (random: Random) => `b${random.below(9)} ${hidden[random.below(hidden.length)]}`;

function piece(random: Random): string {
  const evil = smuggled(random);
  const tag = `a${random.below(9)}`;
  const inLiteral = `${evil}\r\n`;
  return random.pick<string>([
    `${tag} NOOP\r\n`,
    `${evil}\r\n`,
    `${tag} LOGIN {${inLiteral.length}+}\r\n${inLiteral} x\r\n`,
    `${tag} LOGIN {${inLiteral.length}}\r\n${inLiteral} x\r\n`,
    `${tag} LOGIN {3+}\r\nabc "open {${inLiteral.length}+}\r\n${inLiteral}\r\n`,
    `${tag} LOGIN "open {${inLiteral.length}+}\r\n${inLiteral}\r\n`,
    `${tag} LOGIN "esc\\" {${inLiteral.length}+}\r\n${inLiteral}\r\n`,
    `${tag} LOGIN "a\\\\" {${inLiteral.length}+}\r\n${inLiteral} x\r\n`,
    `${tag} NOOP\r${evil}\r\n`,
    `${tag} NOOP\n${evil}\n`,
    `${tag} NOOP\0\r\n${evil}\r\n`,
    `${tag} SEARCH TEXT {0+}\r\n {${inLiteral.length}+}\r\n${inLiteral}\r\n`,
    `${tag} APPEND x ({${inLiteral.length}+}\r\n${inLiteral}\r\n`,
    `${tag} APPEND x CATENATE (URL "/x")\r\n`,
    `${tag} APPEND x (\\Seen) catenate (URL {3+}\r\nabc)\r\n`,
    `${tag} APPEND {1+}\r\nx CATENATE (URL "/x")\r\n`,
    `${tag} AUTHENTICATE PLAIN\r\n${evil}\r\n`,
    `${tag} AUTHENTICATE PLAIN {${inLiteral.length}+}\r\n${inLiteral}\r\n`,
    `${tag} IDLE\r\n${evil}\r\nDONE\r\n`,
    `${tag} IDLE\r\nDONE\r\n${evil}\r\n`,
    'DONE\r\n',
    `${tag} FETCH 1 (BODY[] {${inLiteral.length}+}\r\n${inLiteral})\r\n`,
    `${tag} FETCH 1 BODY[HEADER.FIELDS ({3+}\r\nabc)]\r\n`,
    `${tag}  NOTIFY NONE\r\n`,
    `${tag} UID NOTIFY NONE\r\n`,
    `${tag} uid\tNOTIFY\r\n`,
    `${tag} ENABLE CONDSTORE UTF8=ACCEPT\r\n`,
    `${tag} ENABLE\tUTF8=ACCEPT\r\n`,
    `${tag} LOGIN ~{${inLiteral.length}+}\r\n${inLiteral} x\r\n`,
    `${tag} LOGIN {00${inLiteral.length}+}\r\n${inLiteral} x\r\n`,
    `${tag} LOGIN {4294967300+}\r\n${inLiteral}`,
    `${tag} LOGIN {-1+}\r\n${inLiteral}`,
    `${tag} LOGIN {+}\r\n${inLiteral}`,
    `${tag} LOGIN {5+} \r\n${inLiteral}`,
    `${tag} LOGIN {${inLiteral.length}+}\n${inLiteral} x\n`,
    `${tag} LOGIN {${inLiteral.length}+}\r\r\n${inLiteral} x\r\n`,
    `\r\n${evil}\r\n`,
    ` ${evil}\r\n`,
    `${'x'.repeat(random.below(70_000))}`,
    `\x16\x03\x01\x02\xff\xfe`,
    `${tag} COMPRESS DEFLATE\r\n`,
    `${tag} STARTTLS\r\n${evil}\r\n`,
  ]);
}

/** Plays one client against the engine with a server behind it; returns commands that should not have got there. */
function play(seed: number, reading: Reading): string[] {
  const random = randomFrom(seed);
  const engine = createImapEngine({ tls: random.chance(0.7) });
  const server = new ListeningServer(reading, () => random.chance(0.8));
  const toClient: Buffer[] = [];
  const feed = (event: EngineEvent): void => {
    const toServer: string[] = [];
    for (const action of engine.handle(event)) {
      if (action.kind === 'send' && action.to === 'server')
        toServer.push(Buffer.from(action.bytes).toString('latin1'));
      else if (action.kind === 'send') toClient.push(Buffer.from(action.bytes));
    }
    if (toServer.length === 0) return;
    const said = server.hear(toServer.join(''));
    if (said !== '') feed({ kind: 'data', from: 'server', bytes: Buffer.from(said, 'latin1') });
  };
  feed({ kind: 'data', from: 'server', bytes: Buffer.from('* OK ready\r\n') });
  const all = Buffer.from(
    Array.from({ length: 1 + random.below(5) }, () => piece(random)).join(''),
    'latin1',
  );
  for (let at = 0; at < all.length; ) {
    const length = random.chance(0.5) ? all.length : 1 + random.below(50);
    feed({ kind: 'data', from: 'client', bytes: all.subarray(at, at + length) });
    at += length;
  }
  feed({ kind: 'end', from: 'client' });
  return server.commands.filter((command) => {
    const name = command.split(/[ \t]+/)[1] ?? '';
    return (
      /^(NOTIFY|URLFETCH|GENURLAUTH|XEVIL|CONVERT)$/i.test(name) ||
      /UTF8=ACCEPT|^\S+ APPEND .*CATENATE/i.test(command)
    );
  });
}

describe.each(readings)('a server $name', (reading) => {
  test(`reads nothing that was not let through in ${rounds} rounds`, {
    timeout: 60_000 + rounds * 20,
  }, () => {
    const wrong: string[] = [];
    for (let seed = firstSeed; seed < firstSeed + rounds && wrong.length < 5; seed++) {
      const got = play(seed, reading);
      if (got.length > 0) wrong.push(`seed ${seed}: ${JSON.stringify(got)}`);
    }
    expect(wrong).toEqual([]);
  });
});
