// The ClientHello of TLS (RFC 8446 §4.1.2), as far as it must be mirrored to the server: name, ALPN, and what the client
// is ready to speak.
import { joinBytes, latin1 } from './bytes.ts';
import { clientHelloBytes } from './limits.ts';

export interface ClientHello {
  readonly kind: 'client-hello';
  /** SNI (RFC 6066 §3), when it is a host name: letters, digits, hyphens, underscores and dots, no address. */
  readonly serverName?: string;
  /** ALPN (RFC 7301), each protocol as latin1. */
  readonly alpn: readonly string[];
  /** Offered, newest first: 0x0304 is TLS 1.3, 0x0303 TLS 1.2. */
  readonly versions: readonly number[];
  /** In the client's own order, by their numbers at IANA. */
  readonly cipherSuites: readonly number[];
  /** SignatureScheme (RFC 8446 §4.2.3), in the client's own order; empty: there is no such extension. */
  readonly signatureAlgorithms: readonly number[];
  /** Curves and other groups (RFC 8422 §5.1.1), in the client's own order; empty: there is no such extension. */
  readonly groups: readonly number[];
}

export type ClientHelloResult = ClientHello | { readonly kind: 'need-more' } | { readonly kind: 'not-tls' };

const handshakeRecord = 22;
const clientHelloType = 1;
const extensionTypes = {
  serverName: 0,
  groups: 10,
  signatureAlgorithms: 13,
  alpn: 16,
  supportedVersions: 43,
} as const;

/** SSL 3.0 and TLS 1.2: what a ClientHello without `supported_versions` can speak of (RFC 8446 §4.2.1). */
const oldestVersion = 0x0300;
const newestLegacyVersion = 0x0303;

const notTls = { kind: 'not-tls' } as const;

/** Reads big-endian fields; a read past the end gives nothing, from there on. */
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

const label = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?$/;

/** RFC 1123 §2.1 with the underscore that real names have; an address is no name (RFC 6066 §3). */
function hostName(text: string): string | undefined {
  if (text.length > 253 || /^[0-9.]+$/.test(text)) return undefined;
  const labels = text.replace(/\.$/, '').split('.');
  return labels.every((each) => each.length <= 63 && label.test(each)) ? text : undefined;
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

/** Values that some clients put in to be ignored: 0x0A0A, 0x1A1A ... 0xFAFA (RFC 8701). */
const isGrease = (value: number) => (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff);

function readNumbers(list: Uint8Array): number[] {
  const reader = new Reader(list);
  const values: number[] = [];
  while (!reader.done) {
    const value = reader.number(2);
    if (!reader.failed && !isGrease(value)) values.push(value);
  }
  return values;
}

function legacyVersions(newest: number): number[] {
  const versions: number[] = [];
  const first = Math.min(newest, newestLegacyVersion);
  for (let version = first; version >= oldestVersion; version--) versions.push(version);
  return versions;
}

function readHello(body: Uint8Array): ClientHelloResult {
  const hello = new Reader(body);
  let versions = legacyVersions(hello.number(2));
  // Random and session id; compression methods come behind the suites.
  hello.take(32);
  hello.vector(1);
  const cipherSuites = readNumbers(hello.vector(2));
  hello.vector(1);
  // Without extensions in TLS 1.2 (RFC 5246 §7.4.1.2).
  const extensions = new Reader(hello.done ? new Uint8Array(0) : hello.vector(2));
  let serverName: string | undefined;
  let alpn: readonly string[] = [];
  let signatureAlgorithms: readonly number[] = [];
  let groups: readonly number[] = [];
  while (!extensions.done) {
    const type = extensions.number(2);
    const data = extensions.vector(2);
    if (extensions.failed) break;
    if (type === extensionTypes.serverName) serverName = readServerName(data);
    if (type === extensionTypes.alpn) alpn = readAlpn(data);
    if (type === extensionTypes.groups) groups = readNumbers(new Reader(data).vector(2));
    if (type === extensionTypes.signatureAlgorithms) {
      signatureAlgorithms = readNumbers(new Reader(data).vector(2));
    }
    if (type === extensionTypes.supportedVersions) {
      versions = readNumbers(new Reader(data).vector(1)).sort((one, other) => other - one);
    }
  }
  if (hello.failed || extensions.failed) return notTls;
  return {
    kind: 'client-hello',
    alpn,
    versions,
    cipherSuites,
    signatureAlgorithms,
    groups,
    ...(serverName === undefined ? {} : { serverName }),
  };
}

/** The body of a ClientHello message, once the fragments of its records hold all of it. */
function wholeBody(fragments: readonly Uint8Array[], length: number): Uint8Array | 'not-tls' | undefined {
  const [first] = fragments;
  if (length < 4 && first?.[0] !== undefined && first[0] !== clientHelloType) return 'not-tls';
  if (length < 4) return undefined;
  // The message's header may itself be spread over records of one octet.
  const header = new Reader(joinBytes(fragments.slice(0, 4)));
  if (header.number(1) !== clientHelloType) return 'not-tls';
  const size = header.number(3);
  if (size > clientHelloBytes) return 'not-tls';
  return length < 4 + size ? undefined : joinBytes(fragments, length).subarray(4, 4 + size);
}

/**
 * Reads the ClientHello at the start of `bytes`, which may be spread over several records. What is no ClientHello, or
 * longer than `clientHelloBytes`, is `not-tls`. Never throws.
 */
export function parseClientHello(bytes: Uint8Array): ClientHelloResult {
  const fragments: Uint8Array[] = [];
  let length = 0;
  let at = 0;
  for (;;) {
    if (bytes.length > at && bytes[at] !== handshakeRecord) return notTls;
    if (bytes.length > at + 1 && bytes[at + 1] !== 3) return notTls;
    if (bytes.length < at + 5) break;
    const record = ((bytes[at + 3] ?? 0) << 8) | (bytes[at + 4] ?? 0);
    if (record === 0) return notTls;
    const fragment = bytes.subarray(at + 5, at + 5 + record);
    if (fragment.length > 0) fragments.push(fragment);
    length += fragment.length;
    const body = wholeBody(fragments, length);
    if (body === 'not-tls') return notTls;
    if (body) return readHello(body);
    if (fragment.length < record) break;
    at += 5 + record;
  }
  return bytes.length > clientHelloBytes ? notTls : { kind: 'need-more' };
}
