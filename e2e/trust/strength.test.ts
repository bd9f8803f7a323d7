// TLS through Postern is nowhere weaker than without it: what a client offers against what a server takes, on both legs.
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Agreed } from '../support/bad-servers.ts';
import { makeDirectory } from '../support/directory.ts';
import { plainCase } from '../support/server-cases.ts';
import { outcomeOf, sClient } from '../support/tls-clients.ts';
import { type Matrix, startMatrix } from '../support/tls-matrix.ts';
import { missingTools } from '../support/tools.ts';

const missing = missingTools(['dovecot', 'openssl'], { root: true });

const aes128 = 'ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256';
const aes256 = 'ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384';
const chacha = 'ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-CHACHA20-POLY1305';
const suites = {
  aes128: 'TLS_AES_128_GCM_SHA256',
  aes256: 'TLS_AES_256_GCM_SHA384',
  chacha: 'TLS_CHACHA20_POLY1305_SHA256',
};

/** Options of s_client. */
const offers: Readonly<Record<string, readonly string[]>> = {
  everything: [],
  'TLS 1.2 alone': ['-tls1_2'],
  'TLS 1.3 alone': ['-tls1_3'],
  'AES-128 alone': ['-ciphersuites', suites.aes128, '-cipher', aes128],
  'AES-256 alone': ['-ciphersuites', suites.aes256, '-cipher', aes256],
  'ChaCha20 alone': ['-ciphersuites', suites.chacha, '-cipher', chacha],
  'AES-128 before AES-256': [
    '-ciphersuites',
    `${suites.aes128}:${suites.aes256}`,
    '-cipher',
    `${aes128}:${aes256}`,
  ],
  'RSA signatures alone': ['-sigalgs', 'rsa_pss_rsae_sha256:rsa_pkcs1_sha256'],
  'no forward secrecy': ['-tls1_2', '-cipher', 'AES256-GCM-SHA384'],
};

const servers = [
  plainCase({ id: 'any', title: 'anything' }),
  plainCase({ id: 'any-ecdsa', title: 'anything (ECDSA)', certificate: { key: 'ec' } }),
  plainCase({ id: 'v12', title: 'TLS 1.2 alone', tls: { maxVersion: 'TLSv1.2' } }),
  plainCase({ id: 'v13', title: 'TLS 1.3 alone', tls: { minVersion: 'TLSv1.3' } }),
  plainCase({ id: 'aes256', title: 'AES-256 alone', tls: { ciphers: `${suites.aes256}:${aes256}` } }),
  plainCase({ id: 'aes128', title: 'AES-128 alone', tls: { ciphers: `${suites.aes128}:${aes128}` } }),
  plainCase({ id: 'chacha', title: 'ChaCha20 alone', tls: { ciphers: `${suites.chacha}:${chacha}` } }),
];

/** Comparable numbers: TLS 1.3 over 1.2, forward secrecy over none, more bits over fewer. */
function strength({ version, cipher }: Agreed): { version: number; forwardSecrecy: number; bits: number } {
  return {
    version: Number(version.replace('TLSv', '')),
    forwardSecrecy: /^(?:TLS_|ECDHE|DHE)/.test(cipher) ? 1 : 0,
    bits: /256|CHACHA20/.test(cipher.replace(/SHA256$/, '')) ? 256 : 128,
  };
}

function expectNotWeaker(leg: Agreed, direct: Agreed, what: string): void {
  const [got, wanted] = [strength(leg), strength(direct)];
  const said = `${what}: ${leg.version} ${leg.cipher}; direct: ${direct.version} ${direct.cipher}`;
  expect(got.version, said).toBeGreaterThanOrEqual(wanted.version);
  expect(got.forwardSecrecy, said).toBeGreaterThanOrEqual(wanted.forwardSecrecy);
  expect(got.bits, said).toBeGreaterThanOrEqual(wanted.bits);
}

describe.skipIf(missing !== undefined)(
  `what a client offers, and what a server takes${missing ?? ''}`,
  () => {
    let directory: string;
    let matrix: Matrix;

    beforeAll(async () => {
      directory = makeDirectory('strength');
      matrix = await startMatrix(directory, servers);
    });
    afterAll(async () => {
      await matrix?.stop();
      rmSync(directory, { recursive: true, force: true });
    });

    const pairs = Object.keys(offers).flatMap((offer) => servers.map(({ id }) => ({ offer, id })));

    test.each(pairs)('client: $offer, server: $id', async ({ offer, id }) => {
      const server = matrix.servers.server(id);
      const options = ['-servername', server.serverCase.host, ...(offers[offer] ?? [])];
      const visit = async (port: number) => outcomeOf(await sClient(matrix.visit(server, port), options));
      const direct = await visit(server.ports.imaps);
      const directAgreed = server.agreed.at(-1);
      const through = matrix.portThrough(server, 'imaps');
      const tries = [await visit(through), await visit(through)];
      const [first, second] = tries;
      if (direct.kind === 'refused') {
        expect([first, second].map((each) => each?.kind)).toEqual(['refused', 'refused']);
        return;
      }
      const last = second?.kind === 'accepted' ? second : await visit(through);
      const serverLeg = server.agreed.at(-1);
      if (last.kind === 'refused' || !directAgreed || !serverLeg)
        throw new Error(`direct: ${JSON.stringify(direct)}; through: ${JSON.stringify([...tries, last])}`);
      const { version = '', cipher = '' } = last;
      expectNotWeaker({ version, cipher }, directAgreed, 'to the client');
      expectNotWeaker(serverLeg, directAgreed, 'to the server');
    });
  },
);
