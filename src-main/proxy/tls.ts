// TLS on one leg: as a client to the server, whose certificate is judged and never refused here, and as a server to
// the client. STARTTLS does the same on sockets that have spoken before. Each returned socket has an error handler.
import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  checkServerIdentity,
  connect,
  type DetailedPeerCertificate,
  type PeerCertificate,
  TLSSocket,
} from 'node:tls';
import { certificateFacts } from '../certificates/certificate-facts.ts';
import type { Leaf } from '../certificates/leaf.ts';
import { isSignedBy, judgeUpstream, type UpstreamJudgement } from '../certificates/upstream-policy.ts';
import type { CertificateFacts } from '../contract/trust.ts';
import { isStrong, type TlsVersion, type UpstreamTerms } from './cipher-suites.ts';
import { alertOf, codeOf, localFault, type UpstreamFailure, upstreamFailure } from './tls-alerts.ts';
import type { TlsContexts } from './tls-contexts.ts';

export { leafKeyKind, type TlsVersion, termsFor, type UpstreamTerms } from './cipher-suites.ts';
export { alertOf, isClientCertificateAlert } from './tls-alerts.ts';
export { createTlsContexts, type TlsContexts, trustingOnly } from './tls-contexts.ts';

export interface ConnectUpstreamOptions {
  /** Connected; the next octets on it belong to the handshake. */
  readonly socket: Socket;
  /** The client's own SNI; absent: none is sent, and the client judges the names. */
  readonly serverName?: string;
  /** The client's own list, each protocol as latin1; empty: the extension is not sent. */
  readonly alpn: readonly string[];
  readonly terms: UpstreamTerms;
  readonly contexts: TlsContexts;
  readonly timeoutMs: number;
  readonly now: () => Date;
  /** Whether a person said that this very certificate counts as trusted; asked when it would not. */
  readonly isAllowed: (certificate: CertificateFacts) => boolean;
}

interface UpstreamTls {
  /**
   * May have ended since. A server of TLS 1.3 that wants a client's certificate says so after its handshake: then an
   * error that fits `isClientCertificateAlert` is emitted, or is in `errored` if nobody listened yet.
   */
  readonly socket: TLSSocket;
  /** The server's certificate. */
  readonly der: Buffer;
  readonly certificate: CertificateFacts;
  readonly judgement: UpstreamJudgement;
  /** What the server chose. */
  readonly alpn?: string;
  /** It chose a suite with a key of 256 bits. */
  readonly isStrong: boolean;
}

export type ConnectedUpstream =
  | { readonly ok: true; readonly upstream: UpstreamTls }
  /** `alert`: the server's last word, such as "protocol-version". */
  | {
      readonly ok: false;
      readonly reason: 'upstream-tls-failed' | 'upstream-timeout';
      readonly cause: UpstreamFailure;
      readonly alert?: string;
    };

export interface AcceptClientOptions {
  /** Its first octets may have been read and given back by `unshift`. */
  readonly socket: Socket;
  readonly leaf: Leaf;
  /** The one protocol that the server chose out of the client's list. */
  readonly alpn?: string;
  readonly minVersion: TlsVersion;
  /** The server chose a suite with a key of 256 bits: so is the client's, if it offers one. */
  readonly strongFirst: boolean;
  readonly contexts: TlsContexts;
  readonly timeoutMs: number;
}

export type AcceptedClient =
  | { readonly ok: true; readonly socket: TLSSocket }
  /**
   * `alert`: the client's last word (RFC 8446 §6), such as "unknown-ca". `closed`: it ended or reset the connection when
   * our certificate was out. `incompatible`: we found nothing that both can speak, or it said what is no TLS; `alert` is
   * our own word then. `other`: it never came so far.
   */
  | {
      readonly ok: false;
      readonly reason: 'client-tls-failed';
      readonly end: 'alert' | 'closed' | 'incompatible' | 'timeout' | 'other';
      readonly alert?: string;
    };

/** Public chains have two to four certificates; OpenSSL has judged all of a longer one, so that more explain nothing. */
const maxChainLength = 10;

/** How a socket says that the peer is gone without a farewell. */
const resets: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

/** The identifier of the TLS feature extension (RFC 7633), as DER: without it no staple is demanded. */
const tlsFeatureOid = Buffer.from('06082b06010505070118', 'hex');

