// Words for what an unpacker gave, for tests.
import type { Unpacked } from '../unpacker.ts';

/** Members as `name=text`, limits by their codes, traits in brackets. */
export function described(unpacked: Iterable<Unpacked>): string[] {
  return [...unpacked].map((each) => {
    if (each.kind === 'limit') return each.code;
    return each.kind === 'trait' ? `[${each.trait}]` : `${each.name}=${each.bytes.toString('latin1')}`;
  });
}
