// X.509 as octets, by node-forge's ASN.1 layer: our authorities, and leaves that say what a server's certificate says.
// The higher layers of node-forge know RSA keys alone, so keys and signatures are node:crypto's. Knows no files.
import { createHash, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';
import forge from 'node-forge';

const { asn1 } = forge;
const { Class, Type } = asn1;
type Node = forge.asn1.Asn1;

/** An authority as it signs: its certificate (DER) and its ECDSA P-256 private key. */
export interface Issuer {
  readonly der: Uint8Array;
  readonly key: KeyObject;
}

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export type KeyKind = 'rsa' | 'ec';

const oid = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
} as const;

/** X.520 ub-common-name: longer ones are refused by some verifiers. */
export const commonNameLength = 64;

/** RFC 5280 §4.1.2.2 allows 20 octets; 16 random ones never meet again. */
const serialBytes = 16;

const sequence = (...parts: Node[]) => asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, parts);
const primitive = (type: forge.asn1.Type, octets: string) =>
  asn1.create(Class.UNIVERSAL, type, false, octets);
const tagged = (tag: number, constructed: boolean, value: string | Node[]) =>
  asn1.create(Class.CONTEXT_SPECIFIC, tag, constructed, value);
const identifier = (dotted: string) => primitive(Type.OID, asn1.oidToDer(dotted).getBytes());
const binary = (octets: Uint8Array) => Buffer.from(octets).toString('latin1');
const encode = (node: Node) => Buffer.from(asn1.toDer(node).getBytes(), 'latin1');
const decode = (der: Uint8Array) => asn1.fromDer(binary(der));

function childrenOf(node: Node | undefined): readonly Node[] {
  if (node === undefined || !Array.isArray(node.value)) throw new Error('not a certificate');
  return node.value;
}

interface Fields {
  readonly validity: Node;
  readonly subject: Node;
  readonly publicKeyInfo: Node;
  readonly extensions: readonly Node[];
}

/** The fields of a certificate (RFC 5280 §4.1); throws when it is none. */
function fieldsOf(der: Uint8Array): Fields {
  const fields = childrenOf(childrenOf(decode(der))[0]);
  // The version is absent in an X.509 v1 certificate.
  const versioned = fields[0]?.tagClass === Class.CONTEXT_SPECIFIC;
  const [, , , validity, subject, publicKeyInfo, ...optional] = versioned ? fields.slice(1) : fields;
  if (!validity || !subject || !publicKeyInfo) throw new Error('not a certificate');
  const tail = optional.find((node) => node.tagClass === Class.CONTEXT_SPECIFIC && Number(node.type) === 3);
  return { validity, subject, publicKeyInfo, extensions: tail ? childrenOf(childrenOf(tail)[0]) : [] };
}

const isIdentifier = (node: Node | undefined, dotted: string) =>
  node !== undefined && node.type === Type.OID && node.value === asn1.oidToDer(dotted).getBytes();

/** RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050 on. */
function time(date: Date): Node {
  const year = date.getUTCFullYear();
  return year >= 1950 && year < 2050
    ? primitive(Type.UTCTIME, asn1.dateToUtcTime(date))
    : primitive(Type.GENERALIZEDTIME, asn1.dateToGeneralizedTime(date));
}

function attribute(type: string, text: string): Node {
  const value = primitive(Type.UTF8, binary(Buffer.from(text, 'utf8')));
  return asn1.create(Class.UNIVERSAL, Type.SET, true, [sequence(identifier(type), value)]);
}

function extension(type: string, critical: boolean, value: Node): Node {
  const octets = primitive(Type.OCTETSTRING, binary(encode(value)));
  const flag = critical ? [primitive(Type.BOOLEAN, '\xff')] : [];
  return sequence(identifier(type), ...flag, octets);
}

/** RFC 7093 §2 method 4: any value serves that is the same wherever the key is. */
function keyIdentifier(publicKeyInfo: Node): string {
  return binary(createHash('sha256').update(encode(publicKeyInfo)).digest().subarray(0, 20));
}

function serialNumber(): string {
  const serial = randomBytes(serialBytes);
  // Positive, and never shorter than it looks.
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return binary(serial);
}

