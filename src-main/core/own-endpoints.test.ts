import { expect, test } from 'vitest';
import { isOneOf } from './own-endpoints.ts';

const own = [{ address: '127.0.0.1', port: 1993 }];

test.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '0.0.0.0', '::'])(
  '%s reaches our listener',
  (address) => {
    expect(isOneOf({ address, port: 1993 }, own)).toBe(true);
    expect(isOneOf({ address, port: 993 }, own)).toBe(false);
  },
);

test.each(['192.0.2.1', '2001:db8::1', 'localhost', '128.0.0.1', ''])('%s does not', (address) => {
  expect(isOneOf({ address, port: 1993 }, own)).toBe(false);
});
