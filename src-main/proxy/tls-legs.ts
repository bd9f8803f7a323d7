// TLS on both legs, for implicit TLS and for STARTTLS alike: the ClientHello is read first, then the server's
// handshake is done with the client's own server name and ALPN, then the client's with a leaf that says the same.
import type { Socket } from 'node:net';
import type { Certificates } from '../certificates/authority.ts';
import type { ErrorCode } from '../contract/error-codes.ts';
import { type ClientHello, parseClientHello } from '../protocols/client-hello.ts';
import { nextChunk } from './next-chunk.ts';
import type { Upgrade } from './session.ts';
import { acceptClientTls, connectUpstreamTls, type TlsContexts } from './tls.ts';

export interface TlsLegsOptions {
  readonly certificates: Certificates;
  readonly contexts: TlsContexts;
  readonly timeoutMs: number;
  readonly onServerName: (name: string) => void;
  /** The server's certificate is bad: the client gets one of the untrusted authority. */
  readonly onUntrusted: (reason: ErrorCode) => void;
}

/** Reads one ClientHello and gives its octets back to the socket, for the TLS layer to read again. */
export async function peekClientHello(client: Socket, server: Socket): Promise<ClientHello | ErrorCode> {
  let seen: Buffer = Buffer.alloc(0);
  for (;;) {
    const { from, bytes } = await nextChunk({ client, server });
    // A server that speaks before the handshake injects; one that ends leaves nothing to shake hands with.
    if (from === 'server') return bytes ? 'tls-injection' : 'server-vanished';
    if (!bytes) return 'client-vanished';
    seen = Buffer.concat([seen, bytes]);
    const hello = parseClientHello(seen);
    if (hello.kind === 'need-more') continue;
    if (hello.kind === 'not-tls') return 'client-tls-failed';
    client.unshift(seen);
    return hello;
  }
}

/** Opens TLS on both legs. On failure the caller ends both. */
export async function openTlsLegs(client: Socket, server: Socket, options: TlsLegsOptions): Promise<Upgrade> {
  const hello = await peekClientHello(client, server);
  if (typeof hello === 'string') return { ok: false, reason: hello };
  if (hello.serverName !== undefined) options.onServerName(hello.serverName);
  const up = await connectUpstreamTls({
    socket: server,
    alpn: hello.alpn,
    contexts: options.contexts,
    timeoutMs: options.timeoutMs,
    ...(hello.serverName === undefined ? {} : { serverName: hello.serverName }),
  });
  if (!up.ok) return up;
  const { upstream } = up;
  if (upstream.reason !== undefined) options.onUntrusted(upstream.reason);
  const leaf = await options.certificates.leafFor({ der: upstream.der, trusted: upstream.trusted });
  const down = await acceptClientTls({
    socket: client,
    leaf,
    contexts: options.contexts,
    timeoutMs: options.timeoutMs,
    ...(upstream.alpn === undefined ? {} : { alpn: upstream.alpn }),
  });
  if (!down.ok) return { ok: false, reason: down.reason };
  return { ok: true, client: down.socket, server: upstream.socket };
}
