import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { eicar } from '../../test-messages.ts';
import { contextOf } from '../contents.fixture.ts';
import { described } from './described.fixture.ts';
import { isHtml, unpackHtml } from './html.ts';

const contents = (page: string | Buffer) =>
  described(unpackHtml(typeof page === 'string' ? Buffer.from(page) : page, contextOf()));
const members = (page: string | Buffer) => contents(page).filter((each) => !each.startsWith('['));
const traits = (page: string) => contents(page).filter((each) => each.startsWith('['));

/** Longer than a literal has to be, and no words alone. */
const payload = `<script>${'do(1);'.repeat(12)}</script>`;
const base64 = Buffer.from(payload).toString('base64');

describe('pages', () => {
  it.each([
    '<!DOCTYPE html><p>',
    '\ufeff  <html>',
    '<!-- first --><head>',
    '<svg xmlns="http://www.w3.org/2000/svg">',
    '<br>Hello',
    'Hello, see <a href="http://host.example/">this</a>',
    `${'long text '.repeat(10_000)}<div>`,
    'X-Field: one line <script>alert(1)</script>',
    'Content-Type: x\r\n\r\n\0<html>',
  ])('are known by their tags: %j', (text) => {
    expect(isHtml(Buffer.from(text))).toBe(true);
  });

  it('are known behind NULs, and in a text with some', () => {
    expect(isHtml(Buffer.from(`${'\0'.repeat(6_000)}<html>`))).toBe(true);
    expect(isHtml(Buffer.from(`a\0b ${'words '.repeat(1_000)}<html>`))).toBe(true);
    expect(isHtml(Buffer.from(`a\0b\x01${'\x02\x03'.repeat(3_000)}<html>`))).toBe(false);
  });

  it('are known in UTF-16', () => {
    const page = Buffer.from(`\ufeff<html><script>${payload.slice(8, 40)}</script>`, 'utf16le');
    expect(isHtml(page)).toBe(true);
    expect(isHtml(Buffer.from(page).swap16())).toBe(true);
    expect(members(page)).toContain(`script.js=${payload.slice(8, 40)}`);
    expect(members(Buffer.from(page).swap16())).toEqual(members(page));
  });

  it.each([
    '',
    'plain text',
    'a < b and b > c',
    'From: Jo <jo@host.example>',
    '<http://host.example/>',
    '<?xml version="1.0"?><rss><item/></rss>',
    // Of a message, the parts are looked at one by one.
    'Subject: x\r\nContent-Type: text/html\r\n\r\n<html>',
    'Many parts\r\n--b\r\nContent-Type: text/html\r\n\r\n<html>',
  ])('are nothing else: %j', (text) => {
    expect(isHtml(Buffer.from(text))).toBe(false);
  });
});

describe('what pages carry', () => {
  it('is given: scripts, pages in pages, data addresses', () => {
    expect(members('<html><script>one()</script><SCRIPT type=x>two()</script >')).toEqual([
      'script.js=one()',
      'script.js=two()',
    ]);
    expect(members('<script language="VBScript">MsgBox 1</script>')).toEqual(['script.vbs=MsgBox 1']);
    expect(members('<iframe srcdoc="&lt;b&gt;x&lt;/b&gt;">')).toEqual(['srcdoc.html=<b>x</b>']);
    const data = eicar.toString('base64');
    const found = `data=${eicar.toString('latin1')}`;
    expect(members(`<a href="data:application/zip;base64,${data}">`)).toEqual([found]);
    expect(members(`<img src=DATA:;base64,${data}>`)).toEqual([found]);
    expect(members(`<object data='&#100;ata&colon;x/y;charset=u; base64,${data}'>`)).toEqual([found]);
    expect(members(`<style>a{background:url(data:x/y;base64,${data})}</style>`)).toEqual([found]);
    expect(members('<a href="data:text/html,%3Cb%3Ehi there%3C/b%3E">')).toEqual(['data=<b>hi there</b>']);
  });

  it('has the name under which it is saved', () => {
    expect(members('<a download="a.exe" href="data:,MZ">x</a>')).toEqual(['a.exe=MZ']);
  });

  const pieces = base64.match(/.{1,20}/g) ?? [];
  const octets = [...Buffer.from(payload)];
  const hex = Buffer.from(payload).toString('hex');
  it.each([
    ['base64', `atob("${base64}")`],
    ['base64 for addresses', `x="${Buffer.from(`${payload}?>?`).toString('base64url')}"`],
    ['joined pieces', pieces.map((piece) => `"${piece}"`).join(' +\n ')],
    ['a list of pieces', `[${pieces.map((piece) => `'${piece}'`).join(', ')}].join('')`],
    ['pieces that are added', pieces.map((piece) => `s += '${piece}';`).join('\n')],
    ['a line that goes on', `"${pieces.join('\\\n')}"`],
    ['hex', `"${hex}"`],
    ['percent escapes', `unescape('${hex.replace(/../g, '%$&')}')`],
    ['some percent escapes', `unescape('${encodeURIComponent(payload)}')`],
    ['wide percent escapes', `unescape('${hex.replace(/../g, '%u00$&')}')`],
    ['backslash escapes', `"${hex.replace(/../g, '\\x$&')}"`],
    ['wide backslash escapes', `"${hex.replace(/../g, '\\u00$&')}"`],
    ['numbers', `new Uint8Array([${octets.join(', ')}])`],
    ['hexadecimal numbers', `[${octets.map((octet) => `0x${octet.toString(16)}`).join()}]`],
    ['signed numbers', `[${octets.map((octet) => (octet << 24) >> 24).join()}]`],
  ])('is decoded from %s in a script', (_, script) => {
    const found = members(`<script>var d = ${script};</script>`).slice(1).join('\n');
    expect(found).toContain(payload);
  });

  it('is decoded from attributes and texts, where a script may take it', () => {
    expect(members(`<div data-x="${base64}">`)).toEqual([`literal=${payload}`]);
    const long = Buffer.from(payload.repeat(4)).toString('base64');
    expect(members(`<p>${long}</p>`)).toEqual([`literal=${payload.repeat(4)}`]);
  });

  it('is nothing where there are words, names and tracking addresses', () => {
    const words = Buffer.from('harmless words '.repeat(10)).toString('base64');
    expect(members(`<div data-x="${words}">`)).toEqual([]);
    expect(members(`<a href="http://host.example/${base64}">x</a>`)).toEqual([]);
    expect(members(`<p class="${'name-of-a-class '.repeat(20)}">${'text '.repeat(100)}</p>`)).toEqual([]);
  });
});

