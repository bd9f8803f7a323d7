// The host of a certificate rule: a name, or `*.` and a name for everything below it; names know no case (RFC 4343).
// Compared with what a client says in its ClientHello, so in ASCII; typed names may have any letters.

/** RFC 1123 §2.1 with the underscore that real names have; an international name is typed in its ASCII form (RFC 5891). */
const name = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

const tidy = (text: string) => text.toLowerCase().replace(/\.$/, '');

/** Whether this is a host pattern; an address is none, for no client sends one as a name. */
export function isHostPattern(text: string): boolean {
  const host = tidy(text).replace(/^\*\./, '');
  return host.length <= 253 && name.test(host) && !/^[0-9.]+$/.test(host);
}

/** Whether a server's name fits a pattern: `*.example.org` fits every name below `example.org`, and not that itself. */
export function hostMatches(pattern: string, serverName: string): boolean {
  const wanted = tidy(pattern);
  const host = tidy(serverName);
  return wanted.startsWith('*.')
    ? host.endsWith(wanted.slice(1)) && host.length > wanted.length - 1
    : host === wanted;
}
