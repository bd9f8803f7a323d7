// Unpacks one level of given octets, for tests: by every way that there is, under a budget of its own.
import { defaultLimits, type ScanLimits } from '../limits.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { UnpackBudget } from './budget.ts';
import { unpackersOf } from './unpack.ts';
import type { UnpackContext, Unpacked } from './unpacker.ts';

export interface Circumstances {
  readonly limits?: Partial<ScanLimits>;
  readonly name?: string;
  readonly passwords?: readonly string[];
  readonly sandbox?: Sandbox;
}

export function contextOf({ limits, name, passwords = [], sandbox }: Circumstances = {}): UnpackContext {
  return {
    name,
    budget: new UnpackBudget({ ...defaultLimits, ...limits }),
    passwords: () => passwords,
    sandbox,
  };
}

export function unpackAll(bytes: Buffer, circumstances: Circumstances = {}): Unpacked[] {
  const context = contextOf(circumstances);
  return unpackersOf(bytes).flatMap(({ unpack }) => [...unpack(bytes, context)]);
}

/** Members as `name=text`, limits by their codes, traits in brackets. */
export function shown(all: Iterable<Unpacked>): string[] {
  return [...all].map((each) => {
    if (each.kind === 'limit') return each.code;
    return each.kind === 'trait' ? `[${each.trait}]` : `${each.name}=${each.bytes.toString('latin1')}`;
  });
}

/** One level of `bytes`, as `shown`. */
export function contentsOf(bytes: Buffer, circumstances: Circumstances = {}): string[] {
  return shown(unpackAll(bytes, circumstances));
}
