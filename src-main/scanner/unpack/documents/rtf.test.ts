import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { contextOf } from '../contents.fixture.ts';
import { compoundFile } from './compound-file.fixture.ts';
import { int32, nativeOf, ole1Of, packageOf } from './office.fixture.ts';
import { isRtf, unpackRtf } from './rtf.ts';

const sample = '/usr/share/clamav-testfiles/clam.exe.rtf';
const file = Buffer.from('MZ what is in it');
const packaged = ole1Of('Package', packageOf('a.exe', 'C:\\a.exe', file));
const hex = packaged.toString('hex');

function contents(bytes: Buffer): string[] {
  return [...unpackRtf(bytes, contextOf())].map((each) => {
    if (each.kind === 'limit') return each.code;
    return each.kind === 'trait' ? `[${each.trait}]` : `${each.name}=${each.bytes.toString('latin1')}`;
  });
}

const found = (text: string) => contents(Buffer.from(text, 'latin1'));
const member = `a.exe=${file.toString('latin1')}`;

describe('isRtf', () => {
  it.each(['{\\rtf1\\ansi}', '{\\rt', '{\\rtxyz', '\r\n  {\\rtf}', '\xef\xbb\xbf{\\rtf1}'])(
    'takes %j as Word does',
    (text) => {
      expect(isRtf(Buffer.from(text, 'latin1'))).toBe(true);
    },
  );

  it.each(['', '{', '{\\r', 'x{\\rtf1}', '{rtf1}'])('leaves %j alone', (text) => {
    expect(isRtf(Buffer.from(text, 'latin1'))).toBe(false);
  });
});

describe('ordinary documents', () => {
  it('say nothing', () => {
    const picture = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(80)]).toString('hex');
    expect(
      found(
        `{\\rtf1\\ansi{\\fonttbl{\\f0 Times;}}{\\*\\template C:\\\\Templates\\\\Normal.dotm}Dear {\\b Sir},\\par ` +
          `{\\pict{\\*\\picprop{\\sp{\\sn shape}{\\sv 4d5a90}}}\\pngblip\\picw10{\\*\\blipuid 4d5a4d5a}\n${picture}}` +
          `{\\field{\\*\\fldinst{HYPERLINK "https://example.org"}}{\\fldrslt DDE}}}`,
      ),
    ).toEqual([]);
  });
});

