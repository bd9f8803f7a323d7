// Whether octets are a message header and nothing else, in the way any client may read them.

/**
 * Fields and their continuations, ended by the first empty line, which is also the end. A bare CR or LF ends a line too,
 * as some client may read it.
 */
export function isHeaderAlone(header: Uint8Array): boolean {
  let at = 0;
  let cr = header.indexOf(13);
  let lf = header.indexOf(10);
  while (at < header.length) {
    // Searched again only when passed: each octet is looked at once, whatever the line ends are.
    if (cr !== -1 && cr < at) cr = header.indexOf(13, at);
    if (lf !== -1 && lf < at) lf = header.indexOf(10, at);
    const end = cr === -1 ? lf : lf === -1 ? cr : Math.min(cr, lf);
    if (end === -1) return false;
    const next = header[end] === 13 && header[end + 1] === 10 ? end + 2 : end + 1;
    if (end === at) return next === header.length;
    const folded = header[at] === 32 || header[at] === 9;
    if (!folded) {
      const colon = header.indexOf(58, at);
      if (colon <= at || colon > end) return false;
    }
    at = next;
  }
  return header.length === 0;
}
