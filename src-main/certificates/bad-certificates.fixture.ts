// Certificates of every shape that a verifier must judge, and stapled OCSP responses about them, by a DER writer that
// shares no code with what it tests.
import { createHash, type KeyObject, type KeyPairKeyObjectResult, sign, X509Certificate } from 'node:crypto';
import { type createTestKeys, der, distinguishedName, dnsName } from './authority.fixture.ts';

export const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts);
export const octetString = (...parts: Uint8Array[]) => der(0x04, ...parts);
export const bitString = (octets: Uint8Array) => der(0x03, Buffer.of(0), octets);
export const tagged = (tag: number, ...parts: (Uint8Array | string)[]) => der(0xa0 + tag, ...parts);
export const integer = (...octets: number[]) => der(0x02, Buffer.from(octets));
export const generalizedTime = (date: Date) => der(0x18, date.toISOString().replaceAll(/[-:T]|\.\d+/g, ''));

/** An object identifier whose first two arcs fit one octet. */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const octets = rest.flatMap((arc) => {
    const digits = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) {
      digits.unshift(0x80 | (left % 128));
    }
    return digits;
  });
  return der(0x06, Buffer.from([first * 40 + second, ...octets]));
}

const extension = (type: string, value: Uint8Array) => sequence(objectIdentifier(type), octetString(value));

export type Digest = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512';

const rsaAlgorithms: Readonly<Record<Digest, string>> = {
  md5: '1.2.840.113549.1.1.4',
  sha1: '1.2.840.113549.1.1.5',
  sha256: '1.2.840.113549.1.1.11',
  sha384: '1.2.840.113549.1.1.12',
  sha512: '1.2.840.113549.1.1.13',
};
const ecdsaAlgorithms: Readonly<Record<Digest, string>> = {
  md5: '1.2.840.113549.1.1.4',
  sha1: '1.2.840.10045.4.1',
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
  sha512: '1.2.840.10045.4.3.4',
};

/** The AlgorithmIdentifier of a signature. */
export function signatureAlgorithm(key: KeyObject, digest: Digest): Buffer {
  return key.asymmetricKeyType === 'rsa'
    ? sequence(objectIdentifier(rsaAlgorithms[digest]), der(0x05))
    : sequence(objectIdentifier(ecdsaAlgorithms[digest]));
}

export interface MadeCertificate {
  readonly der: Buffer;
  readonly certPem: string;
  readonly keyPem: string;
  readonly keys: KeyPairKeyObjectResult;
  readonly subject: Buffer;
  readonly serial: Buffer;
}

export interface MadeCertificateOptions {
  readonly keys: KeyPairKeyObjectResult;
  readonly subject: string;
  readonly names?: readonly string[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Absent: self-signed. */
  readonly issuer?: MadeCertificate;
  readonly digest?: Digest;
  /** Absent: no authority; a number: how many authorities may be below it. */
  readonly authority?: 'any' | number;
  readonly usages?: readonly string[];
  readonly extensions?: readonly Buffer[];
}

export const usage = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
};

/** A TLS feature extension (RFC 7633) that demands a staple (status_request, 5). */
export const mustStaple = extension('1.3.6.1.5.5.7.1.24', sequence(integer(5)));

/** Name constraints (RFC 5280 §4.2.1.10) that permit one domain alone. */
export const onlyBelow = (domain: string) =>
  extension('2.5.29.30', sequence(tagged(0, sequence(dnsName(domain)))));

const hourMs = 3_600_000;

function constraints(authority: MadeCertificateOptions['authority']): Buffer {
  if (authority === undefined) return sequence();
  const yes = der(0x01, Buffer.of(0xff));
  return authority === 'any' ? sequence(yes) : sequence(yes, integer(authority));
}

/** Valid from an hour ago to an hour from now unless told otherwise. */
export function makeCertificate(options: MadeCertificateOptions): MadeCertificate {
  const { keys, issuer, digest = 'sha256', names } = options;
  const subject = distinguishedName(['2.5.4.3', options.subject]);
  const signer = issuer?.keys.privateKey ?? keys.privateKey;
  const publicKeyInfo = keys.publicKey.export({ type: 'spki', format: 'der' });
  const serial = createHash('sha256').update(publicKeyInfo).update(subject).digest().subarray(0, 8);
  serial[0] = 0x41;
  const extensions = [
    extension('2.5.29.19', constraints(options.authority)),
    ...(names ? [extension('2.5.29.17', sequence(...names.map(dnsName)))] : []),
    ...(options.usages ? [extension('2.5.29.37', sequence(...options.usages.map(objectIdentifier)))] : []),
    ...(options.extensions ?? []),
  ];
  const algorithm = signatureAlgorithm(signer, digest);
  const toBeSigned = sequence(
    tagged(0, integer(2)),
    integer(...serial),
    algorithm,
    issuer?.subject ?? subject,
    sequence(
      generalizedTime(options.notBefore ?? new Date(Date.now() - hourMs)),
      generalizedTime(options.notAfter ?? new Date(Date.now() + hourMs)),
    ),
    subject,
    publicKeyInfo,
    tagged(3, sequence(...extensions)),
  );
  const whole = sequence(toBeSigned, algorithm, bitString(sign(digest, toBeSigned, signer)));
  return {
    der: whole,
    certPem: new X509Certificate(whole).toString(),
    keyPem: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    keys,
    subject,
    serial,
  };
}

/** Leaves for one server, and authorities between them and a root. */
export function issuersFor(serverName: string, keysFor: ReturnType<typeof createTestKeys>) {
  return {
    /** `issuer` undefined: self-signed. */
    leafOf: (issuer: MadeCertificate | undefined, options: Partial<MadeCertificateOptions> = {}) =>
      makeCertificate({
        keys: keysFor('ec'),
        subject: serverName,
        names: [serverName],
        ...(issuer ? { issuer } : {}),
        ...options,
      }),
    authorityOf: (issuer: MadeCertificate, options: Partial<MadeCertificateOptions> = {}) =>
      makeCertificate({
        keys: keysFor('ec', 'between'),
        subject: 'Between',
        issuer,
        authority: 'any',
        ...options,
      }),
  };
}
