import { describe, expect, test } from 'vitest';
import { createConsoleAuth, maxSessions, maxTokens, sessionLifetimeMs, tokenLifetimeMs } from './auth.ts';

function authAt(start = 0) {
  let time = start;
  let count = 0;
  const auth = createConsoleAuth({
    now: () => time,
    randomBytes: (size) => {
      const bytes = Buffer.alloc(size);
      bytes.writeUInt32BE(++count);
      return bytes;
    },
  });
  return { auth, pass: (ms: number) => (time += ms) };
}

describe('a one-time token', () => {
  test('opens a session once', () => {
    const { auth } = authAt();
    const token = auth.issueToken();
    const session = auth.redeem(token);
    expect(session?.expiresAt).toBe(sessionLifetimeMs);
    expect(auth.sessionEnd(session?.secret ?? '')).toBe(sessionLifetimeMs);
    expect(auth.redeem(token)).toBeUndefined();
  });

  test('is good until its time is over, and no longer', () => {
    const { auth, pass } = authAt();
    const first = auth.issueToken();
    pass(tokenLifetimeMs - 1);
    expect(auth.redeem(first)).toBeDefined();
    const second = auth.issueToken();
    pass(tokenLifetimeMs);
    expect(auth.redeem(second)).toBeUndefined();
  });

  test('is 256 bits, and no session', () => {
    const { auth } = authAt();
    const token = auth.issueToken();
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    expect(auth.sessionEnd(token)).toBeUndefined();
  });

  test('goes when too many wait', () => {
    const { auth } = authAt();
    const tokens = Array.from({ length: maxTokens + 1 }, () => auth.issueToken());
    expect(auth.redeem(tokens[0] ?? '')).toBeUndefined();
    expect(auth.redeem(tokens[1] ?? '')).toBeDefined();
  });

  test.each(['', 'x', 'A'.repeat(43), '\0', '%00'.repeat(10_000)])(
    'that is wrong opens nothing: %#',
    (token) => {
      const { auth } = authAt();
      auth.issueToken();
      expect(auth.redeem(token)).toBeUndefined();
      expect(auth.sessionEnd(token)).toBeUndefined();
    },
  );
});

describe('a session', () => {
  test('ends', () => {
    const { auth, pass } = authAt();
    const secret = auth.redeem(auth.issueToken())?.secret ?? '';
    pass(sessionLifetimeMs - 1);
    expect(auth.sessionEnd(secret)).toBeDefined();
    pass(1);
    expect(auth.sessionEnd(secret)).toBeUndefined();
  });

  test('goes when too many are open, the oldest first', () => {
    const { auth } = authAt();
    const secrets = Array.from(
      { length: maxSessions + 1 },
      () => auth.redeem(auth.issueToken())?.secret ?? '',
    );
    expect(auth.sessionEnd(secrets[0] ?? '')).toBeUndefined();
    expect(secrets.slice(1).every((secret) => auth.sessionEnd(secret) !== undefined)).toBe(true);
  });
});
