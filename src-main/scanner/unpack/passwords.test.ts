import { describe, expect, it } from 'vitest';
import { candidatePasswords, maxPasswords } from './passwords.ts';

function of(...texts: string[]): readonly string[] {
  return candidatePasswords(texts.map((text) => Buffer.from(text)));
}

describe('candidate passwords', () => {
  it.each([
    ['The password is Tr0ub4dor.', 'Tr0ub4dor'],
    ['Passord: hemmelig99', 'hemmelig99'],
    ['Das Passwort lautet „geheim!“', 'geheim'],
    ['pwd=abc', 'abc'],
    ['PIN-kode: 4711,', '4711'],
    ['Le mot de passe est « soleil »', 'soleil'],
    ['Contraseña: "luna"', 'luna'],
    ['Пароль: мир', 'мир'],
    ['密码：1357', '1357'],
    ['解压密码:qaz', 'qaz'],
  ])('are first what a text speaks of: %s', (text, password) => {
    expect(of(`some words before it, none of them meant. ${text}`).slice(0, 12)).toContain(password);
  });

  it('are what stands in front of such a word, too', () => {
    const words = of('one two three four five six seven eight 9x9 is the password', 'nine');
    expect(words.slice(0, 6)).toContain('9x9');
    expect(words.indexOf('9x9')).toBeLessThan(words.indexOf('one'));
  });

  it('are other words in the order of the text, without what surrounds them and with it', () => {
    expect(of('Use (secret!) now').slice(0, 4)).toEqual(['Use', 'secret', '(secret!)', 'now']);
  });

  it('are what HTML shows', () => {
    const html =
      '<html><head><style>td{color:red}</style></head><body><p>Password: <b>a&amp;b</b>&#x31;</p>' +
      '<td>x<span>y</span>z</td></body></html>';
    const words = of(html);
    expect(words.slice(0, 3)).toContain('a&b1');
    expect(words).toContain('xyz');
    expect(words.some((word) => word.includes('color') || word.includes('<'))).toBe(false);
  });

  it('are words of the subject, and of no other field', () => {
    const header =
      'Received: from somewhere\r\nSubject: =?utf-8?B?UGFzc3dvcmQgw6TDtg==?=\r\n the-rest\r\nTo: nobody\r\n\r\n';
    const words = of(header);
    expect(words).toEqual(expect.arrayContaining(['äö', 'the-rest']));
    expect(words).not.toContain('nobody');
    expect(words).not.toContain('somewhere');
  });

  it('are Latin-1 where they are not UTF-8', () => {
    expect(candidatePasswords([Buffer.from('L\xf6senord: sm\xf6r', 'latin1')])).toContain('smör');
  });

  it('end with commonplace ones, which need no text', () => {
    expect(of()).toEqual(
      expect.arrayContaining(['infected', 'virus', 'malware', 'password', '1234', '123456']),
    );
  });

  it('are no more than can be tried, and none that nobody types', () => {
    const words = of(`${'w'.repeat(65)} ${Array.from({ length: 1_000 }, (_, i) => `word${i}`).join(' ')}`);
    expect(words).toHaveLength(maxPasswords);
    expect(new Set(words).size).toBe(maxPasswords);
    expect(words).toContain('infected');
    expect(words.every((word) => word.length <= 64 && word !== '')).toBe(true);
  });

  it.each([
    ['tags without an end', '<p'.repeat(130_000)],
    ['styles without an end', '<body><style>'.repeat(20_000)],
    ['entities', `<p>${'&amp'.repeat(60_000)}`],
    ['one word', 'x'.repeat(256_000)],
    ['punctuation', '"'.repeat(256_000)],
    ['words that speak of one', 'password '.repeat(28_000)],
    ['a subject of many lines', `Subject: x\r\n${' y\r\n'.repeat(60_000)}`],
  ])('are found in %s in no time', (_, text) => {
    expect(of(text).length).toBeLessThanOrEqual(maxPasswords);
  });
});
