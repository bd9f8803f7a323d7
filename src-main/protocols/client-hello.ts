// The ClientHello of TLS (RFC 8446 §4.1.2), as far as it must be mirrored to the server: name and ALPN.
import { clientHelloBytes } from './limits.ts';

export interface ClientHello {
  readonly kind: 'client-hello';
  /** SNI (RFC 6066 §3), when it is a host name: letters, digits, hyphens, underscores and dots, no address. */
  readonly serverName?: string;
  /** ALPN (RFC 7301), each protocol as latin1. */
  readonly alpn: readonly string[];
}

export type ClientHelloResult = ClientHello | { readonly kind: 'need-more' } | { readonly kind: 'not-tls' };

const serverNameExtension = 0;
const alpnExtension = 16;

/** Reads big-endian fields; a read past the end gives undefined from there on. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  failed = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.failed || this.#at >= this.#bytes.length;
  }

  take(count: number): Uint8Array {
    const end = this.#at + count;
    if (end > this.#bytes.length) this.failed = true;
    if (this.failed) return new Uint8Array(0);
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  number(octets: number): number {
    return this.take(octets).reduce((value, octet) => value * 256 + octet, 0);
  }

  /** A vector whose length is given in so many octets. */
  vector(lengthOctets: number): Uint8Array {
    return this.take(this.number(lengthOctets));
  }
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** RFC 1123 §2.1 with the underscore that real names have; an address is no name (RFC 6066 §3). */
function hostName(text: string): string | undefined {
  if (text.length > 253 || /^[0-9.]+$/.test(text)) return undefined;
  return /^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$/.test(
    text,
  )
    ? text
    : undefined;
}

function readServerName(data: Uint8Array): string | undefined {
  const list = new Reader(new Reader(data).vector(2));
  while (!list.done) {
    const type = list.number(1);
    const name = list.vector(2);
    if (type === 0 && !list.failed) return hostName(latin1(name));
  }
  return undefined;
}

function readAlpn(data: Uint8Array): string[] {
  const list = new Reader(new Reader(data).vector(2));
  const protocols: string[] = [];
  while (!list.done) {
    const name = list.vector(1);
    if (!list.failed && name.length > 0) protocols.push(latin1(name));
  }
  return protocols;
}

function readHello(body: Uint8Array): ClientHelloResult {
  const hello = new Reader(body);
  hello.take(2 + 32);
  hello.vector(1);
  hello.vector(2);
  hello.vector(1);
  if (hello.failed) return { kind: 'not-tls' };
  // Without extensions in TLS 1.2 (RFC 5246 §7.4.1.2).
  const extensions = new Reader(hello.done ? new Uint8Array(0) : hello.vector(2));
  let serverName: string | undefined;
  let alpn: readonly string[] = [];
  while (!extensions.done) {
    const type = extensions.number(2);
    const data = extensions.vector(2);
    if (extensions.failed) return { kind: 'not-tls' };
    if (type === serverNameExtension) serverName = readServerName(data);
    if (type === alpnExtension) alpn = readAlpn(data);
  }
  if (hello.failed) return { kind: 'not-tls' };
  return { kind: 'client-hello', alpn, ...(serverName === undefined ? {} : { serverName }) };
}

/**
 * Reads the ClientHello at the start of `bytes`, which may be spread over several records. What is no ClientHello, or
 * longer than `clientHelloBytes`, is `not-tls`. Never throws.
 */
export function parseClientHello(bytes: Uint8Array): ClientHelloResult {
  const message: number[] = [];
  let at = 0;
  for (;;) {
    if (bytes.length > at && bytes[at] !== 0x16) return { kind: 'not-tls' };
    if (bytes.length > at + 1 && bytes[at + 1] !== 3) return { kind: 'not-tls' };
    if (bytes.length < at + 5) break;
    const length = ((bytes[at + 3] ?? 0) << 8) | (bytes[at + 4] ?? 0);
    if (length === 0) return { kind: 'not-tls' };
    for (const octet of bytes.subarray(at + 5, at + 5 + length)) message.push(octet);
    if (message.length > 0 && message[0] !== 1) return { kind: 'not-tls' };
    const size = ((message[1] ?? 0) << 16) | ((message[2] ?? 0) << 8) | (message[3] ?? 0);
    if (message.length >= 4 && size > clientHelloBytes) return { kind: 'not-tls' };
    if (message.length >= 4 && message.length >= 4 + size)
      return readHello(Uint8Array.from(message.slice(4, 4 + size)));
    if (bytes.length < at + 5 + length) break;
    at += 5 + length;
  }
  return bytes.length > clientHelloBytes ? { kind: 'not-tls' } : { kind: 'need-more' };
}
