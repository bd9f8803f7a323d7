import { describe, expect, it } from 'vitest';
import { saidOf } from './subject.fixture.ts';
import type { Trait } from './traits.ts';

const steps: readonly Trait[] = ['html-decodes', 'html-makes-file', 'html-downloads'];

describe('pages that make files', () => {
  it('warn by all three steps, and are noted by two', () => {
    expect(saidOf({ type: 'html', traits: steps })).toEqual(['suspicious Postern.Html.Smuggling']);
    for (const left of steps)
      expect(saidOf({ type: 'html', traits: steps.filter((step) => step !== left) })).toEqual([
        'note Postern.Html.MakesFile',
      ]);
    expect(saidOf({ type: 'html', traits: steps.slice(0, 1) })).toEqual([]);
  });

  it('are harmful where a program comes out of them', () => {
    const harmful = 'harmful Postern.Html.SmuggledProgram';
    expect(saidOf({ type: 'html', traits: steps, holds: ['zip', 'program'] })).toEqual([harmful]);
    expect(saidOf({ type: 'html', traits: steps, holds: ['disk-image'] })).toEqual([harmful]);
    // Reports of tests carry their data so.
    expect(saidOf({ type: 'html', traits: steps, holds: ['zip', 'text', 'javascript'] })).not.toContain(
      harmful,
    );
    expect(saidOf({ type: 'html', traits: steps.slice(1), holds: ['program'] })).not.toContain(harmful);
  });
});

describe('pages that ask and lead elsewhere', () => {
  it('warn where a file asks for a password, not where a text does', () => {
    const traits: Trait[] = ['html-password-form'];
    expect(saidOf({ type: 'html', traits, name: 'invoice.html' })).toEqual([
      'suspicious Postern.Phishing.AttachedForm',
    ]);
    expect(saidOf({ type: 'html', traits })).toEqual(['note Postern.Phishing.PasswordForm']);
    expect(saidOf({ type: 'html', traits, name: 'invoice.html', around: [] })).toEqual([
      'note Postern.Phishing.PasswordForm',
    ]);
  });

  it.each([
    ['link-host-differs', 'suspicious Postern.Phishing.LinkHost'],
    ['link-mixed-script', 'suspicious Postern.Phishing.LinkMixedScript'],
    ['link-user-info', 'suspicious Postern.Phishing.LinkUserInfo'],
    ['link-punycode', 'suspicious Postern.Phishing.LinkLookalike'],
    ['link-ip-address', 'note Postern.Phishing.LinkAddress'],
    ['html-refresh', 'note Postern.Html.Refresh'],
  ] as const)('%s: %s', (trait, judgement) => {
    expect(saidOf({ type: 'html', traits: [trait] })).toEqual([judgement]);
  });

  it('warn where a link starts a program, and note those that are scripts', () => {
    const said = (content: string) => saidOf({ content, type: 'html', traits: ['link-program-scheme'] });
    expect(said('<a href="search-ms:query=a&crumb=location:b">')).toEqual([
      'suspicious Postern.Phishing.LinkProgram',
    ]);
    expect(said("<a href = 'FILE://host/a'>")).toEqual(['suspicious Postern.Phishing.LinkProgram']);
    expect(said('<a href="javascript:void(0)">profile: a</a>')).toEqual(['note Postern.Phishing.LinkScript']);
  });

  it('warn where a picture holds a script', () => {
    expect(saidOf({ type: 'svg', traits: ['html-script'], name: 'a.svg' })).toEqual([
      'suspicious Postern.Html.ScriptInPicture',
    ]);
    expect(saidOf({ type: 'html', traits: ['html-script'], name: 'a.html' })).toEqual([]);
  });
});
