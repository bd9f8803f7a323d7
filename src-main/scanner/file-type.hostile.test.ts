import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fileTypeOf } from './file-type.ts';
import { fileTypes } from './file-types.ts';

const beginnings = [
  'MZ\x90\0',
  'PK\x03\x04',
  '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1',
  '\x85\x01',
  '\x30\x80',
  '\xeb\x3c\x90',
  '\xff\xfe',
  '\0\0\0\x18ftyp',
  "'\n",
  '<#',
  '/*',
  'From: a\n',
  '<?xml ',
];

describe('any octets', () => {
  it('have a type', () => {
    const octets = fc.tuple(fc.constantFrom('', ...beginnings), fc.uint8Array({ maxLength: 3000 }));
    fc.assert(
      fc.property(octets, ([beginning, rest]) => {
        expect(fileTypes).toContain(fileTypeOf(Buffer.concat([Buffer.from(beginning, 'latin1'), rest])));
      }),
    );
  });

  it('have a type however they are cut', () => {
    const whole = Buffer.concat([
      Buffer.from('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', 'latin1'),
      Buffer.alloc(600, 9),
    ]);
    for (let length = 0; length <= whole.length; length++)
      expect(fileTypes).toContain(fileTypeOf(whole.subarray(0, length)));
  });
});

describe('texts that are made to be looked at for long', () => {
  const repeated = (text: string) => Buffer.from(text.repeat(Math.ceil(8192 / text.length)));
  it.each([
    ["comments that don't end", '/*'],
    ['comments of VBScript', "'\n"],
    ['blanks among comments', "'\n          "],
    ['comments of PowerShell', '<##>'],
    ['brackets', '((((((((((function'],
    ['tags', '<?x ?><!--x-->'],
    ['fields', 'From: \n'],
    ['names', 'this.a.a.a.a'],
  ])('are bounded: %s', (_, text) => {
    const bytes = repeated(text);
    for (let i = 0; i < 100; i++) fileTypeOf(bytes);
    expect(fileTypes).toContain(fileTypeOf(bytes));
  });
});
