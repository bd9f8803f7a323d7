// Whether the TLS of a connection is opened: decided at the ClientHello, the same for implicit TLS and STARTTLS, and once
// more when the server's certificate is known. Pure.
import type { UpstreamJudgement } from '../certificates/upstream-policy.ts';
import type { ConnectionOwner, Endpoint, RelayReason } from '../contract/connection.ts';
import type { ErrorCode } from '../contract/error-codes.ts';
import type { CertificateFacts } from '../contract/trust.ts';
import type { ClientHello } from '../protocols/client-hello.ts';
import { leafKeyKind, termsFor, type UpstreamTerms } from './tls.ts';
import type { TlsRelays } from './tls-relays.ts';
import { programAction, serverSays, serverSaysByName, type TlsRules } from './tls-rules.ts';

type NotOpened =
  | { readonly kind: 'relay'; readonly reason: RelayReason }
  | { readonly kind: 'block'; readonly reason: ErrorCode };

export interface Opening {
  readonly kind: 'open';
  readonly terms: UpstreamTerms;
  /** Of a leaf that the client can verify. */
  readonly keyKind: 'ec' | 'rsa';
  /** Whether what fails because it is opened may be relayed, now or from then on. */
  readonly mayRelay: boolean;
  /** It is relayed for this after all, unless the server's certificate speaks for opening it. */
  readonly known: RelayReason | undefined;
}

export interface TlsQuestion {
  readonly rules: TlsRules;
  readonly owner: ConnectionOwner | undefined;
  readonly program: string | undefined;
  readonly destination: Endpoint;
  readonly hello: ClientHello;
  readonly relays: Pick<TlsRelays, 'find'>;
  readonly now: Date;
}

export function decideTls(question: TlsQuestion): Opening | NotOpened {
  const { rules, owner, program, destination, hello, relays, now } = question;
  if (!rules.enabled) return { kind: 'relay', reason: 'tls-off' };
  const action = programAction(rules, owner, now);
  if (action === 'ignore') return { kind: 'relay', reason: 'tls-rule' };
  const says = serverSaysByName(rules, hello.serverName, now);
  if (says?.access === 'block') return { kind: 'block', reason: 'upstream-certificate-blocked' };
  if (says?.scan === 'ignore') return { kind: 'relay', reason: 'tls-rule' };
  const learnt = relays.find({ program, uid: owner?.uid }, destination, hello.serverName)?.reason;
  // Said in the clear, perhaps by somebody on the way: it is shown, and the server is asked anew each time.
  const known = learnt === 'server-tls' ? undefined : learnt;
  // Not a matter of TLS: whoever opens it nobody can sign in.
  if (known === 'no-sign-in') return { kind: 'relay', reason: known };
  const mayRelay = rules.automatic && action !== 'scan' && says?.scan !== 'scan';
  // A server with a bad certificate may be one that only claims its name: what was learnt of it must not switch off
  // the scanning of the real one. And a rule for the certificate may ask for a scan.
  const isOpenQuestion = known === 'untrusted-certificate-refused' || says === undefined;
  if (mayRelay && known !== undefined && !isOpenQuestion) return { kind: 'relay', reason: known };
  const terms = termsFor(hello, rules.minVersion);
  const keyKind = leafKeyKind(hello);
  if (terms && keyKind)
    return { kind: 'open', terms, keyKind, mayRelay, known: mayRelay ? known : undefined };
  return mayRelay ? { kind: 'relay', reason: 'client-tls' } : { kind: 'block', reason: 'client-tls-failed' };
}

export interface CertificateQuestion {
  readonly rules: TlsRules;
  readonly opening: Opening;
  readonly serverName: string | undefined;
  readonly certificate: CertificateFacts;
  readonly judgement: UpstreamJudgement;
  readonly now: Date;
}

/** What becomes of an opening when the server has shown its certificate. */
export function decideByCertificate(
  question: CertificateQuestion,
): { readonly kind: 'open'; readonly mayRelay: boolean } | NotOpened {
  const { rules, opening, serverName, certificate, judgement, now } = question;
  const { access, scan } = serverSays(rules, serverName, certificate, now);
  if (access === 'block') return { kind: 'block', reason: 'upstream-certificate-blocked' };
  if (scan === 'ignore') return { kind: 'relay', reason: 'tls-rule' };
  if (!judgement.trusted && rules[judgement.kind] === 'block')
    return { kind: 'block', reason: judgement.reason };
  const mayRelay = opening.mayRelay && scan !== 'scan';
  const stillKnown =
    opening.known === 'untrusted-certificate-refused' && judgement.trusted ? undefined : opening.known;
  return mayRelay && stillKnown !== undefined
    ? { kind: 'relay', reason: stillKnown }
    : { kind: 'open', mayRelay };
}

/** Whether a rule lets a certificate count as trusted. */
export function isAllowedByRule(
  rules: TlsRules,
  serverName: string | undefined,
  certificate: CertificateFacts,
  now: Date,
): boolean {
  return serverSays(rules, serverName, certificate, now).access === 'allow';
}
