// Clients that refuse Postern's certificate: the first connection fails, the next one goes to the server itself, unopened,
// and it is said which program, which server and why. `postern trust forget` takes it back.

import { execFile } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { State } from '../../src-main/contract/state.ts';
import type { BadServer } from '../support/bad-servers.ts';
import { postern } from '../support/core.ts';
import { makeDirectory } from '../support/directory.ts';
import { serverCases } from '../support/server-cases.ts';
import type { Outcome, TlsClient } from '../support/tls-clients.ts';
import { type Matrix, startMatrix } from '../support/tls-matrix.ts';
import { missingTools } from '../support/tools.ts';

const run = promisify(execFile);
const pinClient = resolve(import.meta.dirname, '../support/pin-client.ts');
const missing = missingTools(['dovecot', 'openssl', 'curl', 'mbsync', 'mpop', 'unshare'], { root: true });

describe.skipIf(missing !== undefined)(`clients that refuse our certificate${missing ?? ''}`, () => {
  let directory: string;
  let matrix: Matrix;
  let good: BadServer;

  beforeAll(async () => {
    directory = makeDirectory('refusals');
    matrix = await startMatrix(
      directory,
      serverCases.filter(({ id }) => ['good', 'tls12', 'expired'].includes(id)),
    );
    good = matrix.servers.server('good');
  });
  afterAll(async () => {
    await matrix?.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  beforeEach(() => postern(matrix.core.ready.dataDir, 'trust', 'forget'));

  const status = () => JSON.parse(postern(matrix.core.ready.dataDir, 'status', '--json').toString()) as State;
  const relays = () => status().trust.relays;

  async function pinned(server: BadServer, manner: string): Promise<string> {
    const certificate = new X509Certificate(server.certificatePem);
    const sha256 = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
    const port = matrix.portThrough(server, 'imaps');
    const program = [pinClient, String(port), server.serverCase.host, sha256, manner];
    const { stdout } = await run(process.execPath, program);
    await matrix.settled();
    return stdout.trim();
  }

  describe.each(['good', 'tls12'])('pinned, server: %s', (id) => {
    test.each(['end', 'destroy', 'reset'])('leaves by %s after the handshake', async (manner) => {
      const server = matrix.servers.server(id);
      expect(await pinned(server, manner)).toBe('left');
      expect(await pinned(server, manner)).toMatch(/^taken \* OK/);
      expect(relays()).toMatchObject([
        {
          program: expect.stringContaining('pin-client.ts'),
          server: server.serverCase.host,
          port: server.ports.imaps,
          reason: 'certificate-refused',
        },
      ]);
      expect(status().counters.relayedByReason['certificate-refused']).toBeGreaterThan(0);
      postern(matrix.core.ready.dataDir, 'trust', 'forget');
      expect(relays()).toEqual([]);
      expect(await pinned(server, manner)).toBe('left');
    });
  });

  test('curl with a pinned key', async () => {
    const key = new X509Certificate(good.certificatePem).publicKey.export({ type: 'spki', format: 'der' });
    const pin = `sha256//${createHash('sha256').update(key).digest('base64')}`;
    const port = matrix.portThrough(good, 'imaps');
    const args = [
      '-sS',
      '-k',
      '--pinnedpubkey',
      pin,
      '--resolve',
      `${good.serverCase.host}:${port}:127.0.0.1`,
    ];
    const curl = () =>
      run('curl', [
        ...args,
        '-u',
        'alice:secret',
        `imaps://${good.serverCase.host}:${port}/INBOX`,
        '-X',
        'NOOP',
      ]);
    await expect(curl()).rejects.toThrow(/curl: \(90\)/);
    await matrix.settled();
    await curl();
    expect(relays()).toMatchObject([
      { program: expect.stringMatching(/curl$/), reason: 'certificate-refused' },
    ]);
  });

  const through = (server: BadServer, client: TlsClient) =>
    matrix.visit(server, matrix.portThrough(server, client.protocol));
  /** Trusts the servers' authority alone. */
  async function withoutOurRoot(server: BadServer, client: TlsClient): Promise<Outcome> {
    const { caPath } = matrix.servers.authority;
    const outcome = await client.visit({ ...through(server, client), caPath });
    await matrix.settled();
    return outcome;
  }
  const clientNamed = (id: string) => {
    const client = matrix.clients.find((each) => each.id === id);
    if (!client) throw new Error(`no client ${id}`);
    return client;
  };

  test.each(['curl', 's_client', 'mbsync', 'mpop', 'imapflow'])('%s without our root', async (id) => {
    const client = clientNamed(id);
    expect(await withoutOurRoot(good, client)).toMatchObject({ kind: 'refused' });
    expect(await withoutOurRoot(good, client)).toMatchObject({
      kind: 'accepted',
      scanned: false,
    });
    expect(relays()).toMatchObject([
      { server: good.serverCase.host, port: good.ports[client.protocol], reason: 'certificate-refused' },
    ]);
    postern(matrix.core.ready.dataDir, 'trust', 'forget');
    expect(await withoutOurRoot(good, client)).toMatchObject({ kind: 'refused' });
  });

  test('one program without our root takes nothing from the others', async () => {
    const curl = clientNamed('curl');
    await withoutOurRoot(good, curl);
    const mbsync = clientNamed('mbsync');
    expect(await mbsync.visit(through(good, mbsync))).toMatchObject({ kind: 'accepted', scanned: true });
  });

  test('the untrusted certificate of a bad server is refused, then the server itself is', async () => {
    const server = matrix.servers.server('expired');
    const curl = clientNamed('curl');
    const visit = () => curl.visit(through(server, curl));
    expect(await visit()).toMatchObject({ kind: 'refused' });
    await matrix.settled();
    expect(relays()).toMatchObject([{ reason: 'untrusted-certificate-refused' }]);
    expect(await visit()).toMatchObject({
      kind: 'refused',
      words: expect.stringContaining('certificate has expired'),
    });
  });
});
