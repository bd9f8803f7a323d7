// How contents become members: as far as the budget allows, with a limit for what is left out.
import type { UnpackBudget } from '../budget.ts';
import type { Unpacked } from '../unpacker.ts';
import type { Inflated } from './inflate.ts';

/** A member whose octets stand in the archive as they are; a first piece of it when it is too large. */
export function* giveStored(name: string, content: Buffer, budget: UnpackBudget): Generator<Unpacked> {
  const { octets, code } = budget.allowance(content.length);
  const given = content.subarray(0, octets);
  budget.takeOutput(given.length);
  if (given.length > 0) yield { kind: 'member', name, bytes: given };
  if (content.length > given.length) yield { kind: 'limit', code };
}

/** A member that was inflated; what could be had of it. */
export function* giveInflated(name: string, inflated: Inflated): Generator<Unpacked> {
  if (inflated.bytes.length > 0) yield { kind: 'member', name, bytes: inflated.bytes };
  if (inflated.kind === 'limit') yield { kind: 'limit', code: inflated.code };
  else if (inflated.kind === 'damaged' || inflated.truncated)
    yield { kind: 'limit', code: 'damaged-archive' };
}

function endingOf(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1).toLowerCase();
}

/** The first of `names`, and those of the others that say another kind of file; what a file is called decides how it opens. */
export function namesToGive(names: readonly string[]): readonly string[] {
  return names.filter(
    (name, index) => names.findIndex((other) => endingOf(other) === endingOf(name)) === index,
  );
}
