// Subjects for the tests of the rules, and what the rules say of them in short.
import { type FileType, fileTypeOf } from '../file-type.ts';
import type { Anomaly } from '../mime/anomalies.ts';
import { judge } from './heuristics.ts';
import type { Trait } from './traits.ts';

export interface Given {
  readonly content?: Buffer | string;
  readonly type?: FileType;
  readonly name?: string;
  readonly names?: readonly string[];
  readonly traits?: readonly Trait[];
  readonly around?: readonly FileType[];
  readonly holds?: readonly FileType[];
  readonly anomalies?: readonly Anomaly[];
}

/** What the rules say of an attachment, as `harmful Postern.Some.Name`. */
export function saidOf({
  content = 'x',
  type,
  name,
  names,
  traits,
  around,
  holds,
  anomalies,
}: Given): string[] {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
  return judge({
    bytes,
    type: type ?? fileTypeOf(bytes),
    names: names ?? (name === undefined ? [] : [name]),
    traits: new Set(traits),
    around: around ?? ['message'],
    holds: new Set(holds),
    anomalies: new Set(anomalies),
  }).map((judgement) => `${judgement.severity} ${judgement.name}`);
}

/** The beginning of a Windows program, as far as anything here reads it. */
export const windowsProgram: Buffer = Buffer.from('MZ\x90\0\x03\0\0\0 no program', 'latin1');
