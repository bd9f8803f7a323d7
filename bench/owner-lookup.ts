// Who is at the client's end: what naming the program adds to a connection, on a machine with as many processes as a desktop.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { identify } from '../src-main/applications/identity.ts';
import { openSocketOwners } from '../src-main/interception/linux/socket-owner.ts';
import type { Bench } from './bench.ts';

const processes = 400;
const lookupsPerRound = 200;

const runningProcesses = () => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length;

async function timed<Result>(task: () => Promise<Result>): Promise<{ ms: number; result: Result }> {
  const since = performance.now();
  const result = await task();
  return { ms: performance.now() - since, result };
}

/** "Direct" is the kernel's answer alone, for a socket that is not there: uid and inode are all that is ever known of one. */
export async function benchOwnerLookup(bench: Bench): Promise<void> {
  const children: ChildProcess[] = [];
  const server = createServer((socket) => socket.on('error', () => socket.destroy()).resume());
  try {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the server has no port');
    const remote = { address: '127.0.0.1', port: address.port };
    const client = spawn(
      process.execPath,
      [join(import.meta.dirname, '../e2e/intercept/lab-connections.ts'), String(remote.port)],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    children.push(client);
    while (runningProcesses() < processes) children.push(spawn('sleep', ['600'], { stdio: 'ignore' }));
    const ports = createInterface({ input: client.stdout })[Symbol.asyncIterator]();
    const nextLocal = async () => {
      client.stdin.write('\n');
      return { address: '127.0.0.1', port: Number((await ports.next()).value) };
    };

    const [direct, through, cold]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < bench.rounds; round++) {
      const owners = await openSocketOwners({ identify });
      for (let i = 0; i <= lookupsPerRound; i++) {
        const local = await nextLocal();
        const nobody = await timed(() => owners.find({ ...local, address: '127.0.0.9' }, remote));
        const { ms, result } = await timed(() => owners.find(local, remote));
        if (result?.pid !== client.pid) throw new Error(`not the owner: ${JSON.stringify(result)}`);
        if (i === 0) cold.push(ms);
        else {
          direct.push(nobody.ms);
          through.push(ms);
        }
      }
      owners.close();
    }
    bench.add({
      name: `owner of a connection, warm cache, ${processes} processes`,
      unit: 'ms',
      budget: { kind: 'added', most: 0.1 },
      direct,
      through,
    });
    bench.note(
      `owner of a program's first connection: ${cold.map((ms) => ms.toFixed(1)).join(', ')} ms (one a round)`,
    );
  } finally {
    for (const child of children) child.kill('SIGKILL');
    server.close();
  }
}
