import { expect, test } from 'vitest';
import { sourceAddressFor } from './source-address.ts';

test.each([
  ['192.0.2.5', '198.51.100.7', '192.0.2.5'],
  ['2001:db8::5', '2001:db8:1::7', '2001:db8::5'],
  ['127.0.0.1', '127.0.0.2', '127.0.0.1'],
  ['::1', '::1', '::1'],
  // A program may bind an address of its own and speak to a bridge on loopback.
  ['192.0.2.5', '127.0.0.1', '192.0.2.5'],
  ['127.0.0.1', '198.51.100.7', undefined],
  ['::1', '2001:db8::7', undefined],
  ['fe80::1', 'fe80::2', undefined],
  ['192.0.2.5', '2001:db8::7', undefined],
  ['192.0.2.5', 'mail.example.org', undefined],
  [undefined, '198.51.100.7', undefined],
  ['', '198.51.100.7', undefined],
])('a client at %s to %s: %s', (client, destination, expected) => {
  expect(sourceAddressFor(client, destination)).toBe(expected);
});
