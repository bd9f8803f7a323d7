// The stage of proxy.fixture.ts with TLS: servers that speak it at once or after STARTTLS or STLS, an authority that is
// trusted for them, and clients that trust our root or do not.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ConnectionOptions,
  connect,
  createSecureContext,
  TLSSocket,
  type TLSSocketOptions,
} from 'node:tls';
import {
  createTestKeys,
  dnsName,
  makeTestCertificate,
  type TestCertificateOptions,
} from '../certificates/authority.fixture.ts';
import { type Certificates, openCertificates } from '../certificates/authority.ts';
import type { ConnectionOwner, Endpoint } from '../contract/connection.ts';
import type { TlsSettings } from '../contract/settings.ts';
import { createStage } from './proxy.fixture.ts';
import type { MailProxy, ProxyOptions } from './proxy.ts';
import { received, socketPair } from './testing.fixture.ts';

export const serverName = 'mail.example.org';
export const mutt: ConnectionOwner = { uid: 1000, path: '/usr/bin/mutt' };

export type How = 'implicit' | 'imap' | 'pop3';

const dialogues = {
  imap: {
    greeting: '* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n',
    command: 'a STARTTLS\r\n',
    ask: /^(\S+) STARTTLS\r\n/i,
    consent: (tag: string) => `${tag} OK begin\r\n`,
  },
  pop3: {
    greeting: '+OK ready\r\n',
    command: 'STLS\r\n',
    ask: /^(STLS)\r\n/i,
    consent: () => '+OK begin\r\n',
  },
} as const;

export interface TlsServer {
  readonly endpoint: Endpoint;
  /** One a connection. */
  readonly sockets: Socket[];
  readonly secured: TLSSocket[];
  /** Octets of the clients as they came. */
  heard(): Buffer;
}

export interface TlsServerOptions {
  readonly how?: How;
  readonly certificate?: Partial<TestCertificateOptions>;
  readonly tls?: TLSSocketOptions & Parameters<typeof createSecureContext>[0];
  /** In place of TLS: what happens to a connection where the ClientHello is due. */
  readonly instead?: (socket: Socket, connection: number) => boolean;
  /** Inside implicit TLS. */
  readonly greeting?: string;
  /** Inside TLS. */
  readonly answer?: (line: string, socket: Socket) => void;
}

/** Answers IMAP commands in the simplest way, with a message that is infected. */
const mailbox = (line: string, socket: Socket) => {
  const [, tag, rest = ''] = /^(\S+) ([^\r]*)/.exec(line) ?? [];
  if (tag === undefined) return;
  if (/FETCH/i.test(rest)) socket.write(`* 1 FETCH (UID 1 BODY[] {7}\r\na VIRUS)\r\n`);
  socket.write(`${tag} OK done\r\n`);
};

