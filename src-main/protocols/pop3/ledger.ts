// The commands that wait for their answers, in order (RFC 2449 §6.6), and what shape each answer has.
import { latin1, lineEnd } from '../bytes.ts';

/** What follows a `+OK`, or what the engine says itself. */
export type Expectation =
  | { readonly kind: 'single' }
  /** Lines up to a dot, passed on; `filter` names what is taken out of them. */
  | { readonly kind: 'lines'; readonly filter?: 'capa' | 'auth' }
  /** The whole message; `bodyLines`: it was asked for in place of a TOP with so many lines. */
  | { readonly kind: 'message'; readonly bodyLines?: number }
  /** A header alone (TOP n 0). */
  | { readonly kind: 'header' }
  /** Lines of both sides until `+OK` or `-ERR`. */
  | { readonly kind: 'auth' }
  | { readonly kind: 'stls' }
  /** Never sent to the server. */
  | { readonly kind: 'local'; readonly reply: string };

/** A command of the client: what goes to the server for it, and what comes back. */
export interface Command {
  readonly expects: Expectation;
  /** Sent in place of the client's line; the line itself where it is absent. */
  readonly instead?: string;
}

const single = new Set(['USER', 'PASS', 'APOP', 'STAT', 'DELE', 'RSET', 'NOOP', 'QUIT', 'LAST', 'UTF8']);

/** RFC 1939 §7: `TOP msg n`, both numbers. */
const topArguments = /^(\d{1,10}) (\d{1,10})$/;

const refused = (reply: string): Command => ({ expects: { kind: 'local', reply: `-ERR ${reply}\r\n` } });

/** Reads a command line (with its ending). What can't be followed is refused by an answer of our own. */
export function parseCommand(
  line: Uint8Array,
  mayAuthenticate: (mechanism: string) => boolean,
  tls: boolean,
): Command {
  const text = latin1(line, 0, lineEnd(line)).trim();
  const [word = ''] = text.split(/\s/, 1);
  const name = word.toUpperCase();
  const rest = text.slice(word.length).trim().replace(/\s+/g, ' ');
  if (single.has(name)) return { expects: { kind: 'single' } };
  switch (name) {
    case 'CAPA':
      return { expects: { kind: 'lines', filter: 'capa' } };
    case 'LIST':
    case 'UIDL':
    case 'LANG':
      return { expects: { kind: rest === '' ? 'lines' : 'single' } };
    case 'RETR':
      return { expects: { kind: 'message' } };
    case 'TOP': {
      const [, message, count] = topArguments.exec(rest) ?? [];
      if (message === undefined || count === undefined) return refused('Invalid arguments');
      const bodyLines = Number(count);
      if (bodyLines === 0) return { expects: { kind: 'header' } };
      return { expects: { kind: 'message', bodyLines }, instead: `RETR ${message}\r\n` };
    }
    case 'AUTH': {
      const [mechanism = ''] = rest.split(' ', 1);
      if (mechanism === '') return { expects: { kind: 'lines', filter: 'auth' } };
      return mayAuthenticate(mechanism) ? { expects: { kind: 'auth' } } : refused('Mechanism not available');
    }
    case 'STLS':
      return tls ? refused('TLS is active already') : { expects: { kind: 'stls' } };
    default:
      return refused('Command not supported');
  }
}
