import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { modified, noContent } from './icap.fixture.ts';
import { IcapReader } from './icap-response.ts';

function end(octets: string | Buffer): 'more' | 'done' | 'bad' {
  return new IcapReader({ onContinue: () => undefined, onBody: () => undefined }).push(Buffer.from(octets));
}

const within = (encapsulated: string, rest = '') =>
  `ICAP/1.0 200 OK\r\nEncapsulated: ${encapsulated}\r\n\r\n${rest}`;

describe('what is no ICAP response', () => {
  it.each([
    ['another protocol', 'HTTP/1.1 200 OK\r\n'],
    ['another version', 'ICAP/2.0 200 OK\r\n'],
    ['no status', 'ICAP/1.0 OK\r\n'],
    ['a long status', 'ICAP/1.0 2000 OK\r\n'],
    ['a bare line feed', 'ICAP/1.0 200 OK\n'],
    ['an empty line', '\r\n'],
    ['a NUL', 'ICAP/1.0 200 OK\r\nA: \0\r\n'],
    ['a field without a name', 'ICAP/1.0 200 OK\r\n: a\r\n'],
    ['a field without a colon', 'ICAP/1.0 200 OK\r\nabc\r\n'],
    ['a folded line before any field', 'ICAP/1.0 200 OK\r\n abc\r\n'],
    ['two Encapsulated fields', `${within('null-body=0').slice(0, -2)}Encapsulated: res-body=0\r\n`],
    ['two "100 Continue"', 'ICAP/1.0 100 C\r\n\r\n'.repeat(2)],
    ['a line without end', `ICAP/1.0 200 OK\r\nA: ${'a'.repeat(9_000)}`],
    ['a long line', `ICAP/1.0 200 OK\r\nA: ${'a'.repeat(8_200)}\r\n`],
    ['fields without end', `ICAP/1.0 200 OK\r\n${'A: b\r\n'.repeat(12_000)}`],
    ['folded lines without end', `ICAP/1.0 200 OK\r\nA: b\r\n${' c\r\n'.repeat(18_000)}`],
    ['sections that go back', within('res-hdr=10, res-body=5')],
    ['sections that begin late', within('res-hdr=1, res-body=5')],
    ['sections after the body', within('res-body=0, res-hdr=5')],
    ['no body section', within('res-hdr=0')],
    ['too many sections', within('req-hdr=0, req-hdr=0, res-hdr=0, res-body=0')],
    ['a section that is none', within('res-hdr=0, x=5')],
    ['a section of minus five', within('res-hdr=0, res-body=-5')],
    ['a huge section', within('res-hdr=0, res-body=65537')],
    ['an empty Encapsulated field', within('')],
    ['an HTTP response that is none', within('res-hdr=0, null-body=8', 'HTTP/1.1')],
    ['a chunk without a size', within('res-body=0', 'x\r\n')],
    ['a negative chunk', within('res-body=0', '-1\r\n')],
    ['a chunk of too many digits', within('res-body=0', '000000001\r\n')],
    ['a chunk that goes on', within('res-body=0', '1\r\nabc\r\n')],
    ['trailers without end', within('res-body=0', `0\r\n${'A: b\r\n'.repeat(12_000)}`)],
  ])('%s', (_, octets) => {
    expect(end(octets)).toBe('bad');
  });

  it('ends in time and memory, however slowly its lines grow', () => {
    const reader = new IcapReader({ onContinue: () => undefined, onBody: () => undefined });
    let pushed = 0;
    let said = reader.push(Buffer.from('ICAP/1.0 200 OK\r\n'));
    while (said === 'more') {
      said = reader.push(Buffer.from(++pushed % 8_000 === 0 ? '\r' : pushed % 8_000 === 1 ? '\n' : 'a'));
    }
    expect(said).toBe('bad');
    expect(pushed).toBeLessThan(70_000);
  });
});

describe('any octets', () => {
  const valid = [Buffer.from(noContent), modified(['X: y'], '200 OK', Buffer.from('some octets'), 4)];
  it('are read the same in any pieces, and never throw', () => {
    const changes = fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 4 });
    fc.assert(
      fc.property(
        fc.constantFrom(...valid),
        changes,
        fc.integer({ min: 1, max: 40 }),
        (octets, flips, size) => {
          const bytes = Buffer.from(octets);
          for (const [at, octet] of flips) bytes[at % bytes.length] = octet;
          const reader = new IcapReader({ onContinue: () => undefined, onBody: () => undefined });
          let said: string = 'more';
          for (let at = 0; at < bytes.length && said === 'more'; at += size)
            said = reader.push(bytes.subarray(at, at + size));
          expect(said).toBe(end(bytes));
        },
      ),
    );
  });
});
