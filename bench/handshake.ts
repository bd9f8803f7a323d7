// What Postern adds to a TLS handshake once the server's certificate is known: a handshake with the server, and one with the
// client by a certificate that is minted already.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect, createSecureContext, type SecureContext } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { freePort, startCore } from '../e2e/support/core.ts';
import type { Bench } from './bench.ts';

const handshakes = 1_000;

/** One handshake of its own and one more, which costs up to 1.6 times as much: it waits for the first. */
const most = 2.6;

/** Milliseconds from the connection's begin to the end of its handshake. Says goodbye, as a client that took it does. */
async function handshake(port: number, secureContext: SecureContext): Promise<number> {
  const startedMs = performance.now();
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', secureContext });
  await once(socket, 'secureConnect');
  const tookMs = performance.now() - startedMs;
  await once(socket, 'data');
  socket.end('a LOGOUT\r\n').resume();
  await once(socket, 'close');
  return tookMs;
}

async function portOf(server: ChildProcess): Promise<number> {
  if (!server.stdout) throw new Error('the server has no output');
  const [line] = await once(createInterface({ input: server.stdout }), 'line');
  return Number(line);
}

export async function benchHandshake(bench: Bench): Promise<void> {
  const { directory, certificates } = bench;
  const { certPath, keyPath } = certificates.server;
  const program = fileURLToPath(new URL('./greeting-server.ts', import.meta.url));
  const server = spawn(process.execPath, [program, certPath, keyPath], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const upstream = await portOf(server);
    const local = await freePort();
    const core = await startCore({
      args: [
        ...['--data-dir', join(directory, 'data'), '--intercept', 'off', '--console', 'off'],
        ...['--upstream-ca', certificates.caPath, '--listen', `${local}=127.0.0.1:${upstream}/imaps`],
      ],
    });
    try {
      const [direct, through]: [number[], number[]] = [[], []];
      const ways = [
        {
          into: direct,
          port: upstream,
          context: createSecureContext({ ca: readFileSync(certificates.caPath) }),
        },
        { into: through, port: local, context: createSecureContext({ ca: readFileSync(core.ready.ca) }) },
      ];
      for (const { port, context } of ways) await handshake(port, context);
      for (let i = 0; i < handshakes; i++)
        for (const { into, port, context } of i % 2 === 0 ? ways : ways.toReversed())
          into.push(await handshake(port, context));
      bench.add({
        name: `TLS handshake, ${handshakes} in turn`,
        unit: 'ms',
        budget: { kind: 'ratio', most },
        direct,
        through,
      });
    } finally {
      await core.stop();
    }
  } finally {
    server.kill('SIGTERM');
  }
}
