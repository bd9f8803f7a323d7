import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { eicar } from '../../test-messages.ts';
import { type Circumstances, contextOf } from '../contents.fixture.ts';
import { described } from './described.fixture.ts';
import { encryptedPdfs, pdf, stream } from './pdf.fixture.ts';
import { isPdf, unpackPdf } from './pdf.ts';

const contents = (bytes: Buffer, circumstances: Circumstances = {}) =>
  described(unpackPdf(bytes, contextOf(circumstances)));
const harmful = eicar.toString('latin1');
const file = (entries: string, bytes: Buffer) => pdf({ 1: stream(`/Type/EmbeddedFile${entries}`, bytes) });

describe('documents', () => {
  it('are known by a header within the first kilobyte', () => {
    expect(isPdf(Buffer.from('%PDF-1.4'))).toBe(true);
    expect(isPdf(Buffer.from(`${' '.repeat(1_019)}%PDF-1.4`))).toBe(true);
    expect(isPdf(Buffer.from(`${' '.repeat(1_020)}%PDF-1.4`))).toBe(false);
    expect(isPdf(Buffer.from('PDF'))).toBe(false);
  });

  it('are known by what older readers, or those who repair, go by', () => {
    expect(isPdf(Buffer.from('%!PS-Adobe-3.0 PDF-1.4\n'))).toBe(true);
    expect(isPdf(Buffer.from('1 0 obj<<>>endobj startxref 0'))).toBe(true);
    expect(isPdf(Buffer.from(`1 0 obj<<>>endobj startxref ${'0'.repeat(1_024)}`))).toBe(false);
    expect(isPdf(Buffer.from('%!PS-Adobe-3.0\n'))).toBe(false);
  });

  it('give nothing where there is nothing but pages', () => {
    const page = pdf({
      1: '<</Type/Catalog/Pages 2 0 R/OpenAction[3 0 R /Fit]>>',
      2: '<</Type/Pages/Kids[2 0 R 3 0 R]/Count 1>>',
      3: '<</Type/Page/Contents 4 0 R/AA<</K 9 0 R>>>>',
      4: stream('/Filter/FlateDecode', deflateSync(Buffer.from('BT (Hello) Tj ET'))),
      5: stream('/Type/XObject/Subtype/Image/Filter/DCTDecode', Buffer.from('\xff\xd8\xff', 'latin1')),
      6: stream('/Type/Metadata', Buffer.from('<?xml version="1.0"?>')),
      9: '<</S/URI/URI(http://host.example/)>>',
    });
    expect(contents(page)).toEqual([]);
  });
});