/**
 * ProtocolNameList of RFC 7301 §3.1. A name of another length would not fit it: OpenSSL refuses the whole list then,
 * which Node takes for a bug and ends the process.
 */
function protocolList(protocols: readonly string[]): Buffer {
  return Buffer.concat(
    protocols
      .filter(({ length }) => length > 0 && length <= 255)
      .map((name) => Buffer.concat([Buffer.of(name.length), Buffer.from(name, 'latin1')])),
  );
}

function alpnOption(protocols: readonly string[]): { ALPNProtocols?: Uint8Array } {
  const list = protocolList(protocols);
  return list.length === 0 ? {} : { ALPNProtocols: list };
}

type Handshake =
  | { readonly kind: 'done' }
  | { readonly kind: 'timeout' }
  /** Without an error the peer ended or the socket closed. */
  | { readonly kind: 'failed'; readonly error?: Error };

/** Waits for the end of a handshake; the socket is destroyed unless it is done. */
function handshake(
  socket: TLSSocket,
  doneEvent: 'secure' | 'secureConnect',
  timeoutMs: number,
): Promise<Handshake> {
  return new Promise((resolve) => {
    const settle = (result: Handshake) => {
      clearTimeout(timer);
      socket.off(doneEvent, onDone).off('error', onError).off('end', onGone).off('close', onGone);
      if (result.kind !== 'done') socket.destroy();
      resolve(result);
    };
    const onDone = () => settle({ kind: 'done' });
    const onError = (error: Error) => settle({ kind: 'failed', error });
    const onGone = () => settle({ kind: 'failed' });
    const timer = setTimeout(() => settle({ kind: 'timeout' }), timeoutMs);
    socket.on(doneEvent, onDone).on('error', onError).on('end', onGone).on('close', onGone);
  });
}

const isWhole = (certificate: Partial<PeerCertificate>): certificate is PeerCertificate =>
  certificate.raw !== undefined;

/**
 * A server's certificate, then its issuers as the server sent them or as the roots have them. The root is its own
 * issuer. Takes a third of a millisecond: not for a good server.
 */
function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (next !== undefined && chain.length < maxChainLength) {
    const { raw }: DetailedPeerCertificate = next;
    if (chain.some((each) => each.raw.equals(raw))) break;
    chain.push(new X509Certificate(raw));
    // Absent where the issuer is not known, whatever the type says.
    next = next.issuerCertificate;
  }
  return chain;
}

/** What the staple says, and whether there must be one. Loads the room for it only then. */
async function judgeStapleOf(
  der: Buffer,
  chain: () => readonly X509Certificate[],
  staple: Buffer | undefined,
  now: Date,
): Promise<Pick<Parameters<typeof judgeUpstream>[0], 'staple' | 'demandsStaple'>> {
  if (staple === undefined && !der.includes(tlsFeatureOid)) return { demandsStaple: false };
  const { demandsStaple, judgeStaple } = await import('../certificates/ocsp.ts');
  const demands = { demandsStaple: demandsStaple(der) };
  const [leaf, issuer] = staple === undefined ? [] : chain();
  if (staple === undefined || !leaf || !issuer || !isSignedBy(leaf, issuer)) return demands;
  return {
    ...demands,
    staple: judgeStaple({ response: staple, der, issuerDer: issuer.raw, now }),
  };
}

/** Undefined: OpenSSL could use it, and nobody can read it; a date that is none, for one. */
function readFacts(der: Buffer): CertificateFacts | undefined {
  try {
    return certificateFacts(der);
  } catch {
    return undefined;
  }
}

