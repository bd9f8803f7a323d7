import { expect, it } from 'vitest';
import { protectionLook, unopenedProtocols } from './protection-look.ts';
import { quietState } from './state.fixture.ts';

const { settings } = quietState;
const withoutTls = { ...settings, tls: { ...settings.tls, enabled: false } };

it('protects only in part what passes inside TLS while SSL/TLS is off', () => {
  expect(protectionLook(quietState)).toBe('protected');
  expect(protectionLook({ ...quietState, settings: withoutTls })).toBe('partly');
  expect(unopenedProtocols(withoutTls)).toEqual(['IMAPS', 'POP3S']);
});

it('misses nothing inside TLS that is not to be scanned', () => {
  const plainOnly = {
    ...withoutTls,
    mailTransport: { ...settings.mailTransport, scanImaps: false, scanPop3s: false },
  };
  expect(unopenedProtocols(plainOnly)).toEqual([]);
  expect(protectionLook({ ...quietState, settings: plainOnly })).toBe('protected');
});
