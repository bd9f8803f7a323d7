// Fixed local listeners: each stands for one mail server, and needs no privilege. A port here is open to every program of
// this machine and to nobody else, and gives no more than the server behind it would.
import { isIPv6, type Socket } from 'node:net';
import type { ConnectionOwner, Endpoint, MailProtocol } from '../contract/connection.ts';
import { mailProtocolSchema } from '../contract/connection.ts';
import { type Listener, listen } from './accepting.ts';
import type { ConnectionHandler } from './backend.ts';

export interface FixedListener {
  readonly localPort: number;
  /** Name or address of the server, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly protocol: MailProtocol;
}

export type FixedListenerResult =
  | { readonly ok: true; readonly listener: FixedListener }
  | { readonly ok: false };

/** RFC 1035 §2.3.4. */
const maxHostChars = 253;

const listenHost = '127.0.0.1';

function portOf(text: string): number | undefined {
  const port = Number(text);
  return port >= 1 && port <= 65_535 ? port : undefined;
}

/** Parses `LOCALPORT=HOST:PORT/PROTOCOL`, such as `1993=imap.example.org:993/imaps` or `1143=[2001:db8::1]:143/imap`. */
export function parseFixedListener(text: string): FixedListenerResult {
  const pieces = /^(\d{1,5})=(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})\/([a-z0-9]+)$/.exec(
    text.trim(),
  );
  const [, local = '', ipv6, name, remote = '', spoken] = pieces ?? [];
  const [localPort, port] = [portOf(local), portOf(remote)];
  const host = ipv6 ?? name;
  const protocol = mailProtocolSchema.safeParse(spoken);
  const wellFormed = ipv6 === undefined ? name !== undefined && name.length <= maxHostChars : isIPv6(ipv6);
  if (!localPort || !port || host === undefined || !wellFormed || !protocol.success) return { ok: false };
  return { ok: true, listener: { localPort, host, port, protocol: protocol.data } };
}

export interface FixedListenersOptions {
  readonly onConnection: ConnectionHandler;
  /** The program that connects `local` to `remote`. */
  readonly findOwner: (local: Endpoint, remote: Endpoint) => Promise<ConnectionOwner | undefined>;
}

export interface FixedListeners {
  readonly opened: readonly FixedListener[];
  readonly failed: readonly {
    readonly listener: FixedListener;
    readonly reason: 'listener-busy' | 'listener-failed';
  }[];
  /** Accepts no more; connections that were handed on live on. May be called twice. */
  stop(): Promise<void>;
}

/** Opens them all on 127.0.0.1; one that can't be opened does not keep the others. */
export async function openFixedListeners(
  listeners: readonly FixedListener[],
  { onConnection, findOwner }: FixedListenersOptions,
): Promise<FixedListeners> {
  const waiting = new Set<Socket>();
  const open: Listener[] = [];
  const opened: FixedListener[] = [];
  const failed: { listener: FixedListener; reason: 'listener-busy' | 'listener-failed' }[] = [];

  async function accept(socket: Socket, listener: FixedListener): Promise<void> {
    const { remoteAddress: address, remotePort: port } = socket;
    waiting.add(socket);
    const owner =
      address === undefined || port === undefined
        ? undefined
        : await findOwner({ address, port }, { address: listenHost, port: listener.localPort });
    waiting.delete(socket);
    if (socket.destroyed) return;
    onConnection({
      socket,
      destination: { address: listener.host, port: listener.port },
      owner,
    });
  }

  for (const listener of listeners) {
    const result = await listen(listenHost, listener.localPort, (socket) => void accept(socket, listener));
    if (result.ok) {
      open.push(result.listener);
      opened.push(listener);
    } else {
      failed.push({ listener, reason: result.reason });
    }
  }
  return {
    opened,
    failed,
    async stop() {
      for (const each of open) each.close();
      for (const socket of waiting) socket.destroy();
    },
  };
}
