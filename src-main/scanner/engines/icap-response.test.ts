import { describe, expect, it } from 'vitest';
import { modified, noContent } from './icap.fixture.ts';
import { IcapReader } from './icap-response.ts';

/** What comes of octets in pieces of `size`. */
function read(octets: string | Buffer, size = Number.POSITIVE_INFINITY) {
  const bytes = Buffer.from(octets);
  const body: Buffer[] = [];
  let continues = 0;
  const reader = new IcapReader({
    onContinue: () => continues++,
    onBody: (piece) => body.push(Buffer.from(piece)),
  });
  let end: string = 'more';
  for (let at = 0; at < bytes.length && end === 'more'; at += size)
    end = reader.push(bytes.subarray(at, at + size));
  const { response } = reader;
  const fields = Object.fromEntries(response.fields);
  return {
    end,
    ...response,
    fields,
    body: Buffer.concat(body).toString('latin1'),
    continues,
    rest: reader.hasRest,
  };
}

const found = modified(
  ['X-A:  b  ', 'X-V: 1', '\tfile', '  threat'],
  '403 Forbidden',
  Buffer.from('x'.repeat(2_500)),
);

describe('an ICAP response', () => {
  it('has a status, fields, an HTTP response and a body', () => {
    expect(read(found)).toMatchObject({
      end: 'done',
      status: 200,
      httpStatus: 403,
      hasBody: true,
      fields: { 'x-a': 'b', 'x-v': '1\nfile\nthreat', istag: '"t1"' },
      body: 'x'.repeat(2_500),
      rest: false,
    });
    expect(read(noContent)).toMatchObject({
      end: 'done',
      status: 204,
      httpStatus: undefined,
      hasBody: false,
    });
  });

  it('may follow a "100 Continue"', () => {
    expect(read(`ICAP/1.0 100 Continue\r\nX: y\r\n\r\n${noContent}`)).toMatchObject({
      end: 'done',
      status: 204,
      continues: 1,
      fields: { istag: '"t1"' },
    });
  });

  it('is the same in whatever pieces it comes', () => {
    const continued = Buffer.concat([Buffer.from('ICAP/1.0 100 Continue\r\n\r\n'), found]);
    for (const octets of [found, continued, Buffer.from(noContent)]) {
      const whole = read(octets);
      for (const size of [1, 2, 3, 5, 17, 64]) expect(read(octets, size)).toEqual(whole);
      for (let cut = 1; cut < 400; cut++) {
        const reader = new IcapReader({ onContinue: () => undefined, onBody: () => undefined });
        reader.push(octets.subarray(0, cut));
        if (cut < octets.length) expect(reader.push(octets.subarray(cut))).toBe('done');
      }
    }
  });

  it('knows what comes after it', () => {
    expect(read(`${noContent}ICAP`)).toMatchObject({ end: 'done', rest: true });
  });

  it('may have other headers within, and trailers', () => {
    const text =
      'ICAP/1.0 200 OK\r\nEncapsulated: req-hdr=0, res-hdr=5, res-body=24\r\n\r\nGET /HTTP/1.1 204 No\r\n\r\n3;x=y\r\nabc\r\n000\r\nTrailer: t\r\n\r\n';
    expect(read(text)).toMatchObject({ end: 'done', httpStatus: 204, body: 'abc' });
  });
});
