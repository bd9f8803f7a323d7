// What documents have in common: how something in them becomes a member, and what is worth becoming one.
import type { UnpackBudget } from '../budget.ts';
import type { Unpacked } from '../unpacker.ts';

/** A member; or the limit that it would be beyond. */
export function memberOf(name: string, bytes: Buffer, budget: UnpackBudget): Unpacked {
  const code = budget.takeMember() ?? budget.takeOutput(bytes.length);
  return code === undefined ? { kind: 'member', name, bytes } : { kind: 'limit', code };
}

/** First octets of what some program opens or runs. */
const beginnings = [
  'MZ',
  'ZM',
  'PK\x03\x04',
  '\xd0\xcf\x11\xe0',
  '%PDF',
  'MSCF',
  '\x7fELF',
  'Rar!',
  '7z\xbc\xaf',
  '\x1f\x8b\x08',
  'ITSF',
  'L\0\0\0\x01\x14\x02\0',
  '{\\rt',
  'ActiveMime',
  '\x78\x9f\x3e\x22',
  '\xe4\x52\x5c\x7b',
  '\xca\xfe\xba\xbe',
  'BZh',
  '\xfd7zXZ',
  'FWS',
  'CWS',
  'ZWS',
  '#!',
].map((text) => Buffer.from(text, 'latin1'));

/** Text that is more than text. */
const scriptBeginning =
  /^(?:\xef\xbb\xbf|\xff\xfe)?\s*<(?:!doctype|html|script|\?xml|job|package|hta:|head|body|svg)|^\s*(?:@echo|powershell|cmd(?:\.exe)?\s|on error resume|(?:var|function|dim|sub|option explicit|import|using)\s)/i;
const probeBytes = 256;

/** Whether `bytes` begin like a file of a kind that can do something, whatever it is called. */
export function beginsLikeFile(bytes: Buffer): boolean {
  if (beginnings.some((each) => bytes.subarray(0, each.length).equals(each))) return true;
  return scriptBeginning.test(bytes.toString('latin1', 0, probeBytes).replaceAll('\0', ''));
}

/** Programs looked for in one stream; where there are more, the first ones say enough. */
const maxPrograms = 16;
/** PE headers further behind would be no program that somebody hid. */
const peHeaderWithinBytes = 0x1000;

/** Programs (PE) that stand in `bytes` behind something else, each up to the end. */
export function* programsIn(bytes: Buffer): Generator<Buffer> {
  let found = 0;
  let at = bytes.indexOf('MZ', 1, 'latin1');
  while (at !== -1 && found < maxPrograms) {
    if (at + 64 <= bytes.length) {
      const header = at + bytes.readUInt32LE(at + 60);
      const isNear = header - at <= peHeaderWithinBytes && header + 4 <= bytes.length;
      if (isNear && bytes.readUInt32LE(header) === 0x4550) {
        found++;
        yield bytes.subarray(at);
      }
    }
    at = bytes.indexOf('MZ', at + 2, 'latin1');
  }
}
