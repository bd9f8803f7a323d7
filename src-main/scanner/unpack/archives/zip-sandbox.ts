// Zips with methods that node:zlib doesn't know: 7-Zip unpacks them, in the sandbox.
import type { UnpackContext, Unpacked } from '../unpacker.ts';
import { unpackInSandbox } from './sandboxed.ts';

/** @param wanted members that the central directory names and that only 7-Zip can unpack */
export function* unpackZipInSandbox(
  bytes: Buffer,
  context: UnpackContext,
  wanted: number,
): Generator<Unpacked> {
  let given = 0;
  let isLimited = false;
  for (const each of unpackInSandbox(bytes, 'zip', context)) {
    if (each.kind === 'member') given++;
    if (each.kind === 'limit') isLimited = true;
    yield each;
  }
  // Another reader of the same records may have found fewer members than there are.
  if (given < wanted && !isLimited) yield { kind: 'limit', code: 'unsupported-archive' };
}
