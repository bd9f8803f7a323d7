// Test certificates: servers and authorities of any shape, by a DER writer of their own that shares no code with what
// it tests. Keys are made once for each kind, since tests make many certificates.
import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  type KeyPairKeyObjectResult,
  sign,
  X509Certificate,
} from 'node:crypto';

/** One DER value; the tag is the whole first octet. */
export function der(tag: number, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const content = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'utf8') : part)),
  );
  const size: number[] = [];
  for (let rest = content.length; rest > 0; rest = Math.floor(rest / 256)) size.unshift(rest % 256);
  const head = content.length < 128 ? [content.length] : [0x80 | size.length, ...size];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

/** An object identifier as DER. */
function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const octets = [first * 40 + second];
  for (const arc of rest) {
    const digits = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) {
      digits.unshift(0x80 | (left % 128));
    }
    octets.push(...digits);
  }
  return der(0x06, Buffer.from(octets));
}

const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts);
const utf8 = (text: string) => der(0x0c, text);
const time = (date: Date) => der(0x18, `${date.toISOString().replaceAll(/[-:T]|\.\d+/g, '')}`);

/** Subject alternative names. */
export const dnsName = (name: string) => der(0x82, name);
export const ipName = (...octets: number[]) => der(0x87, Buffer.from(octets));

/** A distinguished name of one attribute after the other, by OID and text. */
export function distinguishedName(...attributes: readonly (readonly [string, string])[]): Buffer {
  return sequence(...attributes.map(([type, text]) => der(0x31, sequence(oid(type), utf8(text)))));
}

const extension = (type: string, critical: boolean, value: Uint8Array) =>
  sequence(oid(type), ...(critical ? [der(0x01, Buffer.from([0xff]))] : []), der(0x04, value));

export type TestKeyKind = 'rsa' | 'ec' | 'ed25519';

/** Where test keys come from: one of each kind, and a new one on request. */
export function createTestKeys() {
  const known = new Map<string, KeyPairKeyObjectResult>();
  return (kind: TestKeyKind, use = 'server'): KeyPairKeyObjectResult => {
    const keys = known.get(`${kind} ${use}`) ?? newKeys(kind);
    known.set(`${kind} ${use}`, keys);
    return keys;
  };
}

function newKeys(kind: TestKeyKind): KeyPairKeyObjectResult {
  if (kind === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2048 });
  if (kind === 'ec') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return generateKeyPairSync('ed25519');
}

const algorithms: Readonly<Record<string, Buffer>> = {
  rsa: sequence(oid('1.2.840.113549.1.1.11'), der(0x05)),
  ec: sequence(oid('1.2.840.10045.4.3.2')),
  ed25519: sequence(oid('1.3.101.112')),
};

export interface TestCertificate {
  readonly der: Buffer;
  readonly certPem: string;
  readonly keyPem: string;
  readonly privateKey: KeyObject;
  readonly subject: Buffer;
}

export interface TestCertificateOptions {
  readonly keys: KeyPairKeyObjectResult;
  /** A common name, or a whole name as DER. */
  readonly subject?: string | Buffer;
  readonly names?: readonly Buffer[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly isAuthority?: boolean;
  /** Absent: self-signed. */
  readonly issuer?: TestCertificate;
  /** X.509 v1: no version and no extensions. */
  readonly version1?: boolean;
}

const hourMs = 3_600_000;

/** Makes a certificate; valid from an hour ago to an hour from now unless told otherwise. */
export function makeTestCertificate(options: TestCertificateOptions): TestCertificate {
  const { keys, issuer, notBefore = new Date(Date.now() - hourMs) } = options;
  const notAfter = options.notAfter ?? new Date(Date.now() + hourMs);
  const { subject: named = 'test' } = options;
  const subject = typeof named === 'string' ? distinguishedName(['2.5.4.3', named]) : named;
  const signer = issuer?.privateKey ?? keys.privateKey;
  const algorithm = algorithms[signer.asymmetricKeyType ?? ''] ?? sequence();
  const publicKeyInfo = keys.publicKey.export({ type: 'spki', format: 'der' });
  const serial = createHash('sha256').update(publicKeyInfo).update(subject).digest().subarray(0, 8);
  serial[0] = 0x41;
  const extensions = [
    extension('2.5.29.19', true, options.isAuthority ? sequence(der(0x01, Buffer.from([0xff]))) : sequence()),
    ...(options.names ? [extension('2.5.29.17', false, sequence(...options.names))] : []),
  ];
  const toBeSigned = sequence(
    ...(options.version1 ? [] : [der(0xa0, der(0x02, Buffer.from([2])))]),
    der(0x02, serial),
    algorithm,
    issuer?.subject ?? subject,
    sequence(time(notBefore), time(notAfter)),
    subject,
    publicKeyInfo,
    ...(options.version1 ? [] : [der(0xa3, sequence(...extensions))]),
  );
  const digest = signer.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  const signature = sign(digest, toBeSigned, signer);
  const whole = sequence(toBeSigned, algorithm, der(0x03, Buffer.from([0]), signature));
  return {
    der: whole,
    certPem: new X509Certificate(whole).toString(),
    keyPem: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    privateKey: keys.privateKey,
    subject,
  };
}
