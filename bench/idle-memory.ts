// What an idle IMAPS connection costs in memory, both legs together: in Postern, and in a bare relay of Node's TLS. The
// server is a small one of our own, so that nothing else of weight runs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createServer, type Server } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { freePort, startCore } from '../e2e/support/core.ts';
import { type ImapTalker, openImapTalker } from '../e2e/support/imap-talker.ts';
import type { Bench, Budget } from './bench.ts';

const budget: Budget = { kind: 'ratio', most: 1.1 };
/** Opened before the first reading: a process takes memory of its own with its first connections. */
const warmUpCount = 100;
const count = 200;
/** For what was freed to be given back. */
const settleMs = 3_000;

/** Says yes to everything, as far as an idle client asks. */
async function startYesServer({ certificates }: Bench): Promise<{ server: Server; port: number }> {
  const { certPath, keyPath } = certificates.server;
  const server = createServer({ cert: readFileSync(certPath), key: readFileSync(keyPath) }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.write('* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n');
    createInterface({ input: socket }).on('line', (line) => {
      const [tag = '', command = ''] = line.split(' ');
      const untagged = /^SELECT$/i.test(command)
        ? '* FLAGS (\\Seen)\r\n* 0 EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 1] valid\r\n'
        : '';
      socket.write(`${untagged}${tag} OK done\r\n`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  return { server, port: address.port };
}

async function openIdle(port: number, caPath: string, many: number): Promise<ImapTalker[]> {
  const talkers: ImapTalker[] = [];
  for (let i = 0; i < many; i++) {
    const talker = await openImapTalker(port, caPath);
    await talker.command('LOGIN alice secret');
    await talker.command('SELECT INBOX');
    talkers.push(talker);
  }
  return talkers;
}

function residentKb(pid: number): number {
  const [, kb] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kb);
}

/** KB of resident memory that each connection adds to the process. */
async function perConnectionKb(pid: number, port: number, caPath: string): Promise<number> {
  const settled = async () => {
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    return residentKb(pid);
  };
  const talkers = await openIdle(port, caPath, warmUpCount);
  const before = await settled();
  talkers.push(...(await openIdle(port, caPath, count)));
  const after = await settled();
  for (const talker of talkers) talker.close();
  return (after - before) / count;
}

async function bareRelayKb({ certificates }: Bench, upstream: number): Promise<number> {
  const { server, caPath } = certificates;
  const script = fileURLToPath(new URL('./bare-relay.ts', import.meta.url));
  const args = [script, server.certPath, server.keyPath, caPath, String(upstream)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line] = await once(createInterface({ input: child.stdout }), 'line');
    return await perConnectionKb(child.pid ?? 0, Number(line), caPath);
  } finally {
    child.kill('SIGTERM');
  }
}

async function posternKb({ directory, certificates }: Bench, upstream: number): Promise<number> {
  const local = await freePort();
  const options = ['--intercept', 'off', '--console', 'off', '--upstream-ca', certificates.caPath];
  const listen = ['--listen', `${local}=127.0.0.1:${upstream}/imaps`];
  const core = await startCore({ args: ['--data-dir', join(directory, 'data'), ...options, ...listen] });
  try {
    return await perConnectionKb(core.ready.pid, local, core.ready.ca);
  } finally {
    await core.stop();
  }
}

export async function benchIdleMemory(bench: Bench): Promise<void> {
  const { server, port } = await startYesServer(bench);
  try {
    const direct = [await bareRelayKb(bench, port)];
    const through = [await posternKb(bench, port)];
    const name = `memory of an idle IMAPS connection (${count}), bare relay as direct`;
    bench.add({ name, unit: 'KB', budget, direct, through });
  } finally {
    server.close();
  }
}
