// A certificate as people compare it, and certificates out of the text of a file or a clipboard.
import { createHash, X509Certificate } from 'node:crypto';
import type { CertificateFacts } from '../contract/trust.ts';

/** A server may name as many as its certificate holds, which is for the screen: the largest providers have some 150. */
export const maxNames = 200;

/** Distinguished names longer than this are no names; a rule takes no longer one either. */
export const maxNameLength = 1_000;

/** A distinguished name as one line, the most special attribute first (RFC 4514); Node escapes what would split it. */
function oneLine(name: string | undefined): string {
  const attributes = (name ?? '').split('\n').filter((line) => line !== '');
  return attributes.reverse().join(', ').slice(0, maxNameLength);
}

/** Node quotes names with unusual characters as JSON, so that none can look like two. */
function unquoted(text: string): string {
  return text.startsWith('"') ? String(JSON.parse(text)) : text;
}

function namesOf(alternativeNames: string | undefined): string[] {
  const entries = (alternativeNames ?? '').matchAll(/([^:,]+):("(?:\\.|[^"\\])*"|[^,]*)(?:, |$)/g);
  const names: string[] = [];
  for (const [, type, value = ''] of entries) {
    if (names.length >= maxNames) break;
    if (type === 'DNS' || type === 'IP Address') names.push(unquoted(value));
  }
  return names;
}

/** Node gives any number at all for a date that it can't read; X.509 knows the years up to 9999 (RFC 5280 §4.1.2.5). */
function instant(date: Date): string {
  const text = date.toISOString();
  if (!/^\d{4}-/.test(text)) throw new RangeError('not a date');
  return text;
}

/** Reads a certificate (DER). Throws when it is none, or has a date that is none. */
export function certificateFacts(der: Uint8Array): CertificateFacts {
  const certificate = new X509Certificate(der);
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    sha256: createHash('sha256').update(certificate.raw).digest('hex'),
    names: namesOf(certificate.subjectAltName),
    notBefore: instant(certificate.validFromDate),
    notAfter: instant(certificate.validToDate),
  };
}

/** The first certificate of a text (PEM, or DER as base64), as DER; undefined: there is none. */
export function parseCertificate(text: string): Buffer | undefined {
  const [, body] = text.match(/-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/) ?? [];
  try {
    return new X509Certificate(Buffer.from(body ?? text, 'base64')).raw;
  } catch {
    return undefined;
  }
}
