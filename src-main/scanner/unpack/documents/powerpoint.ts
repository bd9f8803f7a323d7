// The PowerPoint Document stream of PowerPoint 97 to 2003 (MS-PPT §2.3.1): embedded objects and VBA projects.

import { giveInflated } from '../archives/give.ts';
import { inflate } from '../archives/inflate.ts';
import type { UnpackBudget } from '../budget.ts';
import type { Unpacked } from '../unpacker.ts';
import { memberOf } from './members.ts';

const headerBytes = 8;
/** ExOleObjStg, ExControlStg, VbaProjectStg (§2.10.34): type 0x1011, and instance 1 where it is compressed. */
const storageRecord = Buffer.from([0x11, 0x10]);
/** Size before compression, and the two octets of zlib's header. */
const sizeBytes = 4;
const zlibHeaderBytes = 2;
const encryptedToken = 0xf3d1c4df;

/** MS-PPT §2.3.2: whether the Current User stream says that the document is encrypted. */
export function isEncryptedPowerPoint(currentUser: Buffer): boolean {
  return currentUser.length >= 16 && currentUser.readUInt32LE(12) === encryptedToken;
}

/** The storages in the stream, wherever they stand: what contains them may be broken. */
export function* unpackPowerPoint(stream: Buffer, budget: UnpackBudget): Generator<Unpacked> {
  let objects = 0;
  let at = stream.indexOf(storageRecord);
  while (at !== -1) {
    let next = at + 1;
    const content = at - 2 + headerBytes;
    if (at >= 2 && content <= stream.length) {
      const instance = stream.readUInt16LE(at - 2);
      const data = stream.subarray(content, content + stream.readUInt32LE(at + 2));
      const isStored = instance === 0 && data.length > headerBytes && data.readUInt32BE(0) === 0xd0cf11e0;
      // Deflate with any window (RFC 1950 §2.2).
      const isDeflated = instance === 0x10 && data.length > 6 && ((data[sizeBytes] ?? 0) & 0x0f) === 8;
      if (isStored || isDeflated) {
        objects++;
        const name = `object-${objects}`;
        if (isStored) yield memberOf(name, data, budget);
        // What did not come out may be a lie that covers the next object.
        else next = content + (yield* inflatedObject(name, data, budget));
      }
    }
    at = stream.indexOf(storageRecord, Math.max(next, at + 1));
  }
}

/** Answers with the octets that it took. */
function* inflatedObject(name: string, data: Buffer, budget: UnpackBudget): Generator<Unpacked, number> {
  const code = budget.takeMember();
  if (code !== undefined) {
    yield { kind: 'limit', code };
    return 0;
  }
  const inflated = inflate(data.subarray(sizeBytes + zlibHeaderBytes), budget);
  yield* giveInflated(name, inflated);
  return inflated.kind === 'inflated' && !inflated.truncated ? inflated.inputBytes : 0;
}
