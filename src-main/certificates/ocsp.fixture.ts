// OCSP responses as responders make them, good and bad ones, by the DER writer of the test certificates.
import { createHash, sign } from 'node:crypto';
import { der } from './authority.fixture.ts';
import {
  bitString,
  type Digest,
  generalizedTime,
  integer,
  type MadeCertificate,
  objectIdentifier,
  octetString,
  sequence,
  signatureAlgorithm,
  tagged,
} from './bad-certificates.fixture.ts';

export interface OcspOptions {
  readonly certificate: MadeCertificate;
  readonly issuer: MadeCertificate;
  /** Absent: the issuer itself. */
  readonly signer?: MadeCertificate;
  readonly status?: 'good' | 'revoked' | 'unknown';
  /** `none`: the response does not say until when it holds. */
  readonly nextUpdate?: Date | 'none';
  readonly thisUpdate?: Date;
  readonly digest?: Digest;
  /** The hash by which the certificate is named. */
  readonly idHash?: 'sha1' | 'sha256' | 'md5';
  /** Certificates that come with it. */
  readonly sent?: readonly MadeCertificate[];
  readonly responseStatus?: number;
  /** Responses about other certificates, put before it. */
  readonly others?: readonly MadeCertificate[];
  /** Octets of an extension that nobody knows. */
  readonly padding?: number;
}

const hourMs = 3_600_000;

const hashes = { sha1: '1.3.14.3.2.26', sha256: '2.16.840.1.101.3.4.2.1', md5: '1.2.840.113549.2.5' };

/** The octets of the public key alone: what follows the head of the BIT STRING in SubjectPublicKeyInfo. */
function publicKeyBits({ keys }: MadeCertificate): Buffer {
  const info = keys.publicKey.export({ type: 'spki', format: 'der' });
  // An uncompressed point of P-256, or PKCS #1.
  return keys.publicKey.asymmetricKeyType === 'ec'
    ? info.subarray(-65)
    : keys.publicKey.export({ type: 'pkcs1', format: 'der' });
}

function single(certificate: MadeCertificate, options: OcspOptions): Buffer {
  const { issuer, idHash = 'sha1', status = 'good' } = options;
  const hash = (octets: Buffer) => octetString(createHash(idHash).update(octets).digest());
  const thisUpdate = options.thisUpdate ?? new Date(Date.now() - hourMs);
  const nextUpdate = options.nextUpdate ?? new Date(Date.now() + hourMs);
  const states = {
    good: der(0x80),
    revoked: tagged(1, generalizedTime(thisUpdate)),
    unknown: der(0x82),
  };
  return sequence(
    sequence(
      sequence(objectIdentifier(hashes[idHash]), der(0x05)),
      hash(issuer.subject),
      hash(publicKeyBits(issuer)),
      integer(...certificate.serial),
    ),
    states[status],
    generalizedTime(thisUpdate),
    ...(nextUpdate === 'none' ? [] : [tagged(0, generalizedTime(nextUpdate))]),
  );
}

/** An OCSPResponse (RFC 6960 §4.2.1), valid from an hour ago to an hour from now unless told otherwise. */
export function makeOcspResponse(options: OcspOptions): Buffer {
  const { issuer, signer = issuer, digest = 'sha256', sent = [], others = [] } = options;
  const data = sequence(
    tagged(2, octetString(createHash('sha1').update(publicKeyBits(signer)).digest())),
    generalizedTime(new Date()),
    sequence(...[...others, options.certificate].map((each) => single(each, options))),
    ...(options.padding === undefined
      ? []
      : [
          tagged(
            1,
            sequence(sequence(objectIdentifier('1.2.3.4'), octetString(Buffer.alloc(options.padding)))),
          ),
        ]),
  );
  const { privateKey } = signer.keys;
  const basic = sequence(
    data,
    signatureAlgorithm(privateKey, digest),
    bitString(sign(digest, data, privateKey)),
    ...(sent.length === 0 ? [] : [tagged(0, sequence(...sent.map((each) => each.der)))]),
  );
  const status = der(0x0a, Buffer.of(options.responseStatus ?? 0));
  if (options.responseStatus !== undefined) return sequence(status);
  return sequence(status, tagged(0, sequence(objectIdentifier('1.3.6.1.5.5.7.48.1.1'), octetString(basic))));
}
