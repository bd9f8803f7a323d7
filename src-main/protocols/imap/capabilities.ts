// What may be offered and enabled through us: a whitelist, applied wherever a server lists its capabilities. What
// would make the stream opaque, move content around the scan, or change the grammar is not on it.
import { latin1, lineEnd, octets } from '../bytes.ts';
import { offeredMechanisms } from '../sasl.ts';

const passing = new Set(
  `IMAP4 IMAP4REV1 LITERAL+ LITERAL- SASL-IR LOGINDISABLED LOGIN-REFERRALS MAILBOX-REFERRALS ID IDLE ENABLE
   NAMESPACE CHILDREN UNSELECT UIDPLUS MOVE SORT SORT=DISPLAY ESORT ESEARCH SEARCHRES SEARCH=FUZZY WITHIN MULTISEARCH
   MULTIAPPEND REPLACE APPENDLIMIT LIST-EXTENDED LIST-STATUS LIST-MYRIGHTS LIST-METADATA SPECIAL-USE
   CREATE-SPECIAL-USE XLIST QUOTA QUOTASET ACL METADATA METADATA-SERVER LANGUAGE CONDSTORE QRESYNC STATUS=SIZE SAVEDATE
   OBJECTID UNAUTHENTICATE INPROGRESS COMPRESS=DEFLATE BINARY PREVIEW CONTEXT=SEARCH CONTEXT=SORT X-GM-EXT-1`.split(
    /\s+/,
  ),
);

const passingPrefixes = ['THREAD=', 'RIGHTS=', 'QUOTA=', 'I18NLEVEL=', 'APPENDLIMIT='];

/** RFC 5161: what ENABLE may name. UTF8=ACCEPT, IMAP4rev2 and UIDONLY change the grammar of responses. */
const enabling = new Set(['CONDSTORE', 'QRESYNC', 'METADATA', 'METADATA-SERVER']);

export function mayEnable(name: string): boolean {
  return enabling.has(name.toUpperCase());
}

function passes(name: string, tls: boolean, mechanisms: readonly string[]): boolean {
  const upper = name.toUpperCase();
  if (upper === 'STARTTLS') return !tls;
  if (upper.startsWith('AUTH=')) return mechanisms.includes(name.slice(5));
  return passing.has(upper) || passingPrefixes.some((prefix) => upper.startsWith(prefix));
}

/** The names of a list (split by single spaces) that may be offered, as they were written. */
function filtered(list: string, tls: boolean): string {
  const names = list.split(' ');
  const mechanisms = offeredMechanisms(
    names.filter((name) => /^AUTH=/i.test(name)).map((name) => name.slice(5)),
  );
  return names.filter((name) => name === '' || passes(name, tls, mechanisms)).join(' ');
}

/** The names that a line lists, in upper case; undefined where it lists none. */
function namesIn(line: Uint8Array): string[] | undefined {
  const text = latin1(line, 0, lineEnd(line));
  return (inResponse.exec(text)?.[2] ?? inCode.exec(text)?.[2])?.toUpperCase().split(' ');
}

/** Whether a line lists capabilities; most tagged answers don't. */
export function listsCapabilities(line: Uint8Array): boolean {
  return namesIn(line) !== undefined;
}

/**
 * Whether a list that was read before the sign-in leaves no way to it through us, though the server has some: all its
 * mechanisms are bound to the channel or make it opaque, LOGIN is not allowed (RFC 9051 §7.2.2), and TLS won't change it.
 */
export function leavesNoSignIn(line: Uint8Array, tls: boolean): boolean {
  const names = namesIn(line);
  if (names === undefined) return false;
  const offered = names.filter((name) => name.startsWith('AUTH='));
  return (
    offered.length > 0 &&
    names.includes('LOGINDISABLED') &&
    (tls || !names.includes('STARTTLS')) &&
    offeredMechanisms(offered.map((name) => name.slice(5))).length === 0
  );
}

/** Octets of a client literal that need not wait (RFC 7888); undefined where the line lists no capabilities. */
export function nonSyncLiteralBytes(line: Uint8Array): number | undefined {
  const names = namesIn(line);
  if (names === undefined) return undefined;
  if (names.includes('LITERAL+')) return Number.POSITIVE_INFINITY;
  return names.includes('LITERAL-') ? 4096 : 0;
}

const inCode = /^([^[\]]*\[CAPABILITY )([^\]]*)\]/i;
const inResponse = /^(\* CAPABILITY )(.*)$/i;

/** A status or CAPABILITY line (with its ending) without what must not be offered; the same array if nothing was. */
export function filterCapabilityLine(line: Uint8Array, tls: boolean): Uint8Array {
  const end = lineEnd(line);
  const text = latin1(line, 0, end);
  const kept = inResponse.test(text)
    ? text.replace(inResponse, (_, start: string, list: string) => start + filtered(list, tls))
    : text.replace(inCode, (_, start: string, list: string) => `${start}${filtered(list, tls)}]`);
  return kept === text ? line : octets(kept + latin1(line, end));
}
