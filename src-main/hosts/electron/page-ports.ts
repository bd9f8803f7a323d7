// Sees to it that the page always has one port to the core that it has not used yet: it takes one when it begins, and
// one more whenever a connection has ended under it.
import type { WindowPort } from './port-bridge.ts';

export interface PagePortParts<Theirs> {
  readonly openChannel: () => { readonly ours: WindowPort; readonly theirs: Theirs };
  /** Answers what comes on the port, and starts it. */
  readonly serve: (port: WindowPort) => void;
  /** Hands the other end to the page; `false`: there is no page any more. */
  readonly post: (port: Theirs) => boolean;
}

/** Offers a port to a page that has just begun, and the next one at the first use of each. */
export function offerPorts<Theirs>(parts: PagePortParts<Theirs>): void {
  const { ours, theirs } = parts.openChannel();
  if (!parts.post(theirs)) {
    ours.close();
    return;
  }
  let isUsed = false;
  ours.on('message', () => {
    if (isUsed) return;
    isUsed = true;
    offerPorts(parts);
  });
  parts.serve(ours);
}
