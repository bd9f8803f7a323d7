import { describe, expect, it } from 'vitest';
import { certificateText } from './certificate-file.ts';

describe('the file of a certificate', () => {
  it('is text where it is PEM', () => {
    const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
    expect(certificateText(new TextEncoder().encode(pem))).toBe(pem);
    expect(certificateText(new Uint8Array())).toBe('');
  });

  it('is base64 where it is DER', () => {
    const der = Uint8Array.from([0x30, 0x82, 0x01, 0x00, 0xff, 0x80]);
    expect(certificateText(der)).toBe(Buffer.from(der).toString('base64'));
  });
});
