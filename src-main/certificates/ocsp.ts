// What a stapled OCSP response (RFC 6960) says of a server's certificate, and whether a certificate demands a staple.
// Loads an ASN.1 library, so this file is imported only when a staple comes. Asks no responder.
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import {
  BasicOCSPResponse,
  OCSPResponse,
  OCSPResponseStatus,
  type SingleResponse,
} from '@peculiar/asn1-ocsp';
import { AsnConvert } from '@peculiar/asn1-schema';
import { Certificate, ExtendedKeyUsage } from '@peculiar/asn1-x509';

/** `unusable`: it says nothing that may be relied on. */
export type StapleVerdict = 'good' | 'revoked' | 'unusable';

export interface StapleOptions {
  /** The OCSPResponse as the server sent it. */
  readonly response: Uint8Array;
  /** The server's certificate. */
  readonly der: Uint8Array;
  /** The certificate that signed it. */
  readonly issuerDer: Uint8Array;
  readonly now: Date;
}

/** Real ones have 0.5 to 6 KiB, the latter with the responder's own chain. */
export const maxStapleBytes = 16 * 1024;

/** A responder sends its own certificate, and perhaps some above it; each costs a signature check. */
export const maxResponderCertificates = 4;

/** Clocks of responders and of desktops differ by minutes. */
export const clockSkewMs = 5 * 60_000;

const oid = {
  basicResponse: '1.3.6.1.5.5.7.48.1.1',
  extendedKeyUsage: '2.5.29.37',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
  tlsFeature: '1.3.6.1.5.5.7.1.24',
} as const;

/** Those that authorities sign responses with. SHA-1 proves nothing any more (RFC 9155); RSA-PSS is used by none. */
const signatureHashes: ReadonlyMap<string, { readonly key: 'rsa' | 'ec'; readonly hash: string }> = new Map([
  ['1.2.840.113549.1.1.11', { key: 'rsa', hash: 'sha256' }],
  ['1.2.840.113549.1.1.12', { key: 'rsa', hash: 'sha384' }],
  ['1.2.840.113549.1.1.13', { key: 'rsa', hash: 'sha512' }],
  ['1.2.840.10045.4.3.2', { key: 'ec', hash: 'sha256' }],
  ['1.2.840.10045.4.3.3', { key: 'ec', hash: 'sha384' }],
  ['1.2.840.10045.4.3.4', { key: 'ec', hash: 'sha512' }],
]);

/** CertID only names a certificate, so that the SHA-1 which every responder uses is no weakness here. */
const nameHashes: ReadonlyMap<string, string> = new Map([
  ['1.3.14.3.2.26', 'sha1'],
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
]);

interface Signed {
  /** Octets as they were sent. */
  readonly content: ArrayBuffer | undefined;
  readonly algorithm: string;
  readonly signature: ArrayBuffer;
}

const bytesEqual = (one: ArrayBuffer, other: ArrayBuffer) => Buffer.from(one).equals(Buffer.from(other));
const encoded = (value: unknown) => AsnConvert.serialize(value);
const keyOf = (certificate: Certificate): KeyObject =>
  createPublicKey({
    key: Buffer.from(encoded(certificate.tbsCertificate.subjectPublicKeyInfo)),
    format: 'der',
    type: 'spki',
  });

function isSignedBy(signed: Signed, key: KeyObject): boolean {
  const known = signatureHashes.get(signed.algorithm);
  if (known === undefined || signed.content === undefined || key.asymmetricKeyType !== known.key)
    return false;
  return verify(known.hash, Buffer.from(signed.content), key, Buffer.from(signed.signature));
}

function extensionOf(certificate: Certificate, id: string): ArrayBuffer | undefined {
  return certificate.tbsCertificate.extensions?.find(({ extnID }) => extnID === id)?.extnValue.buffer;
}

