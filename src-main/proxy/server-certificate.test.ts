import { once } from 'node:events';
import { type AddressInfo, createServer as createPlainServer, type Server } from 'node:net';
import { createServer } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { createTestKeys, dnsName, makeTestCertificate } from '../certificates/authority.fixture.ts';
import { fetchServerCertificate } from './server-certificate.ts';
import { createDialer } from './upstream.ts';

const keys = createTestKeys();
let server: Server | undefined;
afterEach(() => {
  server?.close();
});

async function listen(started: Server): Promise<number> {
  server = started.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const fetch = (port: number, changes = {}) =>
  fetchServerCertificate({
    host: '127.0.0.1',
    port,
    dial: createDialer(),
    sourcePorts: undefined,
    isOwnEndpoint: () => false,
    timeoutMs: 5_000,
    ...changes,
  });

test('shows the certificate of a server, whoever signed it and for whatever name', async () => {
  const { certPem, keyPem } = makeTestCertificate({
    keys: keys('ec'),
    subject: 'mail.example.org',
    names: [dnsName('mail.example.org')],
    notAfter: new Date('2020-01-01T00:00:00Z'),
    notBefore: new Date('2019-01-01T00:00:00Z'),
  });
  const asked: (string | undefined)[] = [];
  const port = await listen(
    createServer({
      cert: certPem,
      key: keyPem,
      SNICallback: (name, done) => {
        asked.push(name);
        done(null);
      },
    }),
  );
  const shown = await fetch(port);
  expect(shown.ok && shown.facts).toMatchObject({
    subject: 'CN=mail.example.org',
    names: ['mail.example.org'],
    notAfter: '2020-01-01T00:00:00.000Z',
  });
  // An address is no name.
  expect(asked).toEqual([]);
  expect(await fetch(port, { host: 'localhost' })).toEqual(shown);
  expect(asked).toEqual(['localhost']);
});

test('says that a server speaks no TLS, or ends at once, or never answers', async () => {
  expect(await fetch(await listen(createPlainServer((socket) => socket.end('* OK ready\r\n'))))).toEqual({
    ok: false,
    reason: 'no-tls',
  });
  server?.close();
  expect(await fetch(await listen(createPlainServer((socket) => socket.destroy())))).toEqual({
    ok: false,
    reason: 'no-tls',
  });
  server?.close();
  const silent = createPlainServer((socket) => socket.on('error', () => socket.destroy()).resume());
  expect(await fetch(await listen(silent), { timeoutMs: 50 })).toEqual({ ok: false, reason: 'no-tls' });
});

test('says that nobody is there, and never dials us', async () => {
  const port = await listen(createPlainServer());
  expect(await fetch(port, { isOwnEndpoint: () => true })).toEqual({ ok: false, reason: 'unreachable' });
  server?.close();
  expect(await fetch(port)).toEqual({ ok: false, reason: 'unreachable' });
});
