// The commands of POP3, and what shape the answer to each has; answers come in their order (RFC 2449 §6.6).
import { latin1, lineEnd } from '../bytes.ts';
import { mayAuthenticateBy } from '../sasl.ts';
import type { Forgetting, Wanted } from './kept-messages.ts';
import type { ListFilter } from './listing.ts';
import type { AnswerShape } from './message-answer.ts';

/** What follows a `+OK`, or what the engine says itself. */
export type Expectation =
  | { readonly kind: 'single' }
  /** One line too; with `+OK` the client is signed in. */
  | { readonly kind: 'sign-in' }
  /** Lines up to a dot, passed on; `filter` names what is taken out of them. */
  | { readonly kind: 'lines'; readonly filter: ListFilter }
  | AnswerShape
  /** Lines of both sides until `+OK` or `-ERR`. */
  | { readonly kind: 'auth' }
  | { readonly kind: 'stls' }
  /** Never sent to the server. */
  | { readonly kind: 'local'; readonly reply: string };

/** What asks for a whole message or its beginning. */
export const wantedBy = (expects: { readonly kind: 'kept' } | Expectation): Wanted | undefined =>
  expects.kind === 'message' || expects.kind === 'top' ? expects : undefined;

/** A command of the client: what goes to the server for it, and what comes back. */
export interface Command {
  readonly expects: Expectation;
  /** Sent in place of the client's line; the line itself where it is absent. */
  readonly instead?: string;
  /** What it makes untrue of messages that were fetched before. */
  readonly forgets?: Forgetting;
}

const single = new Set(['STAT', 'NOOP', 'LAST']);
const signIn = new Set(['PASS', 'APOP']);

/** They end the session with this maildrop, or what was done in it, or change the form of its messages (RFC 6856 §2). */
const renewing = new Set(['USER', 'RSET', 'QUIT', 'UTF8']);

/** A number as all servers read it: one with a leading zero could be octal to some. */
const plainNumber = /^[1-9]\d{0,9}$/;

const listed = { LIST: 'sizes', UIDL: 'ids', LANG: 'languages' } as const;

/** RFC 1939 §7: `TOP msg n`, both numbers. */
const topArguments = /^(\d{1,10})[ \t]+(\d{1,10})$/;

/** The word, and its arguments without the blanks around them. */
const commandLine = /^[ \t]*([^ \t]*)[ \t]*(.*?)[ \t]*$/;

/** A server that takes a bare CR or a NUL for a line's end would see two commands in it. */
const hidesAnother = (text: string) => text.includes('\r') || text.includes('\0');

const messageNumber = (text: string) => (plainNumber.test(text) ? Number(text) : undefined);

const refused = (reply: string): Command => ({ expects: { kind: 'local', reply: `-ERR ${reply}\r\n` } });

/** Reads a command line (with its ending). What can't be followed is refused by an answer of our own. */
export function parseCommand(line: Uint8Array, tls: boolean): Command {
  const text = latin1(line, 0, lineEnd(line));
  if (hidesAnother(text)) return refused('Invalid characters');
  const [, word = '', rest = ''] = commandLine.exec(text) ?? [];
  const name = word.toUpperCase();
  if (single.has(name)) return { expects: { kind: 'single' } };
  if (renewing.has(name)) return { expects: { kind: 'single' }, forgets: 'all' };
  if (signIn.has(name)) return { expects: { kind: 'sign-in' }, forgets: 'all' };
  switch (name) {
    case 'CAPA':
      return { expects: { kind: 'lines', filter: 'capa' } };
    case 'LIST':
    case 'UIDL':
    case 'LANG':
      return { expects: rest === '' ? { kind: 'lines', filter: listed[name] } : { kind: 'single' } };
    case 'RETR':
      return { expects: { kind: 'message', number: messageNumber(rest) } };
    case 'DELE':
      return { expects: { kind: 'single' }, forgets: messageNumber(rest) ?? 'all' };
    case 'TOP': {
      const [, message, count] = topArguments.exec(rest) ?? [];
      if (message === undefined || count === undefined) return refused('Invalid arguments');
      const bodyLines = Number(count);
      if (bodyLines === 0) return { expects: { kind: 'header' } };
      const number = messageNumber(message);
      return { expects: { kind: 'top', number, bodyLines }, instead: `RETR ${message}\r\n` };
    }
    case 'AUTH': {
      const [mechanism = ''] = rest.split(/[ \t]/, 1);
      if (mechanism === '') return { expects: { kind: 'lines', filter: 'auth' } };
      return mayAuthenticateBy(mechanism)
        ? { expects: { kind: 'auth' }, forgets: 'all' }
        : refused('Mechanism not available');
    }
    case 'STLS':
      return tls ? refused('TLS is active already') : { expects: { kind: 'stls' }, forgets: 'all' };
    default:
      return refused('Command not supported');
  }
}
