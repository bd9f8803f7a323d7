// What a server's certificate is worth: trusted, or why not. OpenSSL says whether its chain is good; this finds out
// what is wrong, for OpenSSL tells of several faults only the last one. Pure; the handshake supplies the facts.
import type { X509Certificate } from 'node:crypto';
import type { ErrorCode } from '../contract/error-codes.ts';
import type { StapleVerdict } from './ocsp.ts';

export interface UpstreamFacts {
  /** OpenSSL's verdict on the chain, as Node names it ("CERT_HAS_EXPIRED"); absent when the chain is good. */
  readonly authorizationError?: string;
  /** The server's certificate, then each one's issuer as far as they are known. Asked for only when the chain is bad. */
  readonly chain: () => readonly X509Certificate[];
  /** What counts as trusted. Asked for only when the chain is bad. */
  readonly roots: () => readonly X509Certificate[];
  /** What the server's staple says; absent: there is none. */
  readonly staple?: StapleVerdict;
  /** The certificate says that it is good only with a staple (RFC 7633). */
  readonly demandsStaple: boolean;
  /** The name that the client asked for; absent when it sent no SNI. */
  readonly serverName?: string;
  /** Whether the certificate is for that name; of no account without one. */
  readonly nameMatches: boolean;
}

export type UpstreamJudgement =
  | { readonly trusted: true }
  /** `kind`: which of the settings `whenUntrusted` and `whenInvalid` applies. */
  | { readonly trusted: false; readonly reason: ErrorCode; readonly kind: 'untrusted' | 'invalid' };

/** Of NIST SP 800-57, 112 bits of strength: what OpenSSL's security level 2 asks for, too. */
const minRsaBits = 2048;
const minCurveBits = 224;

/** Signatures by MD2, MD4, MD5 and SHA-1, which others can be made to fit (RFC 6151, RFC 9155). */
const weakSignatures: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.2',
  '1.2.840.113549.1.1.3',
  '1.2.840.113549.1.1.4',
  '1.2.840.113549.1.1.5',
  '1.3.14.3.2.29',
  '1.2.840.10045.4.1',
  '1.2.840.10040.4.3',
]);

/** Nobody vouches for it. All other verdicts are on a chain that ends where it should. */
const untrustedErrors: ReadonlySet<string> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_CHAIN_TOO_LONG',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
]);

/** Whether one is signed by the other; a key that OpenSSL can't read has signed nothing. */
export function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

function hasWeakKey(certificate: X509Certificate): boolean {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey;
    if (asymmetricKeyType === 'ec') {
      // All names of curves have their size in bits: prime192v1, secp224r1, sect163k1.
      const [bits] = asymmetricKeyDetails?.namedCurve?.match(/\d{3}/) ?? [];
      return bits !== undefined && Number(bits) < minCurveBits;
    }
    const { modulusLength } = asymmetricKeyDetails ?? {};
    return modulusLength !== undefined && modulusLength < minRsaBits;
  } catch {
    // Of a kind that OpenSSL doesn't know: its own verdict stands.
    return false;
  }
}

function isWeak(certificate: X509Certificate): boolean {
  if (hasWeakKey(certificate)) return true;
  // Nobody asks the signature of a root: it is trusted because it is there.
  return weakSignatures.has(certificate.signatureAlgorithmOid) && !certificate.checkIssued(certificate);
}

/** Whether each certificate is signed by the next, up to one that is a root or is signed by one. */
function reachesRoot(chain: readonly X509Certificate[], roots: readonly X509Certificate[]): boolean {
  for (const [index, certificate] of chain.entries()) {
    if (roots.some((root) => root.raw.equals(certificate.raw) || isSignedBy(certificate, root))) return true;
    const issuer = chain[index + 1];
    if (!issuer || !isSignedBy(certificate, issuer)) return false;
  }
  return false;
}

const invalid = (reason: ErrorCode) => ({ trusted: false, reason, kind: 'invalid' }) as const;

function judgeChain(facts: UpstreamFacts, error: string): UpstreamJudgement {
  const chain = facts.chain();
  const [leaf] = chain;
  if (untrustedErrors.has(error) || !reachesRoot(chain, facts.roots())) {
    const selfSigned = leaf !== undefined && isSignedBy(leaf, leaf);
    const reason = selfSigned ? 'upstream-certificate-self-signed' : 'upstream-certificate-untrusted';
    return { trusted: false, reason, kind: 'untrusted' };
  }
  if (chain.some(isWeak)) return invalid('upstream-certificate-weak');
  if (error === 'CERT_HAS_EXPIRED') return invalid('upstream-certificate-expired');
  if (error === 'CERT_NOT_YET_VALID') return invalid('upstream-certificate-not-yet-valid');
  // Wrong purpose, a path too long, an issuer that is no authority; names outside of what the issuer may sign for have
  // no name of their own in Node ("UNSPECIFIED").
  return invalid('upstream-certificate-invalid');
}

/**
 * Judges a server's certificate. Of several faults the one counts that says most against trusting whoever holds the
 * key: it was revoked; nobody vouches for it; it can be forged; it may not do this; it has ended; it is another
 * server's. Dates and names come last because the client sees them for itself: the leaf that it gets has the same
 * ones. A client that sent no SNI judges the names alone. A certificate without alternative names counts for its common
 * name, as OpenSSL's and GnuTLS's clients have it: for others the leaf lacks them just as much, and is refused.
 */
export function judgeUpstream(facts: UpstreamFacts): UpstreamJudgement {
  const { authorizationError, serverName, staple } = facts;
  if (staple === 'revoked' || authorizationError === 'CERT_REVOKED') {
    return invalid('upstream-certificate-revoked');
  }
  if (authorizationError !== undefined) return judgeChain(facts, authorizationError);
  if (facts.demandsStaple && staple !== 'good') return invalid('upstream-certificate-invalid');
  if (serverName !== undefined && !facts.nameMatches) {
    return invalid('upstream-certificate-name-mismatch');
  }
  return { trusted: true };
}
