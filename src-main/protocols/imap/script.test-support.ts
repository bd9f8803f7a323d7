// A script with an IMAP engine.
import { EngineScript } from '../script.test-support.ts';
import { createImapEngine } from './engine.ts';

export class Script extends EngineScript {
  constructor(octetMode = false, tls = true) {
    super(createImapEngine({ tls }), octetMode);
  }
}

/** A literal, or another form of one by what stands around its size. */
export const literal = (text: string, open = '{', close = '}'): string =>
  `${open}${text.length}${close}\r\n${text}`;

/** The tagged answer of a command that a message was left out of, without its tag. */
export const unavailableAnswer = 'NO [UNAVAILABLE] Message could not be scanned safely; try again later\r\n';

/** A script gets whole inputs, and once more octet by octet: the same must happen. */
export const inputModes = [
  ['in one piece', false],
  ['octet by octet', true],
] as const;

/** A script that has had its greeting. */
export function greeted(octetMode: boolean): Script {
  const s = new Script(octetMode);
  s.server('* OK ready\r\n').clientGot();
  return s;
}
