// What a line of the server is (RFC 1939 §3), told by its first octets.
import { latin1, lineEnd } from '../bytes.ts';

const plus = 0x2b;
const minus = 0x2d;
const dot = 0x2e;

/** The last line of several. */
export const isDotLine = (line: Uint8Array): boolean => line[0] === dot && lineEnd(line) === 1;

export const isStatus = (line: Uint8Array): boolean => line[0] === plus || line[0] === minus;

export const isNegative = (line: Uint8Array): boolean => line[0] === minus;

/** Not the challenge of an exchange, which begins with `+` too. */
export const isOk = (line: Uint8Array): boolean =>
  latin1(line, 0, Math.min(line.length, 3)).toUpperCase() === '+OK';

/** The greeting of a server that knows APOP has a msg-id in it (RFC 1939 §7). */
export const offersApop = (greeting: Uint8Array): boolean => /<[^<>]*@[^<>]*>/.test(latin1(greeting));
