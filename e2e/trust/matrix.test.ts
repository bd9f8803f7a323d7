// What is accepted and what is refused stays so: every server case by every client, directly and through Postern.
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeDirectory } from '../support/directory.ts';
import { serverCases } from '../support/server-cases.ts';
import { thunderbirdTools } from '../support/thunderbird.ts';
import { applies, type Matrix, type MatrixRow, startMatrix } from '../support/tls-matrix.ts';
import { missingTools } from '../support/tools.ts';

const missing = missingTools(['dovecot', 'openssl', 'curl', 'mbsync', 'mpop', 'unshare'], { root: true });
const withoutThunderbird = missingTools(thunderbirdTools);

/** Nothing is wrong with these: they are scanned from the first connection on. */
const scanned = new Set([
  'good',
  'ecdsa',
  'tls12',
  'tls12-ecdsa',
  'tls13',
  'chain',
  'wildcard',
  'idn',
  'address',
  'fifty-names',
  'staple-good',
]);

/**
 * Thunderbird takes seconds for each, so it meets those where NSS differs from OpenSSL and GnuTLS: it alone judges OCSP
 * answers among the clients that show people what is wrong, takes keys of 1,024 bits, has names and alerts of its own.
 */
const forThunderbird = ['good', 'unknown', 'revoked', 'must-staple', 'weak-key', 'rsa-exchange'];

function expectSameVerdict({ serverCase, client, direct, through }: MatrixRow): void {
  const said = { client: client.id, direct, through };
  if (direct.kind === 'refused') {
    expect(
      through.filter(({ kind }) => kind === 'accepted'),
      JSON.stringify(said),
    ).toEqual([]);
  } else {
    expect(through.at(-1), JSON.stringify(said)).toMatchObject({ kind: 'accepted' });
    if (scanned.has(serverCase.id))
      expect(through, JSON.stringify(said)).toMatchObject([
        { kind: 'accepted', scanned: true },
        { kind: 'accepted', scanned: true },
      ]);
  }
}

describe.skipIf(missing !== undefined)(`servers good and bad, by every client${missing ?? ''}`, () => {
  let directory: string;
  let matrix: Matrix;

  beforeAll(async () => {
    directory = makeDirectory('matrix');
    matrix = await startMatrix(directory);
  });
  afterAll(async () => {
    await matrix?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const row = async (caseId: string, clientId: string) => {
    const client = matrix.clients.find(({ id }) => id === clientId);
    if (!client) throw new Error(`no client ${clientId}`);
    return await matrix.row(matrix.servers.server(caseId), client);
  };

  test.each(serverCases)('$title', async (serverCase) => {
    for (const client of matrix.clients)
      if (client.id !== 'thunderbird' && applies(client, serverCase))
        expectSameVerdict(await row(serverCase.id, client.id));
  });

  test.skipIf(withoutThunderbird !== undefined).each(forThunderbird)(
    `Thunderbird: %s${withoutThunderbird ?? ''}`,
    async (id) => expectSameVerdict(await row(id, 'thunderbird')),
  );

  test('a client with a certificate of its own comes through to a server that needs one', async () => {
    for (const id of ['needs-12', 'needs-13'])
      expect((await row(id, 'curl-certificate')).through.at(-1)).toEqual({
        kind: 'accepted',
        scanned: false,
      });
  });
});
