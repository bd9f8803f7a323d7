// Asks the kernel where a redirected connection was meant to go. One of the two files that make system calls by koffi.

import { type Socket, SocketAddress } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Endpoint } from '../../contract/connection.ts';

/** SO_ORIGINAL_DST (linux/netfilter_ipv4.h) and IP6T_SO_ORIGINAL_DST (linux/netfilter_ipv6/ip6_tables.h). */
const soOriginalDst = 80;
const ipprotoIp = 0;
const ipprotoIpv6 = 41;

/** sizeof(struct sockaddr_in6); sockaddr_in is shorter. */
const sockaddrBytes = 28;

/**
 * The destination of an accepted connection; the listener's own address for one that was not redirected, or undefined when
 * the kernel does not know it (no conntrack, another ct zone). A link-local IPv6 address carries its zone: `fe80::1%eth0`.
 */
export type OriginalDestination = (socket: Socket) => Endpoint | undefined;

/** The descriptor below a socket: Node offers it nowhere else. */
function descriptorOf(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null) return undefined;
  const fd: unknown = Reflect.get(handle, 'fd');
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}

function zoneOf(scopeId: number): string {
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    if (addresses?.some((each) => each.family === 'IPv6' && each.scopeid === scopeId)) return `%${name}`;
  }
  return '';
}

/** Reads a sockaddr_in (`ipv6` false) or sockaddr_in6. */
export function endpointOf(sockaddr: Uint8Array, ipv6: boolean): Endpoint {
  const view = new DataView(sockaddr.buffer, sockaddr.byteOffset, sockaddr.byteLength);
  const port = view.getUint16(2);
  if (!ipv6) return { address: sockaddr.subarray(4, 8).join('.'), port };
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(8 + 2 * i).toString(16)).join(':');
  const { address } = new SocketAddress({ address: groups, family: 'ipv6' });
  const scopeId = view.getUint32(24, true);
  return { address: scopeId === 0 ? address : `${address}${zoneOf(scopeId)}`, port };
}

type GetSockOpt = (fd: number, level: number, name: number, value: Uint8Array, length: number[]) => number;

/** Loads the system call. It fails where the library has no binary for the machine. */
export async function openOriginalDestination(): Promise<
  | { readonly ok: true; readonly originalDestination: OriginalDestination }
  | { readonly ok: false; readonly detail: string }
> {
  try {
    const { default: koffi } = await import('koffi');
    const getsockopt: GetSockOpt = koffi
      .load(null)
      .func('int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint32_t *length)');
    return { ok: true, originalDestination: (socket) => ask(getsockopt, socket) };
  } catch (error) {
    return { ok: false, detail: String(error) };
  }
}

function ask(getsockopt: GetSockOpt, socket: Socket): Endpoint | undefined {
  const fd = descriptorOf(socket);
  if (fd === undefined) return undefined;
  const ipv6 = socket.localFamily === 'IPv6';
  const sockaddr = new Uint8Array(sockaddrBytes);
  const level = ipv6 ? ipprotoIpv6 : ipprotoIp;
  return getsockopt(fd, level, soOriginalDst, sockaddr, [sockaddrBytes]) === 0
    ? endpointOf(sockaddr, ipv6)
    : undefined;
}
