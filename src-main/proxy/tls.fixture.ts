// Both ends of TLS for the tests of one leg: servers and clients at the outer end of a socket pair, contexts that trust an
// authority of the tests, and our own certificates in a directory that goes with them.
import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import {
  createTestKeys,
  dnsName,
  makeTestCertificate,
  type TestCertificate,
  type TestCertificateOptions,
} from '../certificates/authority.fixture.ts';
import { openCertificates } from '../certificates/authority.ts';
import { cipherSuites } from './cipher-suites.ts';
import { socketPair } from './testing.fixture.ts';
import {
  type AcceptClientOptions,
  type AcceptedClient,
  acceptClientTls,
  type ConnectUpstreamOptions,
  connectUpstreamTls,
  createTlsContexts,
  type UpstreamTerms,
} from './tls.ts';

export const serverName = 'mail.example.org';
const timeoutMs = 5_000;

/** Of a client that offers all that we speak. */
export const anyTerms: UpstreamTerms = {
  minVersion: 'TLSv1.2',
  ciphers: [...cipherSuites.values()].join(':'),
};

export const closed = (socket: Socket) =>
  new Promise<void>((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve())));

export function accepted(result: AcceptedClient): TLSSocket {
  if (!result.ok) throw new Error(result.reason);
  return result.socket;
}

export interface ServerIdentity {
  readonly certPem: string;
  readonly keyPem: string;
}

export async function createTlsEnds() {
  const keysFor = createTestKeys();
  const authority = makeTestCertificate({
    keys: keysFor('ec', 'authority'),
    subject: 'Test authority',
    isAuthority: true,
  });
  const contexts = createTlsContexts({ extraCa: authority.certPem });
  const directory = await mkdtemp(join(tmpdir(), 'postern-tls-'));
  const certificates = await openCertificates({ directory, hostname: 'desk', now: () => new Date() });
  const ourRoot = certificates.roots()[0]?.pem ?? '';
  const sockets: Socket[] = [];

  async function pair(): Promise<{ outer: Socket; inner: Socket }> {
    const { outer, inner } = await socketPair();
    sockets.push(outer, inner);
    return { outer, inner };
  }

  return {
    keysFor,
    authority,
    contexts,
    certificates,
    ourRoot,
    pair,

    serverCertificate: (options: Partial<TestCertificateOptions> = {}): TestCertificate =>
      makeTestCertificate({
        keys: keysFor('ec'),
        subject: serverName,
        names: [dnsName(serverName)],
        issuer: authority,
        ...options,
      }),

    leafFor: (certificate: TestCertificate, trusted = true, keyKind: 'ec' | 'rsa' = 'ec') =>
      certificates.leafFor({ der: certificate.der, trusted, keyKind }),

    /** A TLS server at the outer end of a pair; gives our end and the server's socket once it is secure. */
    async tlsServer(
      { certPem: cert, keyPem: key }: ServerIdentity,
      options: TlsOptions & { staple?: Buffer } = {},
    ) {
      const { outer, inner } = await pair();
      const { staple, ...rest } = options;
      const server = createServer({ cert, key, allowHalfOpen: true, ...rest });
      const secure = new Promise<TLSSocket>((resolve) => server.once('secureConnection', resolve));
      server.on('tlsClientError', () => outer.destroy());
      if (staple) server.on('OCSPRequest', (_certificate, _issuer, done) => done(null, staple));
      server.emit('connection', outer);
      return { inner, outer, secure };
    },

    /** A TLS client at the outer end of a pair that trusts our root, unless told otherwise. */
    async tlsClient(options: ConnectionOptions = {}) {
      const { outer, inner } = await pair();
      const client = connect({ socket: outer, servername: serverName, ca: ourRoot, ...options });
      client.on('error', () => client.destroy());
      return { client, inner };
    },

    toServer: (socket: Socket, options: Partial<ConnectUpstreamOptions> = {}) =>
      connectUpstreamTls({
        socket,
        alpn: [],
        terms: anyTerms,
        contexts,
        timeoutMs,
        now: () => new Date(),
        isAllowed: () => false,
        ...options,
      }),

    toClient: (options: Pick<AcceptClientOptions, 'socket' | 'leaf'> & Partial<AcceptClientOptions>) =>
      acceptClientTls({ minVersion: 'TLSv1.2', strongFirst: false, contexts, timeoutMs, ...options }),

    /** Ends all connections. */
    closeAll() {
      for (const socket of sockets.splice(0)) socket.destroy();
    },

    remove: () => rm(directory, { recursive: true }),
  };
}
