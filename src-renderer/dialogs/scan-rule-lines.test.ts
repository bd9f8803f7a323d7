import { describe, expect, it } from 'vitest';
import { joinEntries, splitEntries } from './entry-lines.ts';
import { parseScanRuleLine, scanRuleLine } from './scan-rule-lines.ts';

describe('an application scan rule as a line', () => {
  it('comes back from an export as it was, but for its end', () => {
    const rules = [
      { application: '/opt/My Mail/mail', action: 'ignore' as const, note: 'pins its server' },
      { application: 'flatpak:org.gnome.Evolution', action: 'scan' as const },
      { application: '/opt/mail/*', action: 'auto' as const },
    ];
    const text = joinEntries(
      rules.map((rule) => scanRuleLine({ ...rule, until: '2099-01-01T12:00:00.000Z' })),
    );
    expect(splitEntries(text).map(parseScanRuleLine)).toEqual(rules.map((rule) => ({ ok: true, rule })));
  });

  it.each([
    ['/usr/bin/mutt', 'action'],
    ['ignore', 'action'],
    ['block /usr/bin/mutt', 'action'],
    ['ignore mutt', 'not-absolute'],
    ['scan /usr/*/mutt', 'wildcard'],
  ])('says what is wrong with %j', (text, problem) => {
    expect(parseScanRuleLine({ text })).toEqual({ ok: false, problem });
  });

  it('takes an action in any case', () => {
    expect(parseScanRuleLine({ text: 'Scan  /usr/bin/mutt' })).toMatchObject({
      rule: { action: 'scan', application: '/usr/bin/mutt' },
    });
  });
});
