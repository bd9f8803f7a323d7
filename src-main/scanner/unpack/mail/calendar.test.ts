import { describe, expect, it } from 'vitest';
import { contentsOf } from '../contents.fixture.ts';
import { isCalendar } from './calendar.ts';

const file = Buffer.from('a file that somebody attached to an appointment, over two lines');

function folded(text: string): string {
  return text.replace(/.{40}/g, '$&\r\n ');
}

function calendar(...lines: readonly string[]): Buffer {
  return Buffer.from(['BEGIN:VCALENDAR', 'VERSION:2.0', ...lines, 'END:VCALENDAR', ''].join('\r\n'));
}

describe('files in calendars and cards', () => {
  it('are read from folded lines in base64, with their names', () => {
    const line = folded(`ATTACH;ENCODING=BASE64;VALUE=BINARY;X-FILENAME="a.txt":${file.toString('base64')}`);
    expect(contentsOf(calendar(line))).toEqual([`a.txt=${file}`]);
  });

  it('are read as cards write them', () => {
    for (const encoding of ['ENCODING=b', 'BASE64', 'TYPE=X509;ENCODING="B"'])
      expect(
        contentsOf(Buffer.from(`BEGIN:VCARD\r\nKEY;${encoding}:${file.toString('base64')}\r\n`)),
      ).toEqual([`attachment=${file}`]);
  });

  it('are read from data addresses', () => {
    const line = folded(`ATTACH:data:application/octet-stream;base64,${file.toString('base64')}`);
    expect(contentsOf(calendar(line))).toEqual([`data=${file}`]);
  });

  it('are all read, and other lines are none', () => {
    const lines = ['SUMMARY:one; two', 'ATTACH;ENCODING=BASE64:MQ==', 'ATTACH;ENCODING=BASE64:Mg=='];
    expect(contentsOf(calendar(...lines))).toEqual(['attachment=1', 'attachment=2']);
  });

  it('are looked for in calendars alone', () => {
    expect(isCalendar(Buffer.from('\xef\xbb\xbf\r\nbegin:vcard', 'latin1'))).toBe(true);
    expect(isCalendar(Buffer.from('we BEGIN:VCARD'))).toBe(false);
  });
});