describe('attached files', () => {
  it('are given with their names', () => {
    const bytes = pdf({
      1: '<</Type/Filespec/F(a.exe)/UF<feff0062002e006500780065>/EF<</F 2 0 R>>>>',
      2: stream('/Filter/FlateDecode', deflateSync(eicar)),
      3: '<</Type/Filespec/F(c\\056com)/EF<</F 4 0 R>>>>',
      4: stream('', eicar),
    });
    expect(contents(bytes)).toEqual([`b.exe=${harmful}`, `c.com=${harmful}`, '[pdf-embedded-file]']);
  });

  it('are found where what says so stands in objects of its own', () => {
    const bytes = pdf({
      1: '<</Type/Filespec/F(a.exe)/EF 2 0 R>>',
      2: '<</F 3 0 R>>',
      3: stream('/Filter 4 0 R/DecodeParms 6 0 R', Buffer.from(`${deflateSync(eicar).toString('hex')}>`)),
      4: '[/ASCIIHexDecode 5 0 R]',
      5: '/FlateDecode',
      6: '[null null]',
    });
    expect(contents(bytes)).toEqual([`a.exe=${harmful}`, '[pdf-embedded-file]']);
  });

  it('end where an object says so, whatever they hold', () => {
    const text = 'one\nendstream\ntwo';
    const body = `<</Type/EmbeddedFile/Length 2 0 R>>stream\n${text}\nendstream`;
    const length = (said: number) => pdf({ 1: body, 2: `${said}` });
    expect(contents(length(text.length))).toEqual([`=${text}`, '[pdf-embedded-file]']);
    expect(contents(length(5)).join()).toContain('=one');
  });

  const hex = `${eicar.toString('hex')}>`;
  // ASCII85 of "Man " is `9jqo^`; zeros are `z`.
  it.each([
    ['hexadecimal', '/Filter/ASCIIHexDecode', Buffer.from(hex), harmful],
    ['hexadecimal, in short', '/Filter[/AHx]', Buffer.from(hex), harmful],
    ['escaped names', '/F#69lter/Fl#61teDecode', deflateSync(eicar), harmful],
    [
      'a chain',
      '/Filter[/ASCIIHexDecode/FlateDecode]',
      Buffer.from(`${deflateSync(eicar).toString('hex')}>`),
      harmful,
    ],
    ['ASCII85', '/Filter/ASCII85Decode', Buffer.from('9jq o^z9jqo~>'), 'Man \0\0\0\0Man'],
    ['runs', '/Filter/RunLengthDecode', Buffer.from([1, 0x4d, 0x5a, 254, 0x41, 128]), 'MZAAA'],
    // ISO 32000-2 §7.4.4.2, example 1.
    ['LZW', '/Filter/LZWDecode', Buffer.from('800b6050220c0c8501', 'hex'), '-----A---B'],
    [
      'a predictor',
      '/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 2>>',
      deflateSync(Buffer.from([0, 0x4d, 0x5a, 2, 1, 1, 1, 0x41, 1])),
      'MZN[AB',
    ],
  ])('are decoded from %s', (_, entries, bytes, expected) => {
    expect(contents(file(entries, bytes))).toEqual([`=${expected}`, '[pdf-embedded-file]']);
  });

  it('are given as far as they go', () => {
    const data = deflateSync(
      Buffer.concat([eicar, Buffer.from(Array.from({ length: 200 }, (_, i) => (i * i) & 255))]),
    );
    const [member, ...rest] = contents(file('/Filter/FlateDecode', data.subarray(0, -20)));
    expect(member).toContain(harmful);
    expect(rest).toEqual(['[pdf-embedded-file]', 'damaged-archive']);
  });

  it('are found whatever the length says, and without the end of the file', () => {
    const lying = Buffer.from(`%PDF-1.4 1 0 obj<</Type/EmbeddedFile/Length 3>>stream\n${harmful}\nendstream`);
    expect(contents(lying)[0]).toContain(harmful);
    const cut = Buffer.from(`%PDF-1.4 1 0 obj<</Type/EmbeddedFile/Length 999>>stream\n${harmful}`);
    expect(contents(cut)[0]).toBe(`=${harmful}`);
    const inner = Buffer.from(`x endstream ${harmful}`);
    expect(contents(file('', inner))[0]).toBe(`=${inner.toString()}`);
  });
});

describe('streams', () => {
  it('are given where they begin like a program or an archive', () => {
    const zip = Buffer.from('PK\x03\x04 and so on');
    const flash = Buffer.from('CWS\x0a film');
    const bytes = pdf({
      1: stream('/Filter/FlateDecode', deflateSync(zip)),
      2: stream('/Subtype/Whatever', flash),
      3: stream('/Filter[/AHx/Fl]', Buffer.from(`${deflateSync(zip).toString('hex')}>`)),
    });
    expect(contents(bytes)).toEqual([`=${zip}`, `=${flash}`, `=${zip}`]);
  });

  it('are given from within other streams, whatever the cross references say', () => {
    const inner = pdf({ 7: stream('/Type/EmbeddedFile', eicar) });
    expect(contents(pdf({ 1: stream('', Buffer.concat([Buffer.from('x'), inner])) }))).toContain(
      `=${harmful}`,
    );
  });
});

