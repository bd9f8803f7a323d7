// TLS on both legs, for implicit TLS and for STARTTLS alike: the ClientHello is read first and decides whether TLS is
// opened; then the server's handshake is done with the client's own server name and ALPN, then the client's with a leaf
// that says the same. Where it turns out that TLS can't be opened, the client's octets are still all there, and it goes
// on with a fresh connection to the server.
import type { Socket } from 'node:net';
import type { Certificates } from '../certificates/authority.ts';
import type { RelayReason } from '../contract/connection.ts';
import type { ErrorCode } from '../contract/error-codes.ts';
import { type ClientHello, parseClientHello } from '../protocols/client-hello.ts';
import { type Entry, programOf, serverLabel } from './connection-table.ts';
import type { Handling } from './handling.ts';
import { createLeafReception } from './leaf-reception.ts';
import { nextChunk } from './next-chunk.ts';
import {
  acceptClientTls,
  alertOf,
  type ConnectedUpstream,
  connectUpstreamTls,
  isClientCertificateAlert,
} from './tls.ts';
import { decideByCertificate, decideTls, isAllowedByRule, type Opening } from './tls-decision.ts';
import type { NewTlsRelay } from './tls-relays.ts';

/** Both legs after the ClientHello, or why there are none. */
export type Upgrade =
  | { readonly kind: 'open'; readonly client: Socket; readonly server: Socket }
  /** The client's leg is untouched, and goes on with this server, which waits for its ClientHello. */
  | { readonly kind: 'relay'; readonly reason: RelayReason; readonly server: Socket }
  | { readonly kind: 'failed'; readonly reason: ErrorCode };

type UpstreamTls = Extract<ConnectedUpstream, { readonly ok: true }>['upstream'];

export interface TlsLegsOptions {
  readonly handling: Handling;
  /** Learns the server's name, and how the client takes its leaf. */
  readonly entry: Entry;
  readonly startTls: boolean;
  /** A fresh connection to the server, where it waits for a ClientHello; undefined: there is none. */
  readonly redial: () => Promise<Socket | undefined>;
  readonly certificates: Pick<Certificates, 'leafFor'>;
  readonly timeoutMs: number;
  readonly now: () => Date;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

/**
 * What a server's own word makes of it. One with a bad certificate may only claim the name, and any program may lead us to
 * it: then it is that program's alone, and counts only where the certificate is bad again.
 */
export function relayByServer(entry: Entry, reason: RelayReason, detail?: string): NewTlsRelay {
  const { destination, serverName, owner } = entry;
  if (entry.trusted !== false) return { program: undefined, destination, serverName, reason, detail };
  return {
    program: programOf(entry),
    uid: owner?.uid,
    destination,
    serverName,
    reason: 'untrusted-certificate-refused',
    detail: detail ?? reason,
  };
}

/** Reads one ClientHello and gives its octets back to the socket, for whoever reads it again. */
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
    client.unshift(seen);
    return hello.kind === 'not-tls' ? 'client-tls-failed' : hello;
  }
}

