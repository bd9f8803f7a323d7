// A client of a core behind a unix socket: the WebSocket on it, and the calls of the contract on that.
import { connect } from 'node:net';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import type { ContractRouterClient } from '@orpc/contract';
import { type ClientOptions, WebSocket } from 'ws';
import type { api } from '../contract/api.ts';

export type CoreClient = ContractRouterClient<typeof api>;

/** Begins a WebSocket to the core behind a unix socket. */
export function openCoreSocket(path: string, options: ClientOptions = {}): WebSocket {
  // Not ws's own `ws+unix:` address: a path may hold ":", "?" or "#".
  return new WebSocket('ws://localhost/rpc', { ...options, createConnection: () => connect({ path }) });
}

/** The calls on an open WebSocket. They fail once it ends. */
export function coreClientOn(socket: WebSocket): CoreClient {
  // `ws` has the four members of the browser's WebSocket that the link uses, under wider types.
  const websocket = socket as unknown as ConstructorParameters<typeof RPCLink>[0]['websocket'];
  return createORPCClient<CoreClient>(new RPCLink({ websocket }));
}