describe('scripts', () => {
  it('are given from where they are used, from strings and from streams', () => {
    const bytes = pdf({
      1: '<</Names<</JavaScript<</Names[(a)<</S/JavaScript/JS(one\\(\\);\\\n)>>]>>>>>>',
      2: '<</S/JavaScript/JS 3 0 R>>',
      3: stream('/Filter/FlateDecode', deflateSync(Buffer.from('two();'))),
      4: '<</S/JavaScript/JS 5 0 R>>',
      5: '(three\\050\\51;)',
      6: '<</S/JavaScript/JS<feff0066006f00750072>>>',
      7: '<</S/J#61vaScript/#4A#53 <66 69 76 65>>>',
    });
    expect(contents(bytes).sort()).toEqual([
      '[pdf-javascript]',
      'script.js=five',
      'script.js=four',
      'script.js=one();',
      'script.js=three();',
      'script.js=two();',
    ]);
  });

  it('are found in object streams', () => {
    const objects = '<</S/JavaScript/JS 12 0 R>> (packed();)';
    const bytes = pdf({
      1: '<</Type/Catalog/OpenAction 11 0 R>>',
      2: stream(
        '/Type/ObjStm/N 2/First 11/Filter/FlateDecode',
        deflateSync(Buffer.from(`11 0 12 28 ${objects}`)),
      ),
    });
    expect(contents(bytes)).toEqual(['script.js=packed();', '[pdf-javascript]', '[pdf-open-action]']);
  });

  it('of forms are given: XFA', () => {
    const bytes = pdf({
      1: '<</AcroForm<</XFA[(template)2 0 R(datasets)3 0 R]>>>>',
      2: stream('/Filter/FlateDecode', deflateSync(Buffer.from('<template/>'))),
      3: stream('', Buffer.from('<data/>')),
    });
    const forms = contents(bytes).filter((each) => each.includes('/>'));
    expect(forms).toEqual(['form.xml=<template/>', 'form.xml=<data/>']);
  });
});

describe('actions', () => {
  const script = '<</S/JavaScript/JS(x)>>';
  it.each([
    ['of the document', { 1: `<</OpenAction${script}>>` }],
    ['of the document, elsewhere', { 1: '<</OpenAction 2 0 R>>', 2: script }],
    ['after another', { 1: '<</OpenAction<</S/GoTo/Next[2 0 R]>>>>', 2: script }],
    ['after another, elsewhere', { 1: '<</OpenAction 2 0 R>>', 2: '<</S/GoTo/Next 3 0 R>>', 3: script }],
    ['of a page', { 1: '<</Type/Page/AA<</O 2 0 R>>>>', 2: script }],
    ['of a page, elsewhere', { 1: '<</Type/Page/AA 2 0 R>>', 2: '<</O 3 0 R>>', 3: script }],
    ['that start a program', { 1: '<</OpenAction<</S/Launch/F(cmd.exe)>>>>' }],
    ['that open an attached file', { 1: '<</OpenAction<</S/GoToE/T<<>>>>>>' }],
  ])('are noticed where they start by themselves: %s', (_, objects) => {
    expect(contents(pdf(objects))).toContain('[pdf-open-action]');
  });

  it('are not noticed where people start them, or where they go to a page', () => {
    const bytes = pdf({
      1: '<</OpenAction 4 0 R/AA<</WC 2 0 R>>>>',
      2: script,
      3: '<</Subtype/Widget/AA<</K 2 0 R/F 2 0 R>>/A 2 0 R>>',
      4: '<</S/GoTo/D[3 0 R/Fit]/Next 4 0 R>>',
    });
    expect(contents(bytes)).toEqual(['script.js=x', '[pdf-javascript]']);
  });

  it('that start a program are noticed', () => {
    expect(contents(pdf({ 1: '<</A<</S/Launch/Win<</F(cmd.exe)>>>>>>' }))).toEqual(['[pdf-launch]']);
  });
});

describe('encrypted documents', () => {
  it.each(encryptedPdfs)('are opened: %s', (name, bytes) => {
    const isLocked = name.includes('password');
    const passwords = isLocked ? ['wrong', 'secret', 'other'] : [];
    const expected = ['a.exe=MZ', '[pdf-embedded-file]', ...(isLocked ? ['[opened-by-password]'] : [])];
    expect(contents(bytes, { passwords })).toEqual(expected);
    if (!isLocked) return;
    expect(contents(bytes, { passwords: ['wrong'] })).toContain('[encrypted-document]');
    expect(contents(bytes, { passwords: ['wrong'] }).at(-1)).toBe('encrypted');
  });

  it('are a limit where they are encrypted in another way', () => {
    const bytes = pdf({ 9: '<</Filter/Adobe.PubSec/V 4/Recipients[()]>>' }, '<</Encrypt 9 0 R>>');
    expect(contents(bytes)).toEqual(['[encrypted-document]', 'encrypted']);
  });
});
