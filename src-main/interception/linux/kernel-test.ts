// A connection from here that must come back to us through the kernel: whether the redirect does what its rules say, beside
// the firewalls, VPNs and conntrack zones of others. It goes to addresses that belong to nobody (RFC 5737, RFC 3849).
import { randomInt } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { type AddressRange, addressInRanges } from '../../contract/address-list.ts';
import type { Endpoint } from '../../contract/connection.ts';

/** A redirect that takes longer does not work; the kernel's own way takes well under a millisecond. */
const limitMs = 1_000;

/** Documentation networks; their last octets are chosen anew each time. `.77` is the walk through the protocols. */
const networks = { 4: ['192.0.2.', '198.51.100.', '203.0.113.'], 6: ['2001:db8::'] } as const;
const lastOctets = { from: 100, to: 250 };

/** No way leads out: the test says nothing, and is postponed. */
const noRoute = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'ENETDOWN', 'EAFNOSUPPORT']);

export type KernelTestResult =
  /** `refused`: by a rule of this machine, for nobody else can answer in the name of such an address. */
  | { readonly kind: 'passed' | 'refused' | 'no-route' | 'not-testable' }
  /** `detail`: what was seen, in English. */
  | { readonly kind: 'failed'; readonly detail: string };

export interface KernelTest {
  /** Tests the way of `family` on `port`; `excluded` addresses are not redirected and so not tested. */
  run(family: 4 | 6, port: number, excluded: readonly AddressRange[]): Promise<KernelTestResult>;
  /** Whether a connection that was accepted is a test's; it is then answered here. */
  take(socket: Socket, destination: Endpoint | undefined): boolean;
}

const keyOf = ({ address, port }: Endpoint) => `${address} ${port}`;

/** `dial` opens a connection without waiting for it. */
export function createKernelTest(
  dial: (to: { readonly host: string; readonly port: number }) => Socket = connect,
): KernelTest {
  /** Tests that wait, by where they went. */
  const waiting = new Map<string, () => void>();
  let unknownDestinations = 0;

  return {
    async run(family, port, excluded) {
      const last = randomInt(lastOctets.from, lastOctets.to);
      const address = networks[family]
        .map((network) => `${network}${last}`)
        .find((candidate) => !addressInRanges(candidate, excluded));
      if (address === undefined) return { kind: 'not-testable' };
      const unknownBefore = unknownDestinations;
      const { promise, resolve } = Promise.withResolvers<KernelTestResult>();
      const key = keyOf({ address, port });
      const timer = setTimeout(() => {
        // What has arrived in a busy moment is read first.
        setImmediate(() => {
          const isUnknown = unknownDestinations > unknownBefore;
          const detail = isUnknown
            ? 'it came without its destination: another conntrack zone'
            : 'it did not come through: a firewall, a VPN or a notrack rule';
          resolve({ kind: 'failed', detail });
        });
      }, limitMs);
      const socket = dial({ host: address, port });
      let isHere = false;
      waiting.set(key, () => {
        isHere = true;
      });
      socket.once('data', () => isHere && resolve({ kind: 'passed' }));
      socket.on('error', ({ code = '' }: NodeJS.ErrnoException) => {
        if (noRoute.has(code)) resolve({ kind: 'no-route' });
        else if (code === 'ECONNREFUSED') resolve({ kind: 'refused' });
        else if (unknownDestinations === unknownBefore)
          resolve({ kind: 'failed', detail: `it ended with ${code}` });
      });
      const result = await promise;
      clearTimeout(timer);
      waiting.delete(key);
      socket.destroy();
      return result;
    },
    take(socket, destination) {
      if (!destination) {
        unknownDestinations++;
        return false;
      }
      const arrived = waiting.get(keyOf(destination));
      if (!arrived) return false;
      // A firewall may let the first packet through and no answer: it counts when we were heard.
      socket.resume();
      socket.end('.');
      arrived();
      return true;
    },
  };
}
