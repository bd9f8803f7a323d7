// Whether a certificate is one of our authorities in shape. The helper puts no other into a store, whoever asks: of the
// fields that matter, octet for octet those that certificates/forge.ts writes.
import { createHash, X509Certificate } from 'node:crypto';

/** A certificate that may go into a store; the PEM is written anew from its DER. */
export interface AuthorityCertificate {
  readonly pem: string;
  /** The first 16 hex digits of the DER's SHA-256: names its files. */
  readonly id: string;
  readonly notAfter: Date;
}

/** An authority of ours takes some 500 octets; its name has at most 64 characters. */
const maxDerBytes = 4_096;

/** Ten years, and the day by which it is dated back; two for leap days. */
const maxValidityMs = (10 * 365.25 + 2) * 24 * 60 * 60 * 1000;

const pemForm =
  /^-----BEGIN CERTIFICATE-----\n((?:[A-Za-z0-9+/=]{1,76}\n){1,100})-----END CERTIFICATE-----\n$/;

/** AlgorithmIdentifier of ecdsa-with-SHA256 (RFC 5758 §3.2). */
const ecdsaWithSha256 = '300a06082a8648ce3d040302';
/** SubjectPublicKeyInfo of P-256 up to the uncompressed point (RFC 5480 §2). */
const p256Key = /^3059301306072a8648ce3d020106082a8648ce3d03010703420004/;
/** A set of one attribute: O=Postern, as UTF8String. */
const organization = '3110300e060355040a0c07506f737465726e';

/** Extensions that must be there, whole (RFC 5280 §4.2.1). */
const wantedExtensions = [
  // basicConstraints, critical: CA:TRUE, pathLen 0
  '30120603551d130101ff040830060101ff020100',
  // keyUsage, critical: keyCertSign alone
  '300e0603551d0f0101ff040403020204',
  // extKeyUsage: serverAuth alone
  '30130603551d25040c300a06082b06010505070301',
];
/** Those that may be there besides: the identifiers of its own key and of the issuer's. */
const otherExtension = /^30..0603551d(?:0e|23)04/;

interface Element {
  readonly tag: number;
  readonly body: Buffer;
  readonly hex: string;
}

/** The elements that lie in a row in DER: lengths definite and shortest (X.690 §10.1). Undefined when it is anything else. */
function elements(octets: Buffer): Element[] | undefined {
  const found: Element[] = [];
  for (let at = 0; at < octets.length; ) {
    const [tag = 0, first = 0x80, second = 0, third = 0] = octets.subarray(at, at + 4);
    const lengthBytes = first < 0x80 ? 1 : first - 0x7f;
    const size = [0, first, second, second * 256 + third][lengthBytes];
    const shortest = first < 0x80 || size === undefined || size >= (lengthBytes === 2 ? 0x80 : 0x100);
    const begin = at + 1 + lengthBytes;
    if (first === 0x80 || size === undefined || !shortest || begin + size > octets.length) return undefined;
    const hex = octets.subarray(at, begin + size).toString('hex');
    found.push({ tag, body: octets.subarray(begin, begin + size), hex });
    at = begin + size;
  }
  return found;
}

/** The elements within the only element, which has this tag. */
function within(octets: Buffer | undefined, tag: number): Element[] | undefined {
  const [only, ...more] = (octets && elements(octets)) ?? [];
  return only?.tag === tag && more.length === 0 ? elements(only.body) : undefined;
}

const sequence = 0x30;
const set = 0x31;

/** A set of one attribute that is a common name, as UTF8String. */
function isCommonName(part: Element | undefined): boolean {
  const [attribute, ...more] = (part?.tag === set && elements(part.body)) || [];
  const [type, text, ...others] = (attribute?.tag === sequence && elements(attribute.body)) || [];
  return more.length + others.length === 0 && type?.hex === '0603550403' && text?.tag === 0x0c;
}

function isOwnName(name: Element | undefined): boolean {
  const [first, second, ...more] = (name?.tag === sequence && elements(name.body)) || [];
  return first?.hex === organization && isCommonName(second) && more.length === 0;
}

/** Why the fields of a certificate (RFC 5280 §4.1) are not those of an authority of ours. */
function problemOf(der: Buffer): string | undefined {
  const [content, algorithm, signature, ...more] = within(der, sequence) ?? [];
  if (content?.tag !== sequence || signature?.tag !== 0x03 || more.length > 0) return 'not a certificate';
  const [version, serial, signedBy, issuer, validity, subject, key, extensions, ...others] =
    elements(content.body) ?? [];
  const isUsual = version?.hex === 'a003020102' && serial?.tag === 0x02 && validity?.tag === sequence;
  if (!isUsual || others.length > 0) return 'not a certificate of version 3 with extensions alone';
  if (algorithm?.hex !== ecdsaWithSha256 || signedBy?.hex !== ecdsaWithSha256)
    return 'not signed by ECDSA with SHA-256';
  if (!isOwnName(subject)) return 'its subject is not O=Postern with one common name';
  if (issuer?.hex !== subject?.hex) return 'not issued by itself';
  if (!p256Key.test(key?.hex ?? '')) return 'its key is not of P-256';
  const listed = extensions?.tag === 0xa3 ? (within(extensions.body, sequence) ?? []) : [];
  const rest = listed.map(({ hex }) => hex).filter((hex) => !wantedExtensions.includes(hex));
  const isWhole = listed.length === rest.length + wantedExtensions.length;
  const types = new Set(listed.map(({ body }) => elements(body)?.[0]?.hex));
  if (!isWhole || types.size !== listed.length || !rest.every((hex) => otherExtension.test(hex)))
    return 'its extensions are not those of an authority for servers alone';
  return undefined;
}

/**
 * The certificate in a PEM text that holds nothing else, or why it may not go into a store. What has ended is an authority
 * still: whoever puts it into a store looks at `notAfter`.
 */
export function authorityOf(text: string, now: Date): AuthorityCertificate | { readonly problem: string } {
  const [, base64 = ''] = pemForm.exec(text) ?? [];
  const der = Buffer.from(base64, 'base64');
  if (der.length === 0 || der.length > maxDerBytes) return { problem: 'not the PEM of one certificate' };
  const problem = problemOf(der);
  if (problem !== undefined) return { problem };
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(der);
    if (!certificate.verify(certificate.publicKey)) return { problem: 'not signed by itself' };
  } catch (error) {
    return { problem: `not a certificate: ${error}` };
  }
  if (!certificate.raw.equals(der)) return { problem: 'not in DER' };
  const { validFromDate, validToDate: notAfter } = certificate;
  const latestMs = Math.min(validFromDate.getTime(), now.getTime()) + maxValidityMs;
  if (!(notAfter.getTime() <= latestMs)) return { problem: 'it lasts too long' };
  const id = createHash('sha256').update(der).digest('hex').slice(0, 16);
  return { pem: certificate.toString(), id, notAfter };
}