interface Content {
  readonly issuer: Node;
  readonly issuerKey: Node;
  readonly validity: Node;
  readonly subject: Node;
  readonly publicKeyInfo: Node;
  /** Besides the two key identifiers. */
  readonly extensions: readonly Node[];
}

function signed(content: Content, key: KeyObject): Buffer {
  const algorithm = sequence(identifier(oid.ecdsaWithSha256));
  const { issuer, issuerKey, validity, subject, publicKeyInfo } = content;
  const ownId = primitive(Type.OCTETSTRING, keyIdentifier(publicKeyInfo));
  const issuerId = sequence(tagged(0, false, keyIdentifier(issuerKey)));
  const extensions = [
    ...content.extensions,
    extension(oid.subjectKeyIdentifier, false, ownId),
    extension(oid.authorityKeyIdentifier, false, issuerId),
  ];
  const toBeSigned = sequence(
    tagged(0, true, [primitive(Type.INTEGER, '\x02')]),
    primitive(Type.INTEGER, serialNumber()),
    algorithm,
    issuer,
    validity,
    subject,
    publicKeyInfo,
    tagged(3, true, [sequence(...extensions)]),
  );
  const signature = sign('sha256', encode(toBeSigned), key);
  return encode(sequence(toBeSigned, algorithm, primitive(Type.BITSTRING, `\x00${binary(signature)}`)));
}

const publicKeyInfoOf = (key: KeyObject) => decode(key.export({ type: 'spki', format: 'der' }));
const serverAuthUsage = () => extension(oid.extendedKeyUsage, false, sequence(identifier(oid.serverAuth)));
/** A KeyUsage bit string: the count of unused bits, then the bits (RFC 5280 §4.2.1.3). */
const keyUsage = (octets: string) => extension(oid.keyUsage, true, primitive(Type.BITSTRING, octets));
const validityOf = ({ notBefore, notAfter }: Validity) => sequence(time(notBefore), time(notAfter));

/** DER as PEM, with its last line ended. */
export function certificatePem(der: Uint8Array): string {
  return new X509Certificate(der).toString();
}

/** Makes an authority for server certificates alone, with no authority below it. Gives its DER. */
export function makeAuthority(options: {
  readonly commonName: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly validity: Validity;
}): Buffer {
  const commonName = options.commonName.slice(0, commonNameLength);
  const subject = sequence(attribute(oid.organization, 'Postern'), attribute(oid.commonName, commonName));
  const publicKeyInfo = publicKeyInfoOf(options.publicKey);
  const constraints = sequence(primitive(Type.BOOLEAN, '\xff'), primitive(Type.INTEGER, '\x00'));
  return signed(
    {
      issuer: subject,
      issuerKey: publicKeyInfo,
      validity: validityOf(options.validity),
      subject,
      publicKeyInfo,
      // keyCertSign alone: bit 5, so two unused bits.
      extensions: [
        extension(oid.basicConstraints, true, constraints),
        keyUsage('\x02\x04'),
        serverAuthUsage(),
      ],
    },
    options.privateKey,
  );
}

/**
 * Signs a leaf that has the subject and the alternative names of a server's certificate, octet for octet, and the
 * given validity or the server's own. Gives its DER; throws when the server's DER is no certificate.
 */
export function mintLeaf(options: {
  readonly server: Uint8Array;
  readonly issuer: Issuer;
  readonly publicKey: KeyObject;
  readonly validity: Validity | 'as-server';
}): Buffer {
  const server = fieldsOf(options.server);
  const issuer = fieldsOf(options.issuer.der);
  const names = server.extensions.filter((node) => isIdentifier(childrenOf(node)[0], oid.subjectAltName));
  // digitalSignature, and for RSA keyEncipherment: the key exchange of TLS 1.2 without Diffie-Hellman.
  const usage = options.publicKey.asymmetricKeyType === 'rsa' ? '\x05\xa0' : '\x07\x80';
  return signed(
    {
      issuer: issuer.subject,
      issuerKey: issuer.publicKeyInfo,
      validity: options.validity === 'as-server' ? server.validity : validityOf(options.validity),
      subject: server.subject,
      publicKeyInfo: publicKeyInfoOf(options.publicKey),
      extensions: [
        extension(oid.basicConstraints, true, sequence()),
        keyUsage(usage),
        serverAuthUsage(),
        ...names.slice(0, 1),
      ],
    },
    options.issuer.key,
  );
}
