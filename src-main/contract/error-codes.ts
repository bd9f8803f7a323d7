// Every expected failure that crosses a room, as a code. The words for people live in the locales,
// under the key `error.<code>`; a code without words fails the check.

export const errorCodes = [
  // interception
  'no-privilege',
  'no-nft',
  'nft-failed',
  'intercept-off',
  'listener-busy',
  'listener-failed',
  'protection-off',
  'original-destination-unavailable',
  'helper-missing',
  'helper-outdated',
  'helper-denied',
  'helper-failed',
  'table-taken',
  'system-core-running',
  'port-denied',
  'self-test-failed',
  'greetings-unseen',
  'mail-blocked',
  // connections
  'upstream-refused',
  'upstream-unreachable',
  'upstream-timeout',
  'upstream-own-endpoint',
  'too-many-connections',
  'upstream-tls-failed',
  'upstream-certificate-expired',
  'upstream-certificate-name-mismatch',
  'upstream-certificate-untrusted',
  'client-tls-failed',
  'client-vanished',
  'server-vanished',
  'line-too-long',
  'literal-too-large',
  'protocol-violation',
  'tls-injection',
  // messages
  'quarantine-failed',
  'spool-failed',
  'scan-failed',
  // settings
  'settings-unreadable',
  'settings-newer-version',
  'settings-section-invalid',
  'settings-not-saved',
  // requests
  'not-found',
  'invalid-input',
  'already-running',
  'not-running',
] as const;

export type ErrorCode = (typeof errorCodes)[number];
