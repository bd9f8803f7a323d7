// Every server case by every client, directly and through a core with a fixed listener before each server: what the client
// says the first time, and what it says when it comes again. For the tests, and for the page that documents it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withCore } from '../../src-main/hosts/cli/core-client.ts';
import { type BadServer, type BadServers, startBadServers } from './bad-servers.ts';
import { freePorts, type RunningCore, startCore } from './core.ts';
import { testMessages } from './messages.ts';
import type { ServerCase } from './server-cases.ts';
import { type Outcome, type TlsClient, tlsClients, type Visit } from './tls-clients.ts';

export interface MatrixRow {
  readonly serverCase: ServerCase;
  readonly client: TlsClient;
  readonly direct: Outcome;
  /** In turn; a third time only where the second failed though direct works. */
  readonly through: readonly Outcome[];
}

export interface Matrix {
  readonly servers: BadServers;
  readonly core: RunningCore;
  readonly clients: readonly TlsClient[];
  /** The local port that leads through the core. */
  portThrough(server: BadServer, protocol: 'imaps' | 'pop3s'): number;
  /** With a directory of its own, and the trust that a user has: in the servers' authority, and in Postern's. */
  visit(server: BadServer, port: number): Visit;
  /** Waits until the core has seen the end of every connection, and so knows what to make of it. */
  settled(): Promise<void>;
  /** Direct, then through the core. */
  row(server: BadServer, client: TlsClient): Promise<MatrixRow>;
  stop(): Promise<void>;
}

const maxTries = 3;

/** A core that has not noticed the end of a connection by now never will. */
const settleMs = 20_000;
const pollMs = 20;

/** A clean message, and one with the test virus: two are enough for any client to have a mailbox. */
function twoMessages() {
  const all = testMessages();
  return [...all.slice(0, 1), ...all.filter((message) => message.name === 'eicar-base64')];
}

/** Whether a client has something to say about a case. */
export function applies(client: TlsClient, { id, wantsClientCertificate }: ServerCase): boolean {
  return client.hasCertificate !== true || wantsClientCertificate === true || id === 'asks';
}

/** `cases`: default: all. */
export async function startMatrix(directory: string, cases?: readonly ServerCase[]): Promise<Matrix> {
  const messages = twoMessages();
  const servers = await startBadServers(directory, messages, cases);
  const ports = new Map<BadServer, BadServer['ports']>();
  const listen: string[] = [];
  const free = await freePorts(servers.servers.length * 2);
  for (const server of servers.servers) {
    const local = { imaps: free.pop() ?? 0, pop3s: free.pop() ?? 0 };
    ports.set(server, local);
    for (const protocol of ['imaps', 'pop3s'] as const)
      listen.push('--listen', `${local[protocol]}=127.0.0.1:${server.ports[protocol]}/${protocol}`);
  }
  const { caPath, issue } = servers.authority;
  const core = await startCore({
    args: [
      ...['--data-dir', join(directory, 'data'), '--intercept', 'off', '--console', 'off'],
      ...['--upstream-ca', caPath, ...listen],
    ],
  }).catch(async (error: unknown) => {
    await servers.stop();
    throw error;
  });
  const trusted = join(directory, 'trusted.pem');
  writeFileSync(trusted, readFileSync(caPath, 'utf8') + readFileSync(core.ready.ca, 'utf8'));
  const own = issue('client', { names: ['DNS:client.example.test'], use: 'clientAuth' });
  let visits = 0;

  const portThrough: Matrix['portThrough'] = (server, protocol) => ports.get(server)?.[protocol] ?? 0;
  const visit = (server: BadServer, port: number): Visit => {
    const ownDirectory = join(directory, `visit-${visits++}`);
    mkdirSync(ownDirectory);
    return {
      host: server.serverCase.host,
      port,
      caPath: trusted,
      directory: ownDirectory,
      messages: messages.length,
      infectedUid: servers.infectedUid,
      own,
    };
  };
  const settled = async () => {
    const end = performance.now() + settleMs;
    await withCore(core.ready.dataDir, async (calls) => {
      for (
        let left = await calls.connections.list();
        left.length > 0;
        left = await calls.connections.list()
      ) {
        if (performance.now() > end) throw new Error(`still open: ${JSON.stringify(left)}`);
        await new Promise((resolve) => setTimeout(resolve, pollMs));
      }
    });
  };
  return {
    servers,
    core,
    settled,
    clients: tlsClients(),
    portThrough,
    visit,
    async row(server, client) {
      const direct = await client.visit(visit(server, server.ports[client.protocol]));
      const through: Outcome[] = [];
      do {
        through.push(await client.visit(visit(server, portThrough(server, client.protocol))));
        await settled();
      } while (
        through.length < 2 ||
        (through.length < maxTries && direct.kind === 'accepted' && through.at(-1)?.kind === 'refused')
      );
      return { serverCase: server.serverCase, client, direct, through };
    },
    async stop() {
      await core.stop();
      await servers.stop();
    },
  };
}