describe('what pages do', () => {
  const smuggling = [
    'var b = atob(d)',
    'var f = new Blob([b])',
    'a.href = URL.createObjectURL(f); a.download = "x.iso"; a.click()',
  ];

  it('is noticed, in one script or in several', () => {
    const all = ['[html-script]', '[html-decodes]', '[html-makes-file]', '[html-downloads]'];
    expect(traits(`<script>${smuggling.join(';')}</script>`)).toEqual(all);
    expect(traits(smuggling.map((script) => `<script>${script}</script>`).join('<p>'))).toEqual(all);
    expect(traits(`<svg onload="${smuggling.join(';').replaceAll('"', '&quot;')}">`).sort()).toEqual(
      all.sort(),
    );
    expect(traits('<script>window["at"+"ob"](d)</script>')).toContain('[html-decodes]');
  });

  it.each([
    [
      '<a download="a.zip" href="data:application/zip;base64,UEs=">',
      ['[html-downloads]', '[html-makes-file]'],
    ],
    ['<body onload="go()">', ['[html-script]']],
    ['<a href="javascript:go()">', ['[html-script]', '[link-program-scheme]']],
    ['<meta http-equiv=refresh content="0;url=http://host.example/">', ['[html-refresh]']],
    ['<META HTTP-EQUIV="Refresh" CONTENT="0; URL=\'data:text/html,x\'">', ['[html-refresh]']],
    ['<form action=https://host.example/><input type=Password>', ['[html-password-form]']],
    ['<input type="password"><form method=post action="//host.example/">', ['[html-password-form]']],
  ])('is noticed: %s', (page, expected) => {
    expect(traits(page).sort()).toEqual(expected);
  });

  it.each([
    '<script type="application/ld+json">{"a": 1}</script>',
    '<a download href="http://host.example/a.pdf">',
    '<meta http-equiv=refresh content="30">',
    '<meta http-equiv=refresh content="0;url=page2.html">',
    '<form action="/login"><input type=password>',
    '<form action="http://host.example/"><input type=text>',
    '<!-- <script>x()</script> --><p>',
    '<p title="<script>">',
    '<img src="data:image/png;base64,iVBORw0KGgo=">',
  ])('is nothing to notice: %s', (page) => {
    expect(traits(page)).toEqual([]);
  });

  it('is seen in what Outlook shows, and behind comments that never end', () => {
    expect(traits('<!--[if mso]><script>x()</script><![endif]-->')).toEqual(['[html-script]']);
    expect(traits('<!--><script>x()</script>-->')).toEqual(['[html-script]']);
    expect(traits('<!-- <script>x()</script>')).toEqual(['[html-script]']);
  });
});

describe('links', () => {
  it('are compared with what people read, tags left out', () => {
    const evil = 'http://evil.example.net/';
    expect(traits(`<a href="${evil}"><b>www.</b>bank<i>.com</i></a>`)).toEqual(['[link-host-differs]']);
    expect(traits(`<a href="${evil}">www&#46;bank&period;com<a href="x">`)).toEqual(['[link-host-differs]']);
    expect(traits(`<a href="${evil}">Click here</a>`)).toEqual([]);
    expect(traits('<form action="http://0x7f.1.1.9/">')).toEqual(['[link-ip-address]']);
  });
});

const sample = '/usr/share/clamav-testfiles/clam.exe.html';
describe.skipIf(!existsSync(sample))('the page of the ClamAV test files', () => {
  it('gives the program in it', () => {
    expect(members(readFileSync(sample)).join()).toMatch(/^data=MZP/);
  });
});
