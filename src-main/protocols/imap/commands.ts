// The first line of a client's command (RFC 9051 §6) and which commands may go on at all: a whitelist, since an
// answer that we can't follow could carry content past the scan.
import { type LiteralMark, latin1, lineEnd, literalMark, quoteOpenAt } from '../bytes.ts';

export interface CommandLine {
  readonly tag: string;
  /** In upper case; `UID FETCH` in two words. */
  readonly name: string;
  /** Where its arguments begin in the line. */
  readonly argumentsAt: number;
  readonly literal: LiteralMark | undefined;
}

type ReadCommand =
  | { readonly kind: 'command'; readonly command: CommandLine }
  /** `tag`: as far as there is one to answer. */
  | {
      readonly kind: 'malformed';
      readonly tag: string | undefined;
      readonly literal: LiteralMark | undefined;
    };

const passing = new Set(
  `CAPABILITY NOOP LOGOUT ID STARTTLS AUTHENTICATE LOGIN ENABLE SELECT EXAMINE CREATE DELETE RENAME SUBSCRIBE
   UNSUBSCRIBE LIST LSUB XLIST RLIST RLSUB NAMESPACE STATUS APPEND IDLE COMPRESS CANCELUPDATE UNSELECT CHECK CLOSE EXPUNGE SEARCH ESEARCH
   FETCH STORE COPY MOVE SORT THREAD REPLACE GETQUOTA GETQUOTAROOT SETQUOTA GETACL SETACL DELETEACL LISTRIGHTS
   MYRIGHTS GETMETADATA SETMETADATA LANGUAGE COMPARATOR UNAUTHENTICATE`
    .split(/\s+/)
    .concat(
      'COPY MOVE FETCH STORE SEARCH EXPUNGE SORT THREAD REPLACE'.split(' ').map((name) => `UID ${name}`),
    ),
);

export function mayPass(name: string): boolean {
  return passing.has(name);
}

/** Commands of which all must be known before they go on: none of their arguments needs a literal. */
const oneLine = new Set(['FETCH', 'UID FETCH', 'ENABLE', 'IDLE', 'STARTTLS', 'AUTHENTICATE', 'COMPRESS']);

export function takesLiterals(name: string): boolean {
  return !oneLine.has(name);
}

const deselecting = new Set([
  'SELECT',
  'EXAMINE',
  'CLOSE',
  'UNSELECT',
  'LOGOUT',
  'UNAUTHENTICATE',
  'DELETE',
  'RENAME',
]);

/** It names the mailbox that is selected then. */
export function selects(name: string): boolean {
  return name === 'SELECT' || name === 'EXAMINE';
}

/** After it sequence numbers and UIDs may mean other messages. */
export function deselects(name: string): boolean {
  return deselecting.has(name);
}

const start = /^([^\s(){%*"\\+\x7f]+) ([A-Za-z][A-Za-z0-9.-]*)(?= |$)(?: ([A-Za-z]+)(?= |$))?/;
const startOctets = 256;

/** A server that takes a bare CR or a NUL for a line's end would see two lines in it. */
export function isOneLine(line: Uint8Array): boolean {
  const cr = line.indexOf(13);
  return (cr === -1 || cr === line.length - 2) && !line.includes(0);
}

export function readCommandLine(line: Uint8Array): ReadCommand {
  const literal = literalMark(line);
  const match = start.exec(latin1(line, 0, Math.min(lineEnd(line), startOctets)));
  if (!match) {
    const tag = /^[^\s(){%*"\\+\x7f]+(?= )/.exec(latin1(line, 0, Math.min(line.length, startOctets)))?.[0];
    return { kind: 'malformed', tag, literal };
  }
  const [whole, tag = '', first = '', second] = match;
  // A literal announced inside an open quote is one to some servers and none to others.
  const isAmbiguous = literal && (literal.size === Number.POSITIVE_INFINITY || quoteOpenAt(line, literal.at));
  if (isAmbiguous || !isOneLine(line)) {
    return { kind: 'malformed', tag, literal };
  }
  const uid = first.toUpperCase() === 'UID' && second !== undefined;
  const name = uid ? `UID ${second.toUpperCase()}` : first.toUpperCase();
  const argumentsAt = (uid ? whole.length : tag.length + 1 + first.length) + 1;
  return { kind: 'command', command: { tag, name, argumentsAt, literal } };
}

/** The arguments of a command line as text, without the line's ending. */
export function argumentsOf(line: Uint8Array, command: CommandLine): string {
  return latin1(line, command.argumentsAt, Math.max(command.argumentsAt, lineEnd(line)));
}

/**
 * Whether a line of a command asks for CATENATE (RFC 4469), which joins parts of messages that we never see. `skip`:
 * arguments at the beginning that are names (the mailbox may be called so).
 */
export function asksElsewhere(name: string, text: string, skip: number): boolean {
  if (name !== 'APPEND' && !name.endsWith('REPLACE')) return false;
  const words = text.match(/"(?:[^"\\]|\\.)*"|[^\s"()]+|[()]/g) ?? [];
  return words.slice(skip).some((word) => word.toUpperCase() === 'CATENATE');
}
