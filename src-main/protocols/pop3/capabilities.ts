// What a POP3 server may offer through us (RFC 2449): a whitelist, applied to CAPA and to the list of AUTH.
import { latin1, octets } from '../bytes.ts';
import { offeredMechanisms } from '../sasl.ts';

const passing = new Set(
  'CAPA TOP USER SASL RESP-CODES LOGIN-DELAY PIPELINING EXPIRE UIDL IMPLEMENTATION AUTH-RESP-CODE LANG UTF8 STLS'.split(
    ' ',
  ),
);

/** The words of a line, with or without its ending. */
function wordsOf(line: Uint8Array): string[] {
  return latin1(line)
    .split(/[ \t\r\n]+/)
    .filter((word) => word !== '');
}

/** A line of CAPA's answer as it may be shown; undefined leaves it out. The same array if nothing was taken away. */
export function filterCapaLine(line: Uint8Array, tls: boolean): Uint8Array | undefined {
  const [name = '', ...offered] = wordsOf(line);
  const upper = name.toUpperCase();
  if (!passing.has(upper) || (upper === 'STLS' && tls)) return undefined;
  if (upper !== 'SASL') return line;
  const kept = offeredMechanisms(offered);
  if (kept.length === offered.length) return line;
  if (kept.length === 0) return undefined;
  const text = latin1(line);
  return octets(`${name} ${kept.join(' ')}${text.slice(text.trimEnd().length)}`);
}

/** The lines of AUTH's list (one mechanism each, as servers have it since RFC 1734) without those that can't pass. */
export function filterAuthLines(lines: readonly Uint8Array[]): Uint8Array[] {
  const kept = new Set(offeredMechanisms(lines.flatMap(wordsOf)));
  return lines.filter((line) => wordsOf(line).every((word) => kept.has(word)));
}

/** What the lines of CAPA's answer leave of the ways to sign in (RFC 2449 §6.3, §6.4). */
export class SignInWays {
  #taken = false;
  #left = false;

  /** A line, and what is shown of it. */
  take(line: Uint8Array, shown: Uint8Array | undefined): void {
    const name = wordsOf(line)[0]?.toUpperCase();
    // Behind STLS the server is asked again, and may offer more.
    if (shown && (name === 'SASL' || name === 'USER' || name === 'STLS')) this.#left = true;
    else if (name === 'SASL') this.#taken = true;
  }

  /** Some were offered, and none can pass through us. */
  get none(): boolean {
    return this.#taken && !this.#left;
  }
}
