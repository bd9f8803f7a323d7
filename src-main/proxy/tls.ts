// TLS on one leg: as a client to the server, whose certificate is judged and never refused here, and as a server to
// the client. STARTTLS does the same on sockets that have spoken before. Each returned socket has an error handler.
import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  getCACertificates,
  type PeerCertificate,
  type SecureContext,
  TLSSocket,
} from 'node:tls';
import type { Leaf } from '../certificates/authority.ts';
import { judgeUpstream } from '../certificates/upstream-policy.ts';
import type { ErrorCode } from '../contract/error-codes.ts';

/** What connections share: the roots, and one context for all clients of a server, to keep idle ones small. */
export interface TlsContexts {
  readonly upstream: SecureContext;
  forLeaf(leaf: Leaf): SecureContext;
}

export interface ConnectUpstreamOptions {
  /** Connected; the next octets on it belong to the handshake. */
  readonly socket: Socket;
  /** The client's own SNI; absent: none is sent, and the client judges the names. */
  readonly serverName?: string;
  /** The client's own list, each protocol as latin1; empty: the extension is not sent. */
  readonly alpn: readonly string[];
  readonly contexts: TlsContexts;
  readonly timeoutMs: number;
}

interface UpstreamTls {
  readonly socket: TLSSocket;
  /** The server's certificate. */
  readonly der: Buffer;
  readonly trusted: boolean;
  /** Why it is not trusted. */
  readonly reason?: ErrorCode;
  /** What the server chose. */
  readonly alpn?: string;
}

export type ConnectedUpstream =
  | { readonly ok: true; readonly upstream: UpstreamTls }
  | { readonly ok: false; readonly reason: 'upstream-tls-failed' | 'upstream-timeout' };

export interface AcceptClientOptions {
  /** Its first octets may have been read and given back by `unshift`. */
  readonly socket: Socket;
  readonly leaf: Leaf;
  /** The one protocol that the server chose out of the client's list. */
  readonly alpn?: string;
  readonly contexts: TlsContexts;
  readonly timeoutMs: number;
}

export type AcceptedClient =
  | { readonly ok: true; readonly socket: TLSSocket }
  /** `alert`: the client's last word (RFC 8446 §6), such as "unknown-ca". */
  | { readonly ok: false; readonly reason: 'client-tls-failed'; readonly alert?: string };

/** RFC 8996: older ones are deprecated, and no mail program of today asks for them. */
const minVersion = 'TLSv1.2';

/**
 * The system's roots, as the client would have used them: what its administrator took out must stay out. The ones
 * that come with Node serve only where the system has none.
 */
function systemRoots(): string[] {
  // A system's store names each root several times over.
  const roots = [...new Set(getCACertificates('system'))];
  return roots.length > 0 ? roots : getCACertificates('default');
}

/** `extraCa`: PEM of one more authority for servers. Takes some 100 ms, to read the system's roots. */
export function createTlsContexts(options: { readonly extraCa?: string | undefined } = {}): TlsContexts {
  const extra = options.extraCa === undefined ? [] : [options.extraCa];
  const contexts = new WeakMap<Leaf, SecureContext>();
  return {
    upstream: createSecureContext({ ca: [...systemRoots(), ...extra], minVersion }),
    forLeaf(leaf) {
      const context =
        contexts.get(leaf) ??
        createSecureContext({
          cert: leaf.certPem,
          key: leaf.keyPem,
          minVersion,
          // A resumed session would skip the checks of both legs.
          secureOptions: constants.SSL_OP_NO_TICKET,
        });
      contexts.set(leaf, context);
      return context;
    },
  };
}

/** The same contexts for clients, and for servers one that trusts nothing but an authority of its own (PEM). */
export function trustingOnly(ca: string, contexts: TlsContexts): TlsContexts {
  return {
    upstream: createSecureContext({ ca, minVersion }),
    forLeaf: (leaf) => contexts.forLeaf(leaf),
  };
}

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
  | { readonly kind: 'failed'; readonly code: string | undefined };

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
    const onError = (error: NodeJS.ErrnoException) => settle({ kind: 'failed', code: error.code });
    const onGone = () => settle({ kind: 'failed', code: undefined });
    const timer = setTimeout(() => settle({ kind: 'timeout' }), timeoutMs);
    socket.on(doneEvent, onDone).on('error', onError).on('end', onGone).on('close', onGone);
  });
}

const isWhole = (certificate: Partial<PeerCertificate>): certificate is PeerCertificate =>
  certificate.raw !== undefined;

/** Shakes hands with a server, whatever its certificate, and judges that. On failure the socket is destroyed. */
export async function connectUpstreamTls(options: ConnectUpstreamOptions): Promise<ConnectedUpstream> {
  const { serverName } = options;
  const socket = connect({
    socket: options.socket,
    secureContext: options.contexts.upstream,
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...alpnOption(options.alpn),
    rejectUnauthorized: false,
    // The name is judged below, so that its verdict can be told from the chain's.
    checkServerIdentity: () => undefined,
  });
  socket.on('error', () => socket.destroy());
  const shaken = await handshake(socket, 'secureConnect', options.timeoutMs);
  if (shaken.kind === 'timeout') return { ok: false, reason: 'upstream-timeout' };
  // Node gives an empty object when there is none. (getPeerX509Certificate shows the certificate only once.)
  const certificate: Partial<PeerCertificate> = shaken.kind === 'done' ? socket.getPeerCertificate() : {};
  if (!isWhole(certificate)) {
    socket.destroy();
    return { ok: false, reason: 'upstream-tls-failed' };
  }
  const judgement = judgeUpstream({
    // A string at run time, though its type says otherwise: the code of OpenSSL's verdict.
    ...(socket.authorized ? {} : { authorizationError: String(socket.authorizationError) }),
    ...(serverName === undefined ? {} : { serverName }),
    nameMatches: serverName !== undefined && checkServerIdentity(serverName, certificate) === undefined,
  });
  return {
    ok: true,
    upstream: {
      socket,
      der: certificate.raw,
      ...judgement,
      ...(typeof socket.alpnProtocol === 'string' ? { alpn: socket.alpnProtocol } : {}),
    },
  };
}

/** "unknown-ca" of ERR_SSL_TLSV1_ALERT_UNKNOWN_CA, "bad-certificate" of ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE. */
function alertOf(code: string | undefined): string | undefined {
  const [, name] = code?.match(/^ERR_SSL_[A-Z0-9/]+_ALERT_([A-Z0-9_]+)$/) ?? [];
  return name?.toLowerCase().replaceAll('_', '-');
}

/** Shakes hands with a client as the server that the leaf names. On failure the socket is destroyed. */
export async function acceptClientTls(options: AcceptClientOptions): Promise<AcceptedClient> {
  const socket = new TLSSocket(options.socket, {
    isServer: true,
    secureContext: options.contexts.forLeaf(options.leaf),
    ...alpnOption(options.alpn === undefined ? [] : [options.alpn]),
  });
  socket.on('error', () => socket.destroy());
  // Without a tls.Server around it, a socket of this side says what goes wrong later by this event alone.
  socket.on('_tlsError', (error: Error) => socket.destroy(error));
  const shaken = await handshake(socket, 'secure', options.timeoutMs);
  if (shaken.kind === 'done') return { ok: true, socket };
  const alert = shaken.kind === 'failed' ? alertOf(shaken.code) : undefined;
  return { ok: false, reason: 'client-tls-failed', ...(alert === undefined ? {} : { alert }) };
}
