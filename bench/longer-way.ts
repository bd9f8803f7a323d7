// The same mailboxes over a way that takes 50 ms there and back: between the client and the server when direct, between
// Postern and the server when through it. Counts what comes from the server: each message shall come once.
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { mbsync } from '../e2e/support/clients.ts';
import { freePort, startCore } from '../e2e/support/core.ts';
import { startMailServer } from '../e2e/support/dovecot.ts';
import { startRelay } from '../e2e/support/relay.ts';
import { type Bench, type Budget, scanEachRound } from './bench.ts';
import { bigName, curlBig, mailboxes, smallName } from './fixed-listener.ts';

const oneWayMs = 25;
const budget: Budget = { kind: 'ratio', most: 1.1 };

export async function benchLongerWay(bench: Bench): Promise<void> {
  const { directory, certificates } = bench;
  const mail = join(directory, 'mail');
  mkdirSync(mail);
  const server = await startMailServer({
    directory: mail,
    certificate: certificates.server,
    users: mailboxes(),
  });
  const relay = await startRelay({ target: server.ports.imaps, delayMs: oneWayMs });
  const local = await freePort();
  const options = ['--intercept', 'off', '--console', 'off', '--upstream-ca', certificates.caPath];
  const listen = ['--listen', `${local}=127.0.0.1:${relay.port}/imaps`];
  const core = await startCore({
    args: ['--data-dir', join(directory, 'data'), ...options, ...scanEachRound, ...listen],
  });
  /** Compares one task at both ports, and notes what the relay counted in the last round of each. */
  const compare = async (name: string, fetchAll: (port: number, caPath: string) => Promise<void>) => {
    const last = { direct: 0, through: 0 };
    const counted = (side: keyof typeof last, port: number, caPath: string) => async () => {
      const before = relay.octets().down;
      await fetchAll(port, caPath);
      last[side] = relay.octets().down - before;
    };
    await bench.compare(
      `${name}, 50 ms away`,
      budget,
      counted('direct', relay.port, certificates.caPath),
      counted('through', local, core.ready.ca),
    );
    const { direct, through } = last;
    bench.note(
      `${name}: octets from the server ${direct} direct, ${through} through Postern: ${(through / direct).toFixed(3)} ×`,
    );
  };
  try {
    await compare(smallName, async (port, caPath) => {
      const own = mkdtempSync(join(directory, 'mbsync-'));
      await mbsync({ host: 'localhost', port, transport: 'tls', user: 'small', caPath, directory: own });
    });
    await compare(bigName, (port, caPath) => curlBig('localhost', port, caPath));
  } finally {
    await core.stop();
    await relay.stop();
    await server.stop();
  }
}
