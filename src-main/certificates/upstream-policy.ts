// What a server's certificate is worth: trusted, or why not. Pure; the handshake supplies the facts.
import type { ErrorCode } from '../contract/error-codes.ts';

export interface UpstreamFacts {
  /** OpenSSL's verdict on the chain, as Node names it ("CERT_HAS_EXPIRED"); absent when the chain is good. */
  readonly authorizationError?: string;
  /** The name that the client asked for; absent when it sent no SNI. */
  readonly serverName?: string;
  /** Whether the certificate is for that name; of no account without one. */
  readonly nameMatches: boolean;
}

export type UpstreamJudgement =
  | { readonly trusted: true }
  | { readonly trusted: false; readonly reason: ErrorCode };

/**
 * Judges a server's certificate: the chain first, then the name. A client that sent no SNI judges the names itself,
 * for the leaf that it gets has the same ones.
 */
export function judgeUpstream(facts: UpstreamFacts): UpstreamJudgement {
  const { authorizationError, serverName, nameMatches } = facts;
  if (authorizationError === 'CERT_HAS_EXPIRED')
    return { trusted: false, reason: 'upstream-certificate-expired' };
  if (authorizationError !== undefined) return { trusted: false, reason: 'upstream-certificate-untrusted' };
  if (serverName !== undefined && !nameMatches) {
    return { trusted: false, reason: 'upstream-certificate-name-mismatch' };
  }
  return { trusted: true };
}
