// What may be offered and enabled through us: a whitelist, applied wherever a server lists its capabilities. What
// would make the stream opaque, move content around the scan, or change the grammar is not on it.
import { latin1, lineEnd, octets } from './bytes.ts';

const passing = new Set(
  `IMAP4 IMAP4REV1 LITERAL+ LITERAL- SASL-IR LOGINDISABLED LOGIN-REFERRALS MAILBOX-REFERRALS ID IDLE ENABLE
   NAMESPACE CHILDREN UNSELECT UIDPLUS MOVE SORT SORT=DISPLAY ESORT ESEARCH SEARCHRES SEARCH=FUZZY WITHIN MULTISEARCH
   MULTIAPPEND REPLACE APPENDLIMIT LIST-EXTENDED LIST-STATUS LIST-MYRIGHTS LIST-METADATA SPECIAL-USE
   CREATE-SPECIAL-USE XLIST QUOTA QUOTASET ACL METADATA METADATA-SERVER LANGUAGE CONDSTORE QRESYNC STATUS=SIZE SAVEDATE
   OBJECTID UNAUTHENTICATE INPROGRESS X-GM-EXT-1`.split(/\s+/),
);

const passingPrefixes = ['THREAD=', 'RIGHTS=', 'QUOTA=', 'I18NLEVEL=', 'APPENDLIMIT='];

/** GSSAPI and DIGEST-MD5 can negotiate a security layer, EXTERNAL rests on a client certificate, -PLUS on the channel. */
const mechanisms = new Set(
  `PLAIN LOGIN CRAM-MD5 NTLM ANONYMOUS XOAUTH XOAUTH2 OAUTHBEARER PLAIN-CLIENTTOKEN SCRAM-SHA-1 SCRAM-SHA-224
   SCRAM-SHA-256 SCRAM-SHA-384 SCRAM-SHA-512`.split(/\s+/),
);

/** RFC 5161: what ENABLE may name. UTF8=ACCEPT, IMAP4rev2 and UIDONLY change the grammar of responses. */
const enabling = new Set(['CONDSTORE', 'QRESYNC', 'METADATA', 'METADATA-SERVER']);

export function mayEnable(name: string): boolean {
  return enabling.has(name.toUpperCase());
}

export function mayAuthenticateBy(mechanism: string): boolean {
  return mechanisms.has(mechanism.toUpperCase());
}

function passes(name: string, tls: boolean, scram: boolean): boolean {
  if (name === 'STARTTLS') return !tls;
  if (!name.startsWith('AUTH=')) {
    return passing.has(name) || passingPrefixes.some((prefix) => name.startsWith(prefix));
  }
  const mechanism = name.slice(5);
  return mechanisms.has(mechanism) && (scram || !mechanism.startsWith('SCRAM-'));
}

/** The names of a list (split by single spaces) that may be offered, as they were written. */
function filtered(list: string, tls: boolean): string {
  const names = list.split(' ');
  // RFC 5802 §6: a server that offers -PLUS must fail a client that could bind but did not see it offered.
  const scram = !names.some((name) => /^AUTH=SCRAM-.*-PLUS$/i.test(name));
  return names.filter((name) => name === '' || passes(name.toUpperCase(), tls, scram)).join(' ');
}

const inCode = /\[CAPABILITY ([^\]]*)\]/i;
const inResponse = /^(\* CAPABILITY )(.*)$/i;

/** A status or CAPABILITY line (with its ending) without what must not be offered; the same array if nothing was. */
export function filterCapabilityLine(line: Uint8Array, tls: boolean): Uint8Array {
  const end = lineEnd(line);
  const text = latin1(line, 0, end);
  const kept = inResponse.test(text)
    ? text.replace(inResponse, (_, start: string, list: string) => start + filtered(list, tls))
    : text.replace(inCode, (_, list: string) => `[CAPABILITY ${filtered(list, tls)}]`);
  return kept === text ? line : octets(kept + latin1(line, end));
}
