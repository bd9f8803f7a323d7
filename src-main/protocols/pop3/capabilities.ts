// What a POP3 server may offer through us (RFC 2449): a whitelist, applied to CAPA and to the list of AUTH.
import { latin1, lineEnd, octets } from '../bytes.ts';
import { offeredMechanisms } from '../sasl.ts';

const passing = new Set(
  'TOP USER SASL RESP-CODES LOGIN-DELAY PIPELINING EXPIRE UIDL IMPLEMENTATION AUTH-RESP-CODE LANG UTF8 STLS'.split(
    ' ',
  ),
);

/** A line of CAPA's answer as it may be shown; undefined leaves it out. The same array if nothing was taken away. */
export function filterCapaLine(line: Uint8Array, tls: boolean): Uint8Array | undefined {
  const end = lineEnd(line);
  const [name = '', ...values] = latin1(line, 0, end).split(/ +/);
  const upper = name.toUpperCase();
  if (!passing.has(upper) || (upper === 'STLS' && tls)) return undefined;
  if (upper !== 'SASL') return line;
  const offered = values.filter((value) => value !== '');
  const kept = offeredMechanisms(offered);
  if (kept.length === 0) return undefined;
  return kept.length === offered.length ? line : octets(`${name} ${kept.join(' ')}${latin1(line, end)}`);
}

/** The mechanisms of AUTH's list, one a line (RFC 1734's practice), without those that can't pass. */
export function filterAuthLines(lines: readonly Uint8Array[]): Uint8Array[] {
  const nameOf = (line: Uint8Array) => latin1(line, 0, lineEnd(line)).trim();
  const kept = offeredMechanisms(lines.map(nameOf));
  return lines.filter((line) => kept.includes(nameOf(line)));
}