describe('objects', () => {
  const ordinary = ['[rtf-object]', '[ole-package]', '[ole-program]', member];

  it('gives the file of a package', () => {
    expect(
      found(
        `{\\rtf1{\\object\\objemb{\\*\\objclass Package}{\\*\\objdata ${hex.replace(/.{64}/g, '$&\r\n')}}}}`,
      ),
    ).toEqual(ordinary);
  });

  it('gives those of several', () => {
    const text = `{\\rtf1{\\object{\\*\\objdata ${hex}}}{\\object{\\*\\objdata ${hex}}}}`;
    expect(found(text).filter((each) => each === member)).toHaveLength(2);
  });

  it.each([
    ['other groups', (digits: string) => `${digits.slice(0, 9)}{\\*\\junk}${digits.slice(9)}`],
    ['a group of its own', (digits: string) => `{${digits}}`],
    ['words', (digits: string) => `${digits.slice(0, 20)}\\junk12 ${digits.slice(20)}`],
    ['other characters', (digits: string) => `${digits.slice(0, 21)}xyz!${digits.slice(21)}`],
    [
      'digits that readers skip',
      (digits: string) => `${digits.slice(0, 20)}{\\*\\junk abcdef}${digits.slice(20)}`,
    ],
    ['escapes', (digits: string) => `${digits.slice(0, 21)}\\'aa${digits.slice(21)}`],
    ['a class within', (digits: string) => `${digits.slice(0, 20)}{\\*\\objclass 12}${digits.slice(20)}`],
    ['digits in escapes', (digits: string) => `${digits.slice(0, 20)}\\'${digits.slice(20)}`],
  ])('finds what is hidden by %s', (_, hide) => {
    const contents = found(`{\\rt{\\object{\\*\\objdata ${hide(hex)}}}}`);
    expect(contents).toContain('[rtf-hidden-object]');
    expect(contents).toContain(member);
  });

  it('takes octets as they are', () => {
    const binary = Buffer.concat([
      Buffer.from(`{\\rtf1{\\object{\\*\\objdata\\bin${packaged.length} `),
      packaged,
      Buffer.from('}}}'),
    ]);
    expect(contents(binary)).toContain(member);
  });

  it('takes what came where the document is cut off', () => {
    expect(found(`{\\rtf1{\\object{\\*\\objdata ${hex}`)).toEqual(ordinary);
  });

  it('gives compound files and other native data', () => {
    const compound = compoundFile({ '\x01Ole10Native': nativeOf(Buffer.from('x')) });
    const text = (data: Buffer) =>
      `{\\rtf1{\\object{\\*\\objdata ${ole1Of('Word.Document.8', data).toString('hex')}}}}`;
    expect(found(text(compound))).toEqual(['[rtf-object]', `object.ole=${compound.toString('latin1')}`]);
    expect(found(text(Buffer.from('native data')))).toEqual(['[rtf-object]', 'object=native data']);
  });

  it('finds a compound file without any header', () => {
    const compound = compoundFile({ a: 'b' });
    expect(found(`{\\rtf1{\\*\\objdata 0102${compound.toString('hex')}}}`)).toContain(
      `object.ole=${compound.toString('latin1')}`,
    );
  });

  it('knows equations by either class', () => {
    expect(found('{\\rtf1{\\object{\\*\\objclass eQuAtIoN.3}}}')).toEqual(['[equation-object]']);
    const data = ole1Of('Equation.3', Buffer.from('shellcode')).toString('hex');
    expect(found(`{\\rtf1{\\object{\\*\\objdata ${data}}}}`)).toContain('[equation-object]');
  });

  it('knows objects that are elsewhere', () => {
    const link = (target: string) => {
      const topic = Buffer.from(`${target}\0`);
      return Buffer.concat([
        int32(0x501),
        int32(1),
        int32(2),
        Buffer.from('X\0'),
        int32(topic.length),
        topic,
        int32(0),
      ]);
    };
    expect(found(`{\\rtf1{\\*\\objdata ${link('http://example.org/x').toString('hex')}}}`)).toContain(
      '[remote-object]',
    );
    expect(found(`{\\rtf1{\\*\\objdata ${link('C:\\report.xls').toString('hex')}}}`)).not.toContain(
      '[remote-object]',
    );
  });

  it('takes note of what loads by itself, and of controls', () => {
    expect(found('{\\rtf1{\\object\\objupdate\\objocx}}')).toEqual([
      '[rtf-hidden-object]',
      '[activex-object]',
    ]);
  });
});

describe('other destinations', () => {
  it('gives files that stand where pictures and themes do', () => {
    expect(found(`{\\rtf1{\\pict\\wmetafile8 ${file.toString('hex')}}}`)).toEqual([
      `pict=${file.toString('latin1')}`,
    ]);
    const compound = compoundFile({ a: 'b' });
    const store = ole1Of('MSODataStore', compound).toString('hex');
    expect(found(`{\\rtf1{\\*\\datastore ${store}}}`)).toEqual([
      `datastore.ole=${compound.toString('latin1')}`,
    ]);
  });

  it.each([
    '{\\rtf1{\\*\\template http://example.org/a.dotm}}',
    "{\\rtf1{\\*\\template \\u104?\\u116?\\u116?\\u112?:\\'2f/example.org/a}}",
    '{\\rtf1{\\*\\template \\\\\\\\example.org@80\\\\a}}',
  ])('knows that a template is elsewhere: %s', (text) => {
    expect(found(text)).toEqual(['[remote-template]']);
  });

  it('finds fields that start programs', () => {
    expect(found('{\\rtf1{\\field{\\*\\fldinst {\\b DDE}{AUTO c:\\\\cmd.exe "/k"}}}}')).toEqual([
      '[dde-link]',
    ]);
  });
});

describe.skipIf(!existsSync(sample))('a file of Word', () => {
  it('gives what was put into it', () => {
    const payload = readFileSync('/usr/share/clamav-testfiles/clam.exe').toString('latin1');
    expect(contents(readFileSync(sample))).toContain(`clam.exe=${payload}`);
  });
});
