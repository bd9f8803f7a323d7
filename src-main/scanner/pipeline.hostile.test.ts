import { describe, expect, it } from 'vitest';
import { testInspector } from './inspector.fixture.ts';
import { inspect } from './pipeline.ts';
import { eicar, message, quotedPrintableLines } from './test-messages.ts';

/** `text` in so many layers of quoted-printable. */
function layered(text: string, layers: number): Buffer {
  return message(
    ['Content-Transfer-Encoding: quoted-printable'],
    Buffer.from(text.replaceAll('=', `=${'3D'.repeat(layers)}`)),
  );
}

describe('encodings within each other', () => {
  it('are followed as far as anybody would', () => {
    const twice = quotedPrintableLines(Buffer.from(quotedPrintableLines(eicar)));
    const bytes = message(['Content-Transfer-Encoding: quoted-printable'], twice);
    expect(inspect(bytes, testInspector(), 1).detections).toHaveLength(1);
  });

  it('cost no more than some times the message', () => {
    const { limits } = inspect(layered('=x\r\n'.repeat(60_000), 40), testInspector(), 1);
    expect([...limits]).toEqual(['unpacked-size']);
  });
});
