import { describe, expect, it } from 'vitest';
import { octets } from '../bytes.ts';
import { Script } from './script.test-support.ts';

describe('COMPRESS (RFC 4978)', () => {
  it('is for each leg: the server’s at once, the client’s behind the answer in its turn', () => {
    const s = new Script();
    s.server('* OK ready\r\n').client('a FETCH 1 BODY[]\r\nb COMPRESS DEFLATE\r\nc NOOP\r\n');
    expect(s.serverGot()).toBe('a FETCH 1 BODY[]\r\nb COMPRESS DEFLATE\r\n');
    s.server('* 1 FETCH (BODY[] {2}\r\nhi)\r\na OK\r\nb OK go\r\n\x01\x02\x03').clientGot();
    expect(s.notes).toEqual(['compress server \x01\x02\x03']);
    expect(s.clientGot()).toBe('');
    expect(s.serverGot()).toBe('c NOOP\r\n');
    s.release(1);
    expect(s.clientGot()).toBe('* 1 FETCH (BODY[] {2}\r\nhi)\r\na OK\r\nb OK go\r\n');
    expect(s.notes).toEqual(['compress server \x01\x02\x03', 'compress client']);
    expect(s.server('c OK\r\n').clientGot()).toBe('c OK\r\n');
  });

  it('is not begun where the server declines, nor twice, nor by another mechanism', () => {
    const s = new Script();
    s.server('* OK ready\r\n').client('a COMPRESS DEFLATE\r\n').server('a NO not now\r\n').clientGot();
    s.client('b COMPRESS deflate\r\n').server('b OK\r\n').clientGot();
    s.serverGot();
    s.client('c COMPRESS DEFLATE\r\nd COMPRESS LZ4\r\ne COMPRESS\r\nf STARTTLS\r\ng UNAUTHENTICATE\r\n');
    expect(s.serverGot()).toBe('');
    expect(s.clientGot().match(/^\S+ \S+( \[\w+\])?/gm)).toEqual([
      'c NO [COMPRESSIONACTIVE]',
      'd NO [COMPRESSIONACTIVE]',
      'e NO [COMPRESSIONACTIVE]',
      'f BAD',
      'g NO',
    ]);
    expect(s.notes).toEqual(['compress server', 'compress client']);
  });

  it('a continuation that the server sends instead does not let the client’s octets through as they are', () => {
    const s = new Script();
    s.server('* OK ready\r\n').client('a COMPRESS DEFLATE\r\n').server('+ more\r\n');
    s.event({ kind: 'data', from: 'client', bytes: octets('b NOOP\r\n') });
    s.server('a OK\r\n');
    expect(s.notes).toEqual(['compress server', 'compress client']);
  });
});
