import { describe, expect, it } from 'vitest';
import { linkTraits } from './links.ts';

const octets = (text: string) => Buffer.from(text, 'utf8').toString('latin1');
const traits = (href: string, text?: string) => [
  ...linkTraits(octets(href), text === undefined ? undefined : octets(text)),
];

describe('a link that leads elsewhere than it says', () => {
  it.each([
    ['http://evil.net/', 'www.bank.com'],
    ['http://evil.net/', 'https://bank.co.uk/login?x=1'],
    ['https://www.bank.com.evil.net/', 'http://www.bank.com'],
    ['https://bank-login.com/', ' bank.com '],
    ['http://192.0.2.7/', 'bank.com'],
    ['http://evil.net/', 'bücher.de'],
    ['\thtt\nps://evil.net', 'BANK.COM'],
    ['https:\\\\evil.net\\x', 'bank.com'],
    ['http://evil.net/', 'www.report.zip'],
  ])('is noticed: %s for %s', (href, text) => {
    expect(traits(href, text)).toContain('link-host-differs');
  });

  it.each([
    ['http://www.bank.com/x', 'bank.com'],
    ['https://click.bank.com/x', 'www.bank.com'],
    ['http://xn--bcher-kva.de/', 'bücher.de'],
    // Services that count clicks, and those that warn, lead on to what stands in the address.
    ['https://click.mail.net/?u=https%3A%2F%2Fwww.bank.com%2Fa', 'www.bank.com'],
    ['https://click.mail.net/?u=https%253A%252F%252Fwww.bank.com', 'bank.com'],
    ['https://click.mail.net/r/www.bank.com/x', 'https://www.bank.com/'],
    ['https://u1.ct.sendgrid.net/ls/click?upn=abc', 'www.bank.com'],
    // No addresses.
    ['http://evil.net/', 'jo@bank.com'],
    ['mailto:jo@bank.com', 'jo@shop.com'],
    ['http://evil.net/', 'report.doc'],
    ['http://evil.net/', 'report.zip'],
    ['http://evil.net/', 'install.sh'],
    ['http://evil.net/', 'version 1.2.3'],
    ['http://evil.net/', '1.2.3'],
    ['http://evil.net/', '10.30'],
    ['http://evil.net/', 'Node.js'],
    ['http://evil.net/', 'see bank.com for more'],
    ['http://evil.net/', 'etc...'],
    ['http://evil.net/', ''],
    ['http://evil.net/', undefined],
    ['page.html', 'bank.com'],
    ['http://', 'bank.com'],
  ])('is not taken for one: %s for %s', (href, text) => {
    expect(traits(href, text)).not.toContain('link-host-differs');
  });
});

describe('a host that looks like another', () => {
  it.each([
    // Cyrillic letters alone, and among Latin ones.
    ['http://аррӏе.com/', ['link-punycode']],
    ['http://xn--80ak6aa92e.com/', ['link-punycode']],
    ['http://pаypal.com/', ['link-mixed-script', 'link-punycode']],
    ['http://www.ɡoogle.com/', ['link-punycode']],
    // Honest names, of one script or of those that are written together.
    ['http://bücher.de/', []],
    ['http://пример.com/', []],
    ['http://пример.рф/', []],
    ['http://ею.рф/', []],
    ['http://東京タワーtower.jp/', []],
    ['http://ελλάδα.com/', []],
    ['http://xn--invalid-.com/', []],
  ])('is noticed: %s', (href, expected) => {
    expect(traits(href).sort()).toEqual(expected);
  });
});

describe('an address that hides something', () => {
  it.each([
    ['http://www.bank.com@evil.net/', ['link-user-info']],
    ['http://www.bank.com%2flogin@evil.net/', ['link-user-info']],
    ['http://jo:secret@host.net/', []],
    ['http://192.0.2.7/', ['link-ip-address']],
    ['http://0xC0000207/', ['link-ip-address']],
    ['http://0300.0.2.7/', ['link-ip-address']],
    ['http://[2001:db8::1]/', ['link-ip-address']],
    ['http://192.168.1.10/wiki', []],
    ['http://0x7f000001/', ['link-ip-address']],
    ['javascript:alert(1)', ['link-program-scheme']],
    [' JaVa\tScript:x', ['link-program-scheme']],
    ['file://host/share/a.exe', ['link-program-scheme']],
    ['ms-word:ofe|u|http://host.net/a.docm', ['link-program-scheme']],
    ['search-ms:query=x&crumb=location:\\\\host', ['link-program-scheme']],
    ['mailto:jo@host.net', []],
    ['tel:12345', []],
    ['#top', []],
  ])('is noticed: %s', (href, expected) => {
    expect(traits(href)).toEqual(expected);
  });
});
