import { describe, expect, it } from 'vitest';
import { judgeUpstream } from './upstream-policy.ts';

const serverName = 'mail.example.org';

describe('judgeUpstream', () => {
  it('trusts a good chain with the right name', () => {
    expect(judgeUpstream({ serverName, nameMatches: true })).toEqual({ trusted: true });
  });

  it.each([
    ['CERT_HAS_EXPIRED', 'upstream-certificate-expired'],
    ['CERT_NOT_YET_VALID', 'upstream-certificate-untrusted'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'upstream-certificate-untrusted'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'upstream-certificate-untrusted'],
    ['', 'upstream-certificate-untrusted'],
  ])('never trusts a chain with the error %j, whatever the name says', (authorizationError, reason) => {
    expect(judgeUpstream({ authorizationError, serverName, nameMatches: true })).toEqual({
      trusted: false,
      reason,
    });
    expect(judgeUpstream({ authorizationError, nameMatches: true })).toEqual({ trusted: false, reason });
  });

  it('tells a wrong name from a bad chain', () => {
    expect(judgeUpstream({ serverName, nameMatches: false })).toEqual({
      trusted: false,
      reason: 'upstream-certificate-name-mismatch',
    });
  });

  it('leaves the names to a client that sent none', () => {
    expect(judgeUpstream({ nameMatches: false })).toEqual({ trusted: true });
  });

  it('takes an empty server name for a name that does not match', () => {
    expect(judgeUpstream({ serverName: '', nameMatches: false }).trusted).toBe(false);
  });
});
