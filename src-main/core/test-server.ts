// The mail server of the self-test: IMAP and POP3 on loopback, in the clear with an upgrade and under TLS, with an
// authority of its own. It lives for one test, and what it holds is harmless.
import { generateKeyPair } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { certificatePem, makeAuthority, mintLeaf } from '../certificates/forge.ts';
import type { Endpoint, MailProtocol } from '../contract/connection.ts';
import { createImapDialogue, createPop3Dialogue, type Dialogue } from './test-dialogue.ts';
import { createTestMailbox, type TestMailbox } from './test-mailbox.ts';

export interface TestServer {
  /** PEM of the authority that signed its certificate; nobody else trusts it. */
  readonly ca: string;
  /** The name in its certificate. */
  readonly serverName: string;
  readonly mailbox: TestMailbox;
  endpoint(protocol: MailProtocol): Endpoint;
  /** Ends its connections, too. May be called twice. */
  stop(): void;
}

/** A name that resolves nowhere (RFC 6761 §6.4). */
const serverName = 'selftest.postern.invalid';

const host = '127.0.0.1';

/** A test has one connection at a time; other programs of this machine find nothing here worth more. */
const maxConnections = 8;

/** RFC 2449 §4 allows 255 octets, RFC 7162 §4 asks for 8,192; no command of the test is as long as this. */
const maxLineBytes = 1_024;

/** A test that is stuck has ended long before. */
const idleMs = 10_000;

/** A test lasts for a minute at most; clocks that are set meanwhile do no harm. */
const validMs = 24 * 60 * 60 * 1_000;

const newKeyPair = promisify(generateKeyPair);
const newKeys = () => newKeyPair('ec', { namedCurve: 'P-256' });

interface Identity {
  readonly ca: string;
  readonly context: SecureContext;
}

async function newIdentity(now: Date): Promise<Identity> {
  const [authorityKeys, serverKeys] = await Promise.all([newKeys(), newKeys()]);
  const validity = {
    notBefore: new Date(now.getTime() - validMs),
    notAfter: new Date(now.getTime() + validMs),
  };
  const authority = makeAuthority({ commonName: 'Postern self-test', ...authorityKeys, validity });
  const leaf = mintLeaf({
    // A leaf takes its name from a certificate that there is: this one serves for nothing else.
    server: makeAuthority({ commonName: serverName, ...serverKeys, validity }),
    issuer: { der: authority, key: authorityKeys.privateKey },
    publicKey: serverKeys.publicKey,
    validity,
  });
  const key = serverKeys.privateKey.export({ type: 'pkcs8', format: 'pem' });
  return {
    ca: certificatePem(authority),
    context: createSecureContext({ cert: certificatePem(leaf), key }),
  };
}

/** Holds the dialogue on one connection, and after an upgrade a new one on the same. */
function converse(socket: Socket, context: SecureContext, newDialogue: (tls: boolean) => Dialogue): void {
  const begin = (stream: Socket, tls: boolean, greets: boolean) => {
    const dialogue = newDialogue(tls);
    let heard = '';
    const onData = (octets: Buffer) => {
      heard += octets.toString('latin1');
      for (let end = heard.indexOf('\n'); end !== -1; end = heard.indexOf('\n')) {
        const line = heard.slice(0, end).replace(/\r$/, '');
        heard = heard.slice(end + 1);
        const { octets: answer, then } = dialogue.answer(line);
        stream.write(answer);
        if (then === undefined) continue;
        // What came behind it is of no dialogue (RFC 3501 §6.2.1).
        stream.off('data', onData);
        if (then === 'end') stream.end();
        else begin(secured(stream, context), true, false);
        return;
      }
      if (heard.length > maxLineBytes) stream.destroy();
    };
    stream.on('data', onData);
    if (greets) stream.write(dialogue.greeting);
  };
  begin(socket, socket instanceof TLSSocket, true);
}

function secured(socket: Socket, secureContext: SecureContext): TLSSocket {
  socket.pause();
  const tls = new TLSSocket(socket, { isServer: true, secureContext });
  tls.on('error', () => tls.destroy());
  // Without a tls.Server around it, a socket of this side says by this event alone what fails.
  tls.on('_tlsError', () => tls.destroy());
  return tls;
}

/** Starts it on free ports. Rejects when this machine has no port for it. */
export async function startTestServer(parts: {
  readonly random: (sizeBytes: number) => Uint8Array;
  readonly now: () => Date;
}): Promise<TestServer> {
  const { ca, context } = await newIdentity(parts.now());
  const mailbox = createTestMailbox(parts.random);
  const sockets = new Set<Socket>();
  const servers: Server[] = [];
  const stop = () => {
    for (const server of servers) server.close();
    for (const socket of sockets) socket.destroy();
  };

  async function listen(protocol: MailProtocol): Promise<readonly [MailProtocol, Endpoint]> {
    const create = protocol.startsWith('imap') ? createImapDialogue : createPop3Dialogue;
    const server = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
      socket.setTimeout(idleMs, () => socket.destroy());
      const stream = protocol.endsWith('s') ? secured(socket, context) : socket;
      converse(stream, context, (tls) => create({ mailbox, tls }));
    });
    server.maxConnections = maxConnections;
    servers.push(server);
    server.listen({ host, port: 0, exclusive: true });
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('a listener has no port');
    return [protocol, { address: host, port: address.port }];
  }

  try {
    const protocols: readonly MailProtocol[] = ['imap', 'imaps', 'pop3', 'pop3s'];
    const endpoints = new Map(await Promise.all(protocols.map(listen)));
    return {
      ca,
      serverName,
      mailbox,
      endpoint(protocol) {
        const endpoint = endpoints.get(protocol);
        if (!endpoint) throw new Error(`no listener for ${protocol}`);
        return endpoint;
      },
      stop,
    };
  } catch (error) {
    stop();
    throw error;
  }
}
