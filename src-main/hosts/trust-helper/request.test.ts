import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { foreignRoot, ownRoot } from './authority.fixture.ts';
import { requestOf } from './request.ts';

const now = new Date();
const parse = (request: object) => requestOf(Buffer.from(JSON.stringify(request)), now);

test.each(['install', 'remove'] as const)('%s of a root of ours, for either store', (action) => {
  const certificate = ownRoot();
  const { fingerprint256 } = new X509Certificate(certificate);
  const id = fingerprint256.replaceAll(':', '').toLowerCase().slice(0, 16);
  for (const store of ['system', 'thunderbird-policy']) {
    expect(parse({ action, store, certificate })).toMatchObject({
      action,
      store,
      authority: { pem: certificate, id },
    });
  }
});

test('whatever made it, an authority of this shape is one of ours', () => {
  expect(parse({ action: 'install', store: 'system', certificate: foreignRoot() })).toMatchObject({
    action: 'install',
  });
});

test('a name of 64 letters beyond ASCII', () => {
  const certificate = ownRoot(10, 'ø'.repeat(64));
  expect(parse({ action: 'install', store: 'system', certificate })).toMatchObject({ action: 'install' });
});

test('what has ended is taken out, and not put in', () => {
  const certificate = ownRoot(-1);
  expect(parse({ action: 'install', store: 'system', certificate })).toEqual({
    problem: 'the certificate has ended',
  });
  expect(parse({ action: 'remove', store: 'system', certificate })).toMatchObject({ action: 'remove' });
});
