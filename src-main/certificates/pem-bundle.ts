// Certificates and the private key of the first one in one text, so that a file never holds half a pair.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

export interface PemBundle {
  readonly certificate: X509Certificate;
  /** All certificates of the bundle, the first one first. */
  readonly certificatesPem: string;
  readonly key: KeyObject;
  /** PKCS #8. */
  readonly keyPem: string;
}

/** Undefined when the text is not whole, or the key is another certificate's. */
export function parsePemBundle(text: string): PemBundle | undefined {
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? [];
  const [keyPem] = text.match(/-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n/) ?? [];
  const [first] = certificates;
  if (first === undefined || keyPem === undefined) return undefined;
  try {
    const certificate = new X509Certificate(first);
    const key = createPrivateKey(keyPem);
    if (!certificate.checkPrivateKey(key)) return undefined;
    return { certificate, certificatesPem: certificates.join(''), key, keyPem };
  } catch {
    // Framed as PEM, but what is in it is damaged.
    return undefined;
  }
}
