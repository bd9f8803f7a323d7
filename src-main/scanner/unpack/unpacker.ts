// What an unpacker of one format is: octets in, members and facts out, lazily and under a common budget.
import type { LimitCode } from '../../contract/verdict.ts';
import type { Trait } from '../heuristics/traits.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { UnpackBudget } from './budget.ts';

/** A member; why something was not looked into; or something that was noticed. */
export type Unpacked =
  | { readonly kind: 'member'; readonly name: string; readonly bytes: Buffer }
  | { readonly kind: 'limit'; readonly code: LimitCode }
  | { readonly kind: 'trait'; readonly trait: Trait };

export interface UnpackContext {
  /** Of the octets themselves, when known: the first reading. */
  readonly name: string | undefined;
  /** Shared by everything in one message. */
  readonly budget: UnpackBudget;
  /** Words of the message that may open what is encrypted, the likeliest first; found out when they are asked for. */
  readonly passwords: () => readonly string[];
  /** Where risky formats are unpacked; undefined: nowhere. */
  readonly sandbox: Sandbox | undefined;
}

export interface Unpacker {
  readonly kind: string;
  /** Which setting decides; `always`: none. */
  readonly object: 'archives' | 'selfExtracting' | 'always';
  /** Whether `bytes` may be this. Cheap, and never throws. */
  readonly is: (bytes: Buffer) => boolean;
  /** Never throws for what `bytes` hold. Damage is a limit, after what could be had. */
  readonly unpack: (bytes: Buffer, context: UnpackContext) => Iterable<Unpacked>;
}