/** Decides, and opens TLS on both legs where that is the decision. On failure the caller ends both. */
export async function openTlsLegs(client: Socket, server: Socket, options: TlsLegsOptions): Promise<Upgrade> {
  const { handling, entry, redial, timeoutMs, now, log } = options;
  const rules = handling.rules.tls;
  const program = programOf(entry);

  const learn = (relay: NewTlsRelay) => {
    handling.relays.add(relay);
    const { reason, detail } = relay;
    log('tls-relay-learnt', {
      id: entry.id,
      server: serverLabel(entry),
      program: relay.program,
      reason,
      detail,
    });
  };
  const learnOfServer = (reason: RelayReason, detail: string | undefined) =>
    learn(relayByServer(entry, reason, detail));

  async function relayAfresh(reason: RelayReason): Promise<Upgrade> {
    const fresh = await redial();
    return fresh ? { kind: 'relay', reason, server: fresh } : { kind: 'failed', reason: 'server-vanished' };
  }

  async function toServer(
    hello: ClientHello,
    opening: Opening,
  ): Promise<{ kind: 'shaken'; upstream: UpstreamTls; mayRelay: boolean } | Upgrade> {
    const { serverName } = hello;
    const up = await connectUpstreamTls({
      socket: server,
      alpn: hello.alpn,
      terms: opening.terms,
      contexts: handling.contexts(),
      timeoutMs,
      now,
      isAllowed: (certificate) => isAllowedByRule(rules, serverName, certificate, now()),
      ...(serverName === undefined ? {} : { serverName }),
    });
    if (!up.ok) {
      // Anyone on the way can reset a connection or hold it up; that must not switch the scan off.
      if (up.cause === 'other' || !opening.mayRelay) return { kind: 'failed', reason: up.reason };
      // Whatever it says in the handshake, nobody has proved yet that it is the server: asked anew each time.
      learnOfServer('server-tls', up.alert);
      return await relayAfresh(up.cause === 'client-certificate' ? up.cause : 'server-tls');
    }
    const { upstream } = up;
    const { certificate, judgement } = upstream;
    if (!judgement.trusted) {
      const { subject, issuer, sha256 } = certificate;
      const { reason } = judgement;
      log('upstream-untrusted', {
        id: entry.id,
        server: serverLabel(entry),
        reason,
        subject,
        issuer,
        sha256,
      });
    }
    const decided = decideByCertificate({ rules, opening, serverName, certificate, judgement, now: now() });
    if (decided.kind === 'open') return { kind: 'shaken', upstream, mayRelay: decided.mayRelay };
    upstream.socket.destroy();
    return decided.kind === 'relay'
      ? await relayAfresh(decided.reason)
      : { kind: 'failed', reason: decided.reason };
  }

  const hello = await peekClientHello(client, server);
  if (typeof hello === 'string') {
    // What only begins like TLS is none of ours where TLS is left alone, unless mail was spoken before.
    return hello === 'client-tls-failed' && !rules.enabled && !options.startTls
      ? { kind: 'relay', reason: 'tls-off', server }
      : { kind: 'failed', reason: hello };
  }
  if (hello.serverName !== undefined) entry.serverName = hello.serverName;
  const { owner, destination } = entry;
  const { relays } = handling;
  const decision = decideTls({ rules, owner, program, destination, hello, relays, now: now() });
  if (decision.kind === 'block') return { kind: 'failed', reason: decision.reason };
  if (decision.kind === 'relay') return { ...decision, server };
  const shaken = await toServer(hello, decision);
  if (shaken.kind !== 'shaken') return shaken;
  const { upstream, mayRelay } = shaken;

  const { trusted } = upstream.judgement;
  entry.trusted = trusted;
  // TLS 1.3: the server's word on a certificate that it misses comes after the handshake (RFC 8446 §4.4.2.4).
  const learnsOfCertificate = (error: unknown) => {
    const { socket } = upstream;
    const isFirst = !socket.readableDidRead && socket.readableLength === 0;
    const learns = isFirst && mayRelay && isClientCertificateAlert(error);
    if (learns) learnOfServer('client-certificate', alertOf(error));
    return learns;
  };
  const leaf = await options.certificates.leafFor({
    der: upstream.der,
    trusted,
    keyKind: decision.keyKind,
  });
  const reception = createLeafReception({
    leaf,
    trusted,
    program,
    uid: owner?.uid,
    destination,
    serverName: hello.serverName,
    mayRelay,
    since: entry.since,
    startTls: options.startTls,
    taken: handling.taken,
    now,
    onKnown: (accepted) =>
      handling.events.handshake?.({
        owner,
        ...(program === undefined ? {} : { program }),
        server: serverLabel(entry),
        port: destination.port,
        accepted,
        trusted,
      }),
    onRefused: (detail) => log('tls-refused', { id: entry.id, server: serverLabel(entry), program, detail }),
    onLearnt: learn,
  });
  // From here on, for the connection may be ended by us in the middle of the handshake.
  entry.reception = reception;
  // Said already, before the client has heard anything of us.
  if (learnsOfCertificate(upstream.socket.errored)) return await relayAfresh('client-certificate');
  upstream.socket.on('error', learnsOfCertificate);
  const down = await acceptClientTls({
    socket: client,
    leaf,
    minVersion: rules.minVersion,
    strongFirst: upstream.isStrong,
    contexts: handling.contexts(),
    timeoutMs,
    ...(upstream.alpn === undefined ? {} : { alpn: upstream.alpn }),
  });
  if (!down.ok) {
    reception.failed(down);
    return { kind: 'failed', reason: down.reason };
  }
  reception.shaken(down.socket, upstream.socket);
  return { kind: 'open', client: down.socket, server: upstream.socket };
}
