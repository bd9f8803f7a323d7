// Compressed RTF (MS-OXRTFCP), in which Outlook keeps the body of a message.
import { LzWindow } from '../archives/lz-window.ts';

const compressed = 0x75465a4c;
const uncompressed = 0x414c454d;
const headerBytes = 16;

/** What the window holds at first (MS-OXRTFCP 2.1.2.1). */
const initial = Buffer.from(
  '{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans ' +
    'SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx',
  'latin1',
);

/**
 * @returns the RTF, at most `maxBytes` octets of it, whatever the header says of its size; `undefined`: it is none
 */
export function decompressRtf(bytes: Buffer, maxBytes: number): Buffer | undefined {
  if (bytes.length < headerBytes) return undefined;
  const kind = bytes.readUInt32LE(8);
  const input = bytes.subarray(headerBytes);
  if (kind === uncompressed) return input.subarray(0, maxBytes);
  if (kind !== compressed) return undefined;
  const window = new LzWindow(initial, 0, initial.length, input.length, maxBytes);
  let at = 0;
  while (at < input.length) {
    const flags = input[at++] as number;
    for (let bit = 0; bit < 8 && at < input.length; bit++) {
      if (window.isFull) return window.output();
      if (((flags >> bit) & 1) === 0) {
        window.put(input[at++] as number);
        continue;
      }
      if (at + 2 > input.length) return window.output();
      const reference = input.readUInt16BE(at);
      at += 2;
      const from = reference >> 4;
      // A reference to where the next octet goes is the end (2.2.1.4).
      if (from === window.position) return window.output();
      window.repeat(from, (reference & 15) + 2);
    }
  }
  return window.output();
}
