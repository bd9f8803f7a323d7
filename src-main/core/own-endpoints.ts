// Whether a destination is one of our own listeners: dialling it would bring the connection back to us, without end.
import { addressInRanges, addressRanges, loopbackRanges } from '../contract/address-list.ts';
import type { Endpoint } from '../contract/connection.ts';

/** All of these reach what listens on a loopback address; to "any address" Linux connects as to loopback. */
const loopback = [...loopbackRanges, ...addressRanges(['0.0.0.0', '::'])];

/** `own` are listeners on loopback addresses. A host name is told from others only once it is connected. */
export function isOneOf(endpoint: Endpoint, own: readonly Endpoint[]): boolean {
  return own.some(({ port }) => port === endpoint.port) && addressInRanges(endpoint.address, loopback);
}