async function judge(
  socket: TLSSocket,
  certificate: PeerCertificate,
  staple: Buffer | undefined,
  options: ConnectUpstreamOptions,
): Promise<UpstreamJudgement> {
  const { serverName, contexts, now } = options;
  const chain = () => chainOf(socket);
  return judgeUpstream({
    // A string at run time, though its type says otherwise: the code of OpenSSL's verdict.
    ...(socket.authorized ? {} : { authorizationError: String(socket.authorizationError) }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(await judgeStapleOf(certificate.raw, chain, staple, now())),
    chain,
    roots: () => contexts.roots(),
    nameMatches: serverName !== undefined && checkServerIdentity(serverName, certificate) === undefined,
  });
}

/** Shakes hands with a server, whatever its certificate, and judges that. On failure the socket is destroyed. */
export async function connectUpstreamTls(options: ConnectUpstreamOptions): Promise<ConnectedUpstream> {
  const { serverName } = options;
  const socket = connect({
    socket: options.socket,
    secureContext: options.contexts.upstream(options.terms),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...alpnOption(options.alpn),
    requestOCSP: true,
    rejectUnauthorized: false,
    // The name is judged apart, so that its verdict can be told from the chain's.
    checkServerIdentity: () => undefined,
  });
  // Node emits an error of TLS without destroying the socket by it. One that nobody else hears is kept in `errored`;
  // were it always, each listener would hear it twice.
  socket.on('error', (error) =>
    socket.destroy(socket.listenerCount('error') > ownListeners ? undefined : error),
  );
  const ownListeners = socket.listenerCount('error');
  let certificateSeen = false;
  let staple: Buffer | undefined;
  // Comes once in each handshake, after the server's certificate and before `secureConnect`; null: there is no staple.
  socket.once('OCSPResponse', (response: Buffer | null) => {
    certificateSeen = true;
    staple = response ?? undefined;
  });
  const shaken = await handshake(socket, 'secureConnect', options.timeoutMs);
  if (shaken.kind === 'timeout') return { ok: false, reason: 'upstream-timeout', cause: 'other' };
  if (shaken.kind === 'failed') {
    const alert = alertOf(shaken.error);
    const cause = upstreamFailure(shaken.error, certificateSeen);
    return { ok: false, reason: 'upstream-tls-failed', cause, ...(alert === undefined ? {} : { alert }) };
  }
  // Node gives an empty object when there is none. (getPeerX509Certificate shows the certificate only once.)
  const certificate: Partial<PeerCertificate> = socket.getPeerCertificate();
  const facts = isWhole(certificate) ? readFacts(certificate.raw) : undefined;
  if (!isWhole(certificate) || facts === undefined) {
    socket.destroy();
    return { ok: false, reason: 'upstream-tls-failed', cause: 'other' };
  }
  const judgement = await judge(socket, certificate, staple, options);
  return {
    ok: true,
    upstream: {
      socket,
      der: certificate.raw,
      certificate: facts,
      judgement: !judgement.trusted && options.isAllowed(facts) ? { trusted: true } : judgement,
      ...(typeof socket.alpnProtocol === 'string' ? { alpn: socket.alpnProtocol } : {}),
      isStrong: isStrong(socket.getCipher().name),
    },
  };
}

/** Shakes hands with a client as the server that the leaf names. On failure the socket is destroyed. */
export async function acceptClientTls(options: AcceptClientOptions): Promise<AcceptedClient> {
  const { socket: below, leaf } = options;
  const writtenBefore = below.bytesWritten;
  const socket = new TLSSocket(below, {
    isServer: true,
    secureContext: options.contexts.forLeaf(leaf, options.minVersion, options.strongFirst),
    ...alpnOption(options.alpn === undefined ? [] : [options.alpn]),
  });
  socket.on('error', () => socket.destroy());
  // Without a tls.Server around it, a socket of this side says what goes wrong later by this event alone.
  socket.on('_tlsError', (error: Error) => socket.destroy(error));
  const shaken = await handshake(socket, 'secure', options.timeoutMs);
  const failed = { ok: false, reason: 'client-tls-failed' } as const;
  if (shaken.kind === 'done') return { ok: true, socket };
  if (shaken.kind === 'timeout') return { ...failed, end: 'timeout' };
  const alert = alertOf(shaken.error);
  if (alert !== undefined) return { ...failed, end: 'alert', alert };
  const ownWord = localFault(shaken.error);
  if (ownWord !== undefined) return { ...failed, end: 'incompatible', alert: ownWord };
  // The flight with the certificate is longer than that; a HelloRetryRequest, which comes before it, is not.
  const certificateOut = below.bytesWritten - writtenBefore > new X509Certificate(leaf.certPem).raw.length;
  const gone = shaken.error === undefined || resets.has(codeOf(shaken.error) ?? '');
  return { ...failed, end: gone && certificateOut ? 'closed' : 'other' };
}
