// Tells when the addresses of this machine change: a VPN comes up, a cable is pulled, a network is joined. Asked every few
// seconds, at a tenth of a millisecond; the kernel's own messages (rtnetlink) are not within reach of Node.
import { networkInterfaces } from 'node:os';

const lookMs = 3_000;

/** The addresses that machines outside can see, as text that changes with them. */
export function currentAddresses(interfaces = networkInterfaces): string {
  return Object.entries(interfaces())
    .flatMap(([name, addresses]) =>
      (addresses ?? []).filter((each) => !each.internal).map((each) => `${name} ${each.cidr}`),
    )
    .sort()
    .join('\n');
}

/** Whether one of the addresses is IPv6 and not of one link alone. */
export function hasGlobalIpv6(interfaces = networkInterfaces): boolean {
  return Object.values(interfaces()).some((addresses) =>
    addresses?.some((each) => each.family === 'IPv6' && !each.internal && each.scopeid === 0),
  );
}

export interface NetworkWatchOptions {
  readonly onChange: () => void;
  readonly addresses?: () => string;
}

/** Calls back until the returned function is called. Keeps no process alive. */
export function watchNetwork({ onChange, addresses = currentAddresses }: NetworkWatchOptions): () => void {
  let before = addresses();
  const timer = setInterval(() => {
    const now = addresses();
    if (now === before) return;
    before = now;
    onChange();
  }, lookMs).unref();
  return () => clearInterval(timer);
}
