// Both ways to a core, from the page's end: the same calls, and the same end.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/message-port';
import { implement } from '@orpc/server';
import { expect, test } from 'vitest';
import { api } from '../../contract/api.ts';
import { quietState } from '../../contract/state.fixture.ts';
import type { CallContext } from '../../core/handlers.ts';
import type { CoreClient } from '../core-socket.ts';
import { startSocketCore } from './core.fixture.ts';
import { attachedCore, type CoreAccess, ownCore } from './core-access.ts';
import { windowPortOf } from './window-port.fixture.ts';

const { signal } = new AbortController();

/** A core of this process: how it was asked, and how often it was stopped. */
function ownAccess() {
  const vias: string[] = [];
  let stops = 0;
  const os = implement(api).$context<CallContext>();
  const router = {
    state: {
      get: os.state.get.handler(({ context }) => {
        vias.push(context.via);
        return { revision: 1, state: quietState };
      }),
      watch: os.state.watch.handler(async function* () {
        yield { revision: 2, patch: { openConnections: 4 } };
      }),
    },
  };
  const access = ownCore({
    core: { router } as unknown as Parameters<typeof ownCore>[0]['core'],
    async stop() {
      stops++;
    },
  });
  return { access, vias, stops: () => stops };
}

function pageOf(access: CoreAccess) {
  const { port1, port2 } = new MessageChannel();
  access.serve(windowPortOf(port1));
  return { port: port2, client: createORPCClient<CoreClient>(new RPCLink({ port: port2 })) };
}

test('a core of our own answers the page and this process as a window', async () => {
  const { access, vias } = ownAccess();
  const { client } = pageOf(access);
  expect((await client.state.get()).revision).toBe(1);
  const updates = await client.state.watch();
  expect((await updates.next()).value).toEqual({ revision: 2, patch: { openConnections: 4 } });
  expect(await (await access.dial(signal))?.state.get()).toMatchObject({ revision: 1 });
  expect(vias).toEqual(['window', 'window']);
});

test.each([['{'], ['null'], ['"x"'], ['[]'], [{}], [{ i: '1' }], [null], [7]])(
  'a page that says %j loses its port, and nothing else happens',
  async (nonsense) => {
    const { access } = ownAccess();
    const { port } = pageOf(access);
    const closed = once(port, 'close');
    port.postMessage(nonsense);
    await closed;
    expect(await pageOf(access).client.state.get()).toMatchObject({ revision: 1 });
  },
);

test('a core of our own is stopped once', async () => {
  const { access, stops } = ownAccess();
  await Promise.all([access.stop(), access.stop()]);
  expect(stops()).toBe(1);
});

test("the system's core answers the page and this process, and is not stopped", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-access-'));
  const path = join(folder, 'core.sock');
  const core = await startSocketCore(path, { openConnections: 9 });
  const access = attachedCore(path);
  const { port, client } = pageOf(access);
  expect((await client.state.get()).state.openConnections).toBe(9);
  const hangUp = new AbortController();
  const own = await access.dial(hangUp.signal);
  expect((await own?.state.get())?.state.openConnections).toBe(9);
  await access.stop();
  expect((await client.state.get()).state.openConnections).toBe(9);
  hangUp.abort();
  port.close();
  await core.stop();
  rmSync(folder, { recursive: true, force: true });
});