/** Whether the issuer itself lets this certificate speak for it, now (RFC 6960 §4.2.2.2). */
function isDelegate(certificate: Certificate, issuer: Certificate, now: Date): boolean {
  const { issuer: issuerName, validity } = certificate.tbsCertificate;
  const usages = extensionOf(certificate, oid.extendedKeyUsage);
  return (
    usages !== undefined &&
    AsnConvert.parse(usages, ExtendedKeyUsage).includes(oid.ocspSigning) &&
    bytesEqual(encoded(issuerName), encoded(issuer.tbsCertificate.subject)) &&
    now >= validity.notBefore.getTime() &&
    now <= validity.notAfter.getTime() &&
    isSignedBy(
      {
        content: certificate.tbsCertificateRaw,
        algorithm: certificate.signatureAlgorithm.algorithm,
        signature: certificate.signatureValue,
      },
      keyOf(issuer),
    )
  );
}

/** The responder's id is no proof and needs no look: what counts is whose key the signature fits. */
function isAuthentic(response: BasicOCSPResponse, issuer: Certificate, now: Date): boolean {
  const signed = {
    content: response.tbsResponseDataRaw,
    algorithm: response.signatureAlgorithm.algorithm,
    signature: response.signature,
  };
  if (isSignedBy(signed, keyOf(issuer))) return true;
  return (response.certs ?? [])
    .slice(0, maxResponderCertificates)
    .some((certificate) => isDelegate(certificate, issuer, now) && isSignedBy(signed, keyOf(certificate)));
}

function isAbout({ certID }: SingleResponse, certificate: Certificate, issuer: Certificate): boolean {
  const hash = nameHashes.get(certID.hashAlgorithm.algorithm);
  if (hash === undefined) return false;
  const digest = (octets: ArrayBuffer) => createHash(hash).update(Buffer.from(octets)).digest();
  const { issuer: issuerName, serialNumber } = certificate.tbsCertificate;
  const { subjectPublicKey } = issuer.tbsCertificate.subjectPublicKeyInfo;
  return (
    bytesEqual(certID.serialNumber, serialNumber) &&
    digest(encoded(issuerName)).equals(Buffer.from(certID.issuerNameHash.buffer)) &&
    digest(subjectPublicKey).equals(Buffer.from(certID.issuerKeyHash.buffer))
  );
}

/** RFC 6960 §4.2.2.1; one without an end is as old as whoever replays it likes. */
function isCurrent({ thisUpdate, nextUpdate }: SingleResponse, now: Date): boolean {
  return (
    nextUpdate !== undefined &&
    thisUpdate.getTime() <= now.getTime() + clockSkewMs &&
    nextUpdate.getTime() >= now.getTime() - clockSkewMs
  );
}

function judge(options: StapleOptions): StapleVerdict {
  const { responseStatus, responseBytes } = AsnConvert.parse(options.response, OCSPResponse);
  if (responseStatus !== OCSPResponseStatus.successful || responseBytes?.responseType !== oid.basicResponse) {
    return 'unusable';
  }
  const response = AsnConvert.parse(responseBytes.response.buffer, BasicOCSPResponse);
  const certificate = AsnConvert.parse(options.der, Certificate);
  const issuer = AsnConvert.parse(options.issuerDer, Certificate);
  const single = response.tbsResponseData.responses.find((each) => isAbout(each, certificate, issuer));
  if (!single || !isCurrent(single, options.now) || !isAuthentic(response, issuer, options.now)) {
    return 'unusable';
  }
  if (single.certStatus.revoked !== undefined) return 'revoked';
  return single.certStatus.good === undefined ? 'unusable' : 'good';
}

/**
 * Judges a stapled response: signed by the issuer or by a responder that the issuer named, about this very certificate,
 * and current. Never throws.
 */
export function judgeStaple(options: StapleOptions): StapleVerdict {
  if (options.response.length > maxStapleBytes) return 'unusable';
  try {
    return judge(options);
  } catch {
    // The library throws on whatever is no OCSP response, and so does node:crypto on whatever is no key.
    return 'unusable';
  }
}

/** `status_request` among the features (RFC 7633 §4), as DER. */
const statusRequestFeature = Buffer.from([0x02, 0x01, 0x05]);

/** Whether a certificate is good only with a staple ("must-staple"). Never throws. */
export function demandsStaple(der: Uint8Array): boolean {
  try {
    const features = extensionOf(AsnConvert.parse(der, Certificate), oid.tlsFeature);
    return features !== undefined && Buffer.from(features).includes(statusRequestFeature);
  } catch {
    // OpenSSL has read it before; what this library can't read demands nothing.
    return false;
  }
}
