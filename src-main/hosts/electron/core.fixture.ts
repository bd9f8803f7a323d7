// A core on a unix socket for the tests of whoever attaches to one: its state, and nothing else of the contract.
import { EventPublisher, implement } from '@orpc/server';
import { RPCHandler } from '@orpc/server/ws';
import { api } from '../../contract/api.ts';
import { quietState } from '../../contract/state.fixture.ts';
import type { State, StatePatch, StateUpdate } from '../../contract/state.ts';
import type { CallContext } from '../../core/handlers.ts';
import { createCallServer } from '../headless/rpc.ts';
import { startSocketServer } from '../headless/socket-server.ts';

export interface SocketCore {
  change(patch: StatePatch): void;
  /** Ends every connection, as a core that dies does. */
  stop(): Promise<void>;
}

export async function startSocketCore(path: string, initial: StatePatch = {}): Promise<SocketCore> {
  let state: State = { ...quietState, ...initial };
  let revision = 1;
  const publisher = new EventPublisher<{ update: StateUpdate }>();
  const os = implement(api).$context<CallContext>();
  const router = {
    state: {
      get: os.state.get.handler(() => ({ revision, state })),
      watch: os.state.watch.handler(({ signal }) => publisher.subscribe('update', { signal })),
    },
  };
  const server = await startSocketServer(path, createCallServer(new RPCHandler(router)));
  return {
    change(patch) {
      state = { ...state, ...patch };
      revision++;
      publisher.publish('update', { revision, patch });
    },
    stop: () => server.stop(),
  };
}
