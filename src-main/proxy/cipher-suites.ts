// Which cipher suites are spoken on both legs, and what of a client's offer may be repeated to its server. Opens nothing.
import type { ClientHello } from '../protocols/client-hello.ts';

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** What may be spoken with a server for one client. */
export interface UpstreamTerms {
  readonly minVersion: TlsVersion;
  /** OpenSSL's names in the client's own order, joined by colons; Node takes those of TLS 1.3 in the same list. */
  readonly ciphers: string;
  /** Signature schemes and groups likewise; absent where the client names none that we speak. */
  readonly sigalgs?: string;
  readonly groups?: string;
}

const tls12 = 0x0303;
const tls13 = 0x0304;
const p256 = 0x0017;
/** Signature schemes with the hashes that OpenSSL's security level 2 accepts. */
const ecdsaP256Sha256 = 0x0403;
const rsaPss = [0x0804, 0x0805, 0x0806];
const rsaPkcs1 = [0x0401, 0x0501, 0x0601];

/**
 * Numbers at IANA with OpenSSL's names: what Node's default list and OpenSSL's security level 2 accept, but for those
 * that no mail program offers (DSS, ARIA). Their order here decides nothing: on both legs it is the client's.
 */
export const cipherSuites: ReadonlyMap<number, string> = new Map([
  [0x1302, 'TLS_AES_256_GCM_SHA384'],
  [0x1303, 'TLS_CHACHA20_POLY1305_SHA256'],
  [0x1301, 'TLS_AES_128_GCM_SHA256'],
  [0xc02c, 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  [0xc030, 'ECDHE-RSA-AES256-GCM-SHA384'],
  [0xcca9, 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  [0xcca8, 'ECDHE-RSA-CHACHA20-POLY1305'],
  [0xc0ad, 'ECDHE-ECDSA-AES256-CCM'],
  [0xc02b, 'ECDHE-ECDSA-AES128-GCM-SHA256'],
  [0xc02f, 'ECDHE-RSA-AES128-GCM-SHA256'],
  [0xc0ac, 'ECDHE-ECDSA-AES128-CCM'],
  [0x009f, 'DHE-RSA-AES256-GCM-SHA384'],
  [0xccaa, 'DHE-RSA-CHACHA20-POLY1305'],
  [0xc09f, 'DHE-RSA-AES256-CCM'],
  [0x009e, 'DHE-RSA-AES128-GCM-SHA256'],
  [0xc09e, 'DHE-RSA-AES128-CCM'],
  [0xc024, 'ECDHE-ECDSA-AES256-SHA384'],
  [0xc028, 'ECDHE-RSA-AES256-SHA384'],
  [0xc023, 'ECDHE-ECDSA-AES128-SHA256'],
  [0xc027, 'ECDHE-RSA-AES128-SHA256'],
  [0xc00a, 'ECDHE-ECDSA-AES256-SHA'],
  [0xc014, 'ECDHE-RSA-AES256-SHA'],
  [0xc009, 'ECDHE-ECDSA-AES128-SHA'],
  [0xc013, 'ECDHE-RSA-AES128-SHA'],
  [0x006b, 'DHE-RSA-AES256-SHA256'],
  [0x0067, 'DHE-RSA-AES128-SHA256'],
  [0x0039, 'DHE-RSA-AES256-SHA'],
  [0x0033, 'DHE-RSA-AES128-SHA'],
  // Without forward secrecy: some old servers and clients have nothing else, and a client decides by offering them.
  [0x009d, 'AES256-GCM-SHA384'],
  [0xc09d, 'AES256-CCM'],
  [0x009c, 'AES128-GCM-SHA256'],
  [0xc09c, 'AES128-CCM'],
  [0x003d, 'AES256-SHA256'],
  [0x003c, 'AES128-SHA256'],
  [0x0035, 'AES256-SHA'],
  [0x002f, 'AES128-SHA'],
]);

/** Signature schemes (RFC 8446 §4.2.3) of at least the strength of OpenSSL's security level 2, with its names. */
const signatureSchemes: ReadonlyMap<number, string> = new Map([
  [0x0403, 'ecdsa_secp256r1_sha256'],
  [0x0503, 'ecdsa_secp384r1_sha384'],
  [0x0603, 'ecdsa_secp521r1_sha512'],
  [0x0807, 'ed25519'],
  [0x0808, 'ed448'],
  [0x0804, 'rsa_pss_rsae_sha256'],
  [0x0805, 'rsa_pss_rsae_sha384'],
  [0x0806, 'rsa_pss_rsae_sha512'],
  [0x0809, 'rsa_pss_pss_sha256'],
  [0x080a, 'rsa_pss_pss_sha384'],
  [0x080b, 'rsa_pss_pss_sha512'],
  [0x0401, 'rsa_pkcs1_sha256'],
  [0x0501, 'rsa_pkcs1_sha384'],
  [0x0601, 'rsa_pkcs1_sha512'],
]);

/** Groups of a key exchange (IANA's TLS Supported Groups) with OpenSSL's names. */
const keyGroups: ReadonlyMap<number, string> = new Map([
  [0x11ec, 'X25519MLKEM768'],
  [0x11eb, 'SecP256r1MLKEM768'],
  [0x11ed, 'SecP384r1MLKEM1024'],
  [0x001d, 'x25519'],
  [0x0017, 'secp256r1'],
  [0x0018, 'secp384r1'],
  [0x0019, 'secp521r1'],
  [0x001e, 'x448'],
  [0x0100, 'ffdhe2048'],
  [0x0101, 'ffdhe3072'],
]);

/** Keys for these are sent along, as clients do, so that a server needs no second round to ask for another. */
const sentAlong = new Set(['X25519MLKEM768', 'x25519']);

const isOfTls13 = (name: string) => name.startsWith('TLS_');
const isOfEcdsa = (name: string) => name.startsWith('ECDHE-ECDSA');
/** The others of TLS 1.2 encrypt to the server's key, and ask for no signature. */
const isForwardSecret = (name: string) => /^(?:TLS_|ECDHE|DHE)/.test(name);

/** Whether a suite has a key of 256 bits. */
export const isStrong = (name: string) => /AES256|AES_256|CHACHA20/.test(name);

/**
 * The newest version that these terms allow: a list without a suite of TLS 1.3 is a client's that doesn't speak it.
 * (OpenSSL would offer its default suites of TLS 1.3 beside such a list.)
 */
export const maxVersionOf = ({ ciphers }: UpstreamTerms): TlsVersion =>
  ciphers.split(':').some(isOfTls13) ? 'TLSv1.3' : 'TLSv1.2';

/** What both sides of the client's leg can speak: the suites of the versions that the client offers. */
function sharedSuites({ versions, cipherSuites: offered }: ClientHello): string[] {
  return [...new Set(offered)].flatMap((id) => {
    const name = cipherSuites.get(id);
    return name !== undefined && versions.includes(isOfTls13(name) ? tls13 : tls12) ? [name] : [];
  });
}

/** The client's offer in OpenSSL's names, without what we don't speak. */
const named = (offered: readonly number[], names: ReadonlyMap<number, string>): string[] =>
  [...new Set(offered)].flatMap((id) => names.get(id) ?? []);

/** What limits a server's choice beside version and suite. */
function limitsOf({ signatureAlgorithms, groups }: ClientHello): Pick<UpstreamTerms, 'sigalgs' | 'groups'> {
  const schemes = named(signatureAlgorithms, signatureSchemes);
  const shared = named(groups, keyGroups).map((group) => (sentAlong.has(group) ? `*${group}` : group));
  return {
    ...(schemes.length === 0 ? {} : { sigalgs: schemes.join(':') }),
    ...(shared.length === 0 ? {} : { groups: shared.join(':') }),
  };
}

/**
 * What may be spoken with the server for this client, so that the server can choose nothing that the client didn't
 * offer itself: no suite, version, signature or group. `minVersion`: the lowest that the settings allow. Undefined: the client
 * offers nothing that we speak.
 */
export function termsFor(hello: ClientHello, minVersion: TlsVersion): UpstreamTerms | undefined {
  const shared = sharedSuites(hello);
  const newest = shared.filter(isOfTls13);
  if (minVersion === 'TLSv1.3' || newest.length === shared.length) {
    return newest.length === 0
      ? undefined
      : { minVersion: 'TLSv1.3', ciphers: newest.join(':'), ...limitsOf(hello) };
  }
  return { minVersion: 'TLSv1.2', ciphers: shared.join(':'), ...limitsOf(hello) };
}

/**
 * The kind of key that this client gets a leaf for: EC P-256 where it can verify that, since signing by it costs a tenth;
 * else RSA. In TLS 1.3 the signature algorithms alone decide (RFC 8446 §4.2.3). In TLS 1.2 a suite is needed too
 * (RFC 5246 §7.4.2), and the curves that are offered are those of certificates as well (RFC 8422 §5.1.1). Undefined: it
 * can verify neither.
 */
export function leafKeyKind(hello: ClientHello): 'ec' | 'rsa' | undefined {
  const { versions, signatureAlgorithms, groups } = hello;
  const verifies = (algorithms: readonly number[]) =>
    algorithms.some((each) => signatureAlgorithms.includes(each));
  const verifiesEc = verifies([ecdsaP256Sha256]);
  if (versions.includes(tls13)) return verifiesEc ? 'ec' : verifies(rsaPss) ? 'rsa' : undefined;
  const suites = sharedSuites(hello);
  const takesP256 = groups.length === 0 || groups.includes(p256);
  if (verifiesEc && takesP256 && suites.some(isOfEcdsa)) return 'ec';
  const verifiesRsa = verifies([...rsaPss, ...rsaPkcs1]);
  return suites.some((name) => !isOfEcdsa(name) && (verifiesRsa || !isForwardSecret(name)))
    ? 'rsa'
    : undefined;
}
