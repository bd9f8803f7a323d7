import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ApplicationIdentity,
  isInterpreter,
  maxApplicationRuleLength,
  parseApplicationRule,
  ruleMatches,
} from './application-rule.ts';

function matches(rule: string, program: ApplicationIdentity): boolean {
  const parsed = parseApplicationRule(rule);
  if (!parsed.ok) throw new Error(`${rule}: ${parsed.problem}`);
  return ruleMatches(parsed.rule, program);
}

describe('application rule', () => {
  it.each([
    ['/usr/bin/mutt', { kind: 'path', path: '/usr/bin/mutt' }],
    ['  /usr/bin/mutt ', { kind: 'path', path: '/usr/bin/mutt' }],
    ['/opt/My Mail/mail client', { kind: 'path', path: '/opt/My Mail/mail client' }],
    ['/opt/mail/*', { kind: 'folder', folder: '/opt/mail/' }],
    ['/opt/..mail/x', { kind: 'path', path: '/opt/..mail/x' }],
    [
      'flatpak:org.mozilla.Thunderbird',
      { kind: 'identity', scheme: 'flatpak', id: 'org.mozilla.Thunderbird' },
    ],
    ['snap:thunderbird', { kind: 'identity', scheme: 'snap', id: 'thunderbird' }],
    ['appimage:/home/a/Mail.AppImage', { kind: 'identity', scheme: 'appimage', id: '/home/a/Mail.AppImage' }],
  ])('reads %j', (text, rule) => {
    expect(parseApplicationRule(text)).toEqual({ ok: true, rule });
  });

  it.each([
    ['', 'empty'],
    ['   ', 'empty'],
    ['mutt', 'not-absolute'],
    ['./mutt', 'not-absolute'],
    ['~/bin/mutt', 'not-absolute'],
    ['/usr/bin/../bin/mutt', 'not-absolute'],
    ['/usr/./mutt', 'not-absolute'],
    ['/usr/bin/', 'not-absolute'],
    ['/usr/bin/mutt\0x', 'not-absolute'],
    ['/usr/*/mutt', 'wildcard'],
    ['/usr/bin/mu*', 'wildcard'],
    ['/usr/*/*', 'wildcard'],
    ['flatpak:', 'bad-identity'],
    ['flatpak:a b', 'bad-identity'],
    ['snap:../x', 'bad-identity'],
    ['appimage:Mail.AppImage', 'bad-identity'],
    ['appimage:/home/../Mail.AppImage', 'bad-identity'],
  ])('refuses %j as %s', (text, problem) => {
    expect(parseApplicationRule(text)).toEqual({ ok: false, problem });
  });

  it('takes a path as long as the limit and not one character more', () => {
    expect(parseApplicationRule(`/${'a'.repeat(maxApplicationRuleLength - 1)}`).ok).toBe(true);
    expect(parseApplicationRule(`/${'a'.repeat(maxApplicationRuleLength)}`)).toEqual({
      ok: false,
      problem: 'too-long',
    });
  });

  it('matches a path whole', () => {
    expect(matches('/usr/bin/mutt', { path: '/usr/bin/mutt' })).toBe(true);
    expect(matches('/usr/bin/mutt', { path: '/usr/bin/mutt2' })).toBe(false);
    expect(matches('/usr/bin/mutt', { path: '/usr/bin' })).toBe(false);
  });

  it('matches everything below a folder, and not its neighbours', () => {
    expect(matches('/opt/mail/*', { path: '/opt/mail/bin/deep/client' })).toBe(true);
    expect(matches('/opt/mail/*', { path: '/opt/mail' })).toBe(false);
    expect(matches('/opt/mail/*', { path: '/opt/mailbox/client' })).toBe(false);
  });

  it('matches the script of an interpreter like a program', () => {
    const getmail = { path: '/usr/bin/python3.11', script: '/opt/mail/getmail' };
    expect(matches('/opt/mail/getmail', getmail)).toBe(true);
    expect(matches('/opt/mail/*', getmail)).toBe(true);
    expect(matches('/usr/bin/python3.11', getmail)).toBe(true);
    expect(matches('/opt/mail/getmail2', getmail)).toBe(false);
    expect(matches('/opt/mailbox/*', getmail)).toBe(false);
    expect(matches('/opt/mail/getmail', { path: '/usr/bin/python3.11' })).toBe(false);
  });

  it('matches a sandboxed program by its identity, never by a path inside', () => {
    const thunderbird = { path: '/app/lib/thunderbird', sandboxId: 'flatpak:org.mozilla.Thunderbird' };
    expect(matches('flatpak:org.mozilla.Thunderbird', thunderbird)).toBe(true);
    expect(matches('snap:org.mozilla.Thunderbird', thunderbird)).toBe(false);
    expect(matches('flatpak:org.mozilla.Thunderbird', { path: '/app/lib/thunderbird' })).toBe(false);
  });

  it('answers any text, and what it takes as a path it matches', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `/${text}`),
        ),
        (text) => {
          const parsed = parseApplicationRule(text);
          if (parsed.ok && parsed.rule.kind === 'path') {
            expect(ruleMatches(parsed.rule, { path: text.trim() })).toBe(true);
          }
        },
      ),
    );
  });

  it.each(['/usr/bin/python3.11', '/usr/bin/java', '/bin/sh', '/usr/bin/node', '/usr/bin/perl'])(
    'knows %s as an interpreter',
    (path) => {
      expect(isInterpreter(path)).toBe(true);
    },
  );

  it.each(['/usr/bin/mutt', '/usr/bin/python-mail', '/opt/java/mail', '/usr/bin/nodejs-mail'])(
    'takes %s for a program of its own',
    (path) => {
      expect(isInterpreter(path)).toBe(false);
    },
  );
});
