// The certificate that a server shows to whoever asks, for a person who makes a rule of it. It is not judged here.
import { connect } from 'node:tls';
import { certificateFacts } from '../certificates/certificate-facts.ts';
import type { Endpoint } from '../contract/connection.ts';
import type { PortRange } from '../contract/port-list.ts';
import type { CertificateFacts } from '../contract/trust.ts';
import type { Dialer } from './upstream.ts';

export interface ServerCertificateOptions {
  readonly host: string;
  readonly port: number;
  readonly dial: Dialer;
  /** So that the connection is not redirected to us. */
  readonly sourcePorts: PortRange | undefined;
  readonly isOwnEndpoint: (endpoint: Endpoint) => boolean;
  /** For the dial, and again for the handshake. */
  readonly timeoutMs: number;
}

export type ServerCertificate =
  | { readonly ok: true; readonly facts: CertificateFacts }
  | { readonly ok: false; readonly reason: 'unreachable' | 'no-tls' };

/** Names go into the ClientHello as SNI; addresses can't (RFC 6066 §3). */
const isName = (host: string) => /[a-z]/i.test(host) && !host.includes(':');

/** Asks a server that speaks TLS from the first octet on. */
export async function fetchServerCertificate(options: ServerCertificateOptions): Promise<ServerCertificate> {
  const { host, port, dial, sourcePorts, isOwnEndpoint, timeoutMs } = options;
  const endpoint = { address: host, port };
  const dialled = await dial({ endpoint, timeoutMs, isOwnEndpoint, ...(sourcePorts ? { sourcePorts } : {}) });
  if (!dialled.ok) return { ok: false, reason: 'unreachable' };
  const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
  const socket = connect({
    socket: dialled.socket,
    rejectUnauthorized: false,
    ...(isName(host) ? { servername: host } : {}),
  });
  const timer = setTimeout(() => resolve(undefined), timeoutMs);
  socket.once('secureConnect', () => resolve(socket.getPeerX509Certificate()?.raw));
  socket.on('error', () => resolve(undefined)).once('close', () => resolve(undefined));
  const der = await promise;
  clearTimeout(timer);
  socket.destroy();
  return der ? { ok: true, facts: certificateFacts(der) } : { ok: false, reason: 'no-tls' };
}
