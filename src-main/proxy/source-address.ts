// Which address a connection to a server leaves from, so that rules and routes by source act on it as on the client's own.
import { isIP } from 'node:net';
import { addressInRanges, parseAddressEntry } from '../contract/address-list.ts';

const rangesOf = (...texts: readonly string[]) =>
  texts.flatMap((text) => {
    const parsed = parseAddressEntry(text);
    return parsed.ok ? [parsed.range] : [];
  });

const loopback = rangesOf('127.0.0.0/8', '::1');

/** Means nothing without the link it was used on (RFC 4007 §6), which the client's address does not tell. */
const linkLocal = rangesOf('fe80::/10');

/** The client's address where a connection to `destination` can leave from it; undefined: as the system chooses. */
export function sourceAddressFor(client: string | undefined, destination: string): string | undefined {
  if (client === undefined || isIP(client) === 0 || isIP(client) !== isIP(destination)) return undefined;
  if (addressInRanges(client, linkLocal)) return undefined;
  // From loopback nothing leads out: the kernel chose it for what stays on this machine.
  return addressInRanges(client, loopback) && !addressInRanges(destination, loopback) ? undefined : client;
}
