import { describe, expect, it } from 'vitest';
import { answerFor } from './threat-name.ts';

describe('a name that an engine gives', () => {
  it.each([
    ['Win.Trojan.Agent-1', 'malware'],
    ['Win.Trojan.Agent-1.UNOFFICIAL', 'malware'],
    ['Heuristics.Trojan.Swizzor.Gen', 'malware'],
    ['Heuristics.OLE2.ContainsMacros.VBA', 'suspicious'],
    ['Heuristics.Phishing.Email.SpoofedDomain', 'suspicious'],
    ['PUA.Win.Packer.Upx-1', 'suspicious'],
    ['Win.Test.EICAR_HDB-1', 'test'],
    ['Mail.Test.Eicar.UNOFFICIAL', 'test'],
  ] as const)('%s is %s, and is kept', (name, category) => {
    expect(answerFor(name)).toEqual({ kind: 'found', name, category });
  });

  it.each([
    ['Heuristics.Encrypted.Zip', 'encrypted'],
    ['Heuristics.Limits.Exceeded.MaxRecursion', 'archive-depth'],
    ['Heuristics.Limits.Exceeded.MaxFileSize', 'part-size'],
    ['Heuristics.Limits.Exceeded.MaxScanSize', 'unpacked-size'],
    ['Heuristics.Limits.Exceeded.MaxFiles', 'archive-members'],
    ['Heuristics.Limits.Exceeded.MaxScanTime', 'engine-timeout'],
    ['Heuristics.Limits.Exceeded.EmailHeaderBytes', 'header-size'],
    ['Heuristics.Limits.Exceeded.EmailMIMEPartsPerMessage', 'mime-parts'],
    ['Heuristics.Limits.Exceeded', 'unpacked-size'],
  ])('%s means that it stopped: %s', (name, code) => {
    expect(answerFor(name)).toEqual({ kind: 'incomplete', limits: [code] });
  });

  it('is printable and bounded, and never empty', () => {
    expect(answerFor('A\n\u001b[31mB\u202e')).toMatchObject({ name: 'A_[31mB_' });
    const long = answerFor('x'.repeat(10_000));
    expect(long.kind === 'found' && long.name.length).toBe(200);
    expect(answerFor('')).toMatchObject({ kind: 'found', name: 'Unnamed' });
  });
});
