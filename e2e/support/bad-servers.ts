// Mail servers whose TLS is good, bad or strange, one for each case: a front of TLS that a test chose each detail of, before
// one dovecot that speaks the mail protocols. Each front notes what was agreed on in its handshakes.
import { mkdirSync } from 'node:fs';
import {
  connect as connectPlain,
  createServer as createPlainServer,
  type Server,
  type Socket,
} from 'node:net';
import { join } from 'node:path';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { makeCertificates } from './authority.ts';
import { startMailServer } from './dovecot.ts';
import { openTestAuthority, type TestAuthority } from './issuing.ts';
import type { TestMessage } from './messages.ts';
import { type ServerCase, serverCases } from './server-cases.ts';

/** What was agreed on in one handshake, as the server saw it. */
export interface Agreed {
  readonly version: string;
  /** OpenSSL's name. */
  readonly cipher: string;
}

export interface BadServer {
  readonly serverCase: ServerCase;
  /** At 127.0.0.1. */
  readonly ports: { readonly imaps: number; readonly pop3s: number };
  /** Its certificate, and what it shows behind it. */
  readonly certificatePem: string;
  /** Handshakes that were completed, oldest first. */
  readonly agreed: readonly Agreed[];
}

export interface BadServers {
  readonly authority: TestAuthority;
  readonly servers: readonly BadServer[];
  /** Of alice's messages, the one that the test virus is in. */
  readonly infectedUid: string;
  server(id: string): BadServer;
  stop(): Promise<void>;
}

async function listen(server: Server): Promise<number> {
  return await new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });
}

function joinServer(client: Socket, port: number): void {
  const behind = connectPlain({ host: '127.0.0.1', port });
  client.on('error', () => behind.destroy()).on('close', () => behind.destroy());
  behind.on('error', () => client.destroy()).on('close', () => client.end());
  client.pipe(behind).pipe(client);
}

/** Starts a server of each case, with these messages for alice. */
export async function startBadServers(
  directory: string,
  messages: readonly TestMessage[],
  cases: readonly ServerCase[] = serverCases,
): Promise<BadServers> {
  const mail = join(directory, 'mail');
  const certificates = join(directory, 'certificates');
  for (const each of [mail, certificates]) mkdirSync(each);
  const authority = openTestAuthority(certificates);
  const behind = await startMailServer({
    directory: mail,
    certificate: makeCertificates(mail).server,
    users: { alice: messages },
  });
  const listening: Server[] = [];
  const open = new Set<Socket>();
  const front = async (
    serverCase: ServerCase,
    options: TlsOptions,
    staple: Buffer | undefined,
    port: number,
    agreed: Agreed[],
  ) => {
    const server =
      serverCase.drops === true
        ? createPlainServer((socket) => {
            socket.on('error', () => socket.destroy()).once('data', () => socket.destroy());
          })
        : createServer(options, (socket: TLSSocket) => {
            agreed.push({ version: socket.getProtocol() ?? '', cipher: socket.getCipher().name });
            joinServer(socket, port);
          }).on('tlsClientError', (_error, socket) => socket.destroy());
    if (staple) server.on('OCSPRequest', (_certificate, _issuer, done) => done(null, staple));
    server.on('connection', (socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
    });
    listening.push(server);
    return await listen(server);
  };
  const servers: BadServer[] = [];
  for (const serverCase of cases) {
    const { issued, staple } = serverCase.certificate(authority);
    const options: TlsOptions = { cert: issued.chain, key: issued.key, ...serverCase.tls?.(authority) };
    const agreed: Agreed[] = [];
    const imaps = await front(serverCase, options, staple, behind.ports.imap, agreed);
    const pop3s = await front(serverCase, options, staple, behind.ports.pop3, agreed);
    servers.push({ serverCase, ports: { imaps, pop3s }, certificatePem: issued.chain, agreed });
  }
  return {
    authority,
    servers,
    infectedUid: String(messages.findIndex((message) => message.infected) + 1),
    server(id) {
      const found = servers.find(({ serverCase }) => serverCase.id === id);
      if (!found) throw new Error(`no server of the case ${id}`);
      return found;
    },
    async stop() {
      for (const socket of open) socket.destroy();
      await Promise.all(listening.map((server) => new Promise((done) => server.close(done))));
      await behind.stop();
    },
  };
}