export async function createTlsStage() {
  const stage = createStage();
  const { teardown } = stage;
  const keysFor = createTestKeys();
  const authority = makeTestCertificate({
    keys: keysFor('ec', 'authority'),
    subject: 'Test authority',
    isAuthority: true,
  });
  const directory = await mkdtemp(join(tmpdir(), 'postern-tls-stage-'));
  const certificates: Certificates = await openCertificates({
    directory,
    hostname: 'desk',
    now: () => new Date(),
  });
  const rootPem = () => certificates.roots()[0]?.pem ?? '';

  const certificateOf = (changes: Partial<TestCertificateOptions> = {}) =>
    makeTestCertificate({
      keys: keysFor('ec'),
      subject: serverName,
      names: [dnsName(serverName)],
      issuer: authority,
      ...changes,
    });

  async function startTlsServer(options: TlsServerOptions = {}): Promise<TlsServer> {
    const { how = 'implicit', instead, answer = mailbox } = options;
    const { certPem: cert, keyPem: key } = certificateOf(options.certificate);
    const secureContext = createSecureContext({ cert, key, ...options.tls });
    const sockets: Socket[] = [];
    const secured: TLSSocket[] = [];
    const chunks: Buffer[] = [];
    function secure(socket: Socket): void {
      const tls = new TLSSocket(socket, { isServer: true, ...options.tls, secureContext });
      for (const event of ['error', '_tlsError']) tls.on(event, () => socket.destroy());
      tls.on('secure', () => {
        secured.push(tls);
        if (how === 'implicit') tls.write(options.greeting ?? '* OK ready\r\n');
      });
      tls.on('data', (bytes: Buffer) => answer(bytes.toString('latin1'), tls));
      tls.on('end', () => tls.end());
    }
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const connection = sockets.push(socket);
      socket.on('error', () => socket.destroy());
      // Octets are collected by a listener that makes nothing flow, so that TLS can read them.
      const untouched = () => {
        const isIt = instead?.(socket, connection) ?? false;
        if (isIt) socket.resume();
        return isIt;
      };
      if (how === 'implicit') {
        if (!untouched()) secure(socket);
        return;
      }
      const { greeting, ask, consent } = dialogues[how];
      socket.write(greeting);
      const listen = (bytes: Buffer) => {
        const [, tag] = ask.exec(bytes.toString('latin1')) ?? [];
        if (tag === undefined) {
          answer(bytes.toString('latin1'), socket);
          return;
        }
        socket.off('data', listen);
        socket.write(consent(tag));
        if (!untouched()) secure(socket);
      };
      socket.on('data', listen);
    }).listen(0, '127.0.0.1');
    server.on('connection', (socket) => socket.prependListener('data', (bytes) => chunks.push(bytes)));
    await once(server, 'listening');
    teardown.push(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    return {
      endpoint: { address: '127.0.0.1', port },
      sockets,
      secured,
      heard: () => Buffer.concat(chunks),
    };
  }

  function startTlsProxy(tls: Partial<TlsSettings> = {}, changes: Partial<ProxyOptions> = {}) {
    const started = stage.startProxy(
      {},
      { certificates, extraCa: authority.certPem, now: () => new Date(), ...changes },
    );
    started.changeTls(tls);
    return started;
  }

  /** A client's connection up to where its ClientHello is due. */
  async function arriveAt(
    proxy: MailProxy,
    { endpoint }: TlsServer,
    how: How = 'implicit',
    owner: ConnectionOwner | undefined = mutt,
  ): Promise<Socket> {
    const { client } = await stage.arrive(proxy, endpoint, owner);
    if (how === 'implicit') {
      client.removeAllListeners('data');
      return client;
    }
    const { command } = dialogues[how];
    await once(client, 'data');
    client.write(command);
    await once(client, 'data');
    client.removeAllListeners('data');
    client.pause();
    return client;
  }

  /** Goes on with TLS; trusts our root and the test's authority unless told otherwise. */
  function secure(client: Socket, options: ConnectionOptions = {}) {
    const tls = connect({
      socket: client,
      servername: serverName,
      ca: [rootPem(), authority.certPem],
      ...options,
    });
    tls.on('error', () => tls.destroy());
    teardown.push(() => tls.destroy());
    return { tls, got: received(tls) };
  }

  /** The first octets of a client of TLS 1.2, whose ClientHello is short. */
  async function clientHello(): Promise<Buffer> {
    const { outer, inner } = await socketPair();
    const tls = connect({ socket: outer, servername: serverName, maxVersion: 'TLSv1.2' });
    tls.on('error', () => undefined);
    await once(inner, 'readable');
    const hello: Buffer = inner.read();
    outer.destroy();
    inner.destroy();
    return hello;
  }

  /** Stops what a test has opened. */
  const clear = () => stage.clear();
  const remove = () => rm(directory, { recursive: true });

  return {
    teardown,
    certificates,
    authority,
    rootPem,
    certificateOf,
    startTlsServer,
    startTlsProxy,
    arriveAt,
    secure,
    clientHello,
    clear,
    remove,
  };
}
