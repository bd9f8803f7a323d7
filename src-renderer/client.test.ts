import { implement, os } from '@orpc/server';
import { RPCHandler as PortHandler } from '@orpc/server/message-port';
import { RPCHandler as SocketHandler } from '@orpc/server/ws';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { api } from '../src-main/contract/api.ts';
import { defaultSettings } from '../src-main/contract/settings.ts';
import { messagePortDial, webSocketDial } from './client.ts';

// One procedure is enough to know that the way there and back is open.
const router = os.router({
  settings: { get: implement(api).settings.get.handler(() => defaultSettings) },
});
const never = new AbortController().signal;

describe('over a WebSocket', () => {
  const servers: WebSocketServer[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      for (const socket of server.clients) socket.terminate();
      server.close();
    }
  });

  async function serve(): Promise<{ readonly url: URL; readonly server: WebSocketServer }> {
    const handler = new SocketHandler(router);
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    servers.push(server);
    server.on('connection', (socket) => void handler.upgrade(socket));
    await new Promise((done) => server.once('listening', done));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return { url: new URL(`ws://127.0.0.1:${port}/rpc`), server };
  }

  it('reaches the core', async () => {
    const { url } = await serve();
    const client = await webSocketDial(url)(never);
    expect(await client?.settings.get()).toEqual(defaultSettings);
  });

  it('says so when nobody is there', async () => {
    const { url, server } = await serve();
    await new Promise((done) => server.close(done));
    expect(await webSocketDial(url)(never)).toBeUndefined();
  });

  it('fails calls once the connection is gone', async () => {
    const { url, server } = await serve();
    const client = await webSocketDial(url)(never);
    for (const socket of server.clients) socket.terminate();
    await expect(client?.settings.get()).rejects.toThrow();
  });
});

describe('over a port from the preload', () => {
  /** A page as far as dialling knows it; ports made for it are closed after the test. */
  const ports: MessagePort[] = [];
  afterEach(() => {
    for (const port of ports.splice(0)) port.close();
  });

  function servedPort(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    ports.push(port1, port2);
    new PortHandler(router).upgrade(port1);
    port1.start();
    return port2;
  }

  function fakePage() {
    const target = new EventTarget();
    // Only listening is used.
    const page = target as unknown as Window;
    const post = (data: unknown, source: unknown, transferred: readonly MessagePort[]) =>
      target.dispatchEvent(Object.assign(new Event('message'), { data, source, ports: transferred }));
    return { page, post };
  }

  it('reaches the core, also when the port came before the dial', async () => {
    const { page, post } = fakePage();
    const dial = messagePortDial(page);
    post('postern-port', page, [servedPort()]);
    expect(await (await dial(never))?.settings.get()).toEqual(defaultSettings);
  });

  it('waits for the next port with the next dial', async () => {
    const { page, post } = fakePage();
    const dial = messagePortDial(page);
    post('postern-port', page, [servedPort()]);
    await dial(never);
    const second = dial(never);
    post('postern-port', page, [servedPort()]);
    expect(await (await second)?.settings.get()).toEqual(defaultSettings);
  });

  it('takes no port from another window, under another name, or none at all', async () => {
    const { page, post } = fakePage();
    const stop = new AbortController();
    const dialled = messagePortDial(page)(stop.signal);
    post('postern-port', fakePage().page, [servedPort()]);
    post('other', page, [servedPort()]);
    post('postern-port', page, []);
    stop.abort();
    expect(await dialled).toBeUndefined();
  });
});
