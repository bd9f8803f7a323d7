// Formats that 7-Zip unpacks, in the sandbox.
import type { UnpackContext, Unpacked } from '../unpacker.ts';
import { unpackInSandbox } from './sandboxed.ts';
import { sevenZipFormatsOf } from './seven-zip-formats.ts';

export { isSevenZip } from './seven-zip-formats.ts';

/** A piece of an archive, as it is called: `a.7z.002`, `a.part2.rar`, `a.r01`. */
const pieceName = /\.(?:\d{3}|part\d+\.rar|[r-z]\d\d|z\d\d)$/i;

/** What is called so holds a tar. */
const tarEnding = /\.t(?:bz2?|xz|lz|az)$/i;

/** What unpacking programs call the stream in a file of this name. */
function streamName(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  return tarEnding.test(name) ? name.replace(tarEnding, '.tar') : name.replace(/\.[a-z0-9]{1,5}$/i, '');
}

export function* unpackSevenZip(bytes: Buffer, context: UnpackContext): Generator<Unpacked> {
  for (const { extension, isStream } of sevenZipFormatsOf(bytes)) {
    const inner = isStream ? streamName(context.name) : undefined;
    for (const unpacked of unpackInSandbox(bytes, extension, context)) {
      if (unpacked.kind === 'member' && inner) yield { ...unpacked, name: inner };
      else yield unpacked;
      const isUnreadable = unpacked.kind === 'limit' && unpacked.code === 'unsupported-archive';
      if (isUnreadable && pieceName.test(context.name ?? '')) {
        yield { kind: 'limit', code: 'split-archive' };
        yield { kind: 'trait', trait: 'split-archive' };
      }
    }
  }
}
