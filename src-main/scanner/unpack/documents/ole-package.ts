// Files that were dropped into documents: the Packager's native data (MS-OLEDS §2.3.6 around it, its inside is
// documented by what programs write).
import { fileTypeOf } from '../../file-type.ts';
import { startedTypes } from '../../heuristics/kinds.ts';
import { namesToGive } from '../archives/give.ts';
import { isProgramName } from '../archives/program-names.ts';
import type { UnpackBudget } from '../budget.ts';
import type { Unpacked } from '../unpacker.ts';
import { memberOf } from './members.ts';

/** Octets of a path or a label. */
const maxTextBytes = 1024;

interface Packaged {
  readonly names: readonly string[];
  readonly bytes: Buffer;
}

function textAt(bytes: Buffer, at: number): { text: string; end: number } | undefined {
  const end = bytes.subarray(at, at + maxTextBytes).indexOf(0);
  return end === -1 ? undefined : { text: bytes.toString('latin1', at, at + end), end: at + end + 1 };
}

function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('\\'), path.lastIndexOf('/')) + 1);
}

/** Reads what the Packager wrote, without a size before it; undefined: it is something else. */
export function readPackage(bytes: Buffer): Packaged | undefined {
  const label = textAt(bytes, 2);
  const original = label && textAt(bytes, label.end);
  // Two words of flags: the second is 3 where the file itself is there, 1 where there is only a link.
  if (!label || !original || original.end + 8 > bytes.length) return undefined;
  const pathBytes = bytes.readUInt32LE(original.end + 4);
  const sizeAt = original.end + 8 + pathBytes;
  if (pathBytes > maxTextBytes || sizeAt + 4 > bytes.length) return undefined;
  const path = textAt(bytes, original.end + 8)?.text ?? '';
  const names = [path, original.text, label.text].map(baseName).filter((name) => name !== '');
  const size = bytes.readUInt32LE(sizeAt);
  return { names: [...new Set(names)], bytes: bytes.subarray(sizeAt + 4, sizeAt + 4 + size) };
}

function isProgram({ names, bytes }: Packaged): boolean {
  return names.some(isProgramName) || startedTypes.has(fileTypeOf(bytes));
}

/** The file of a package under each of its names: which one counts depends on how it is opened. */
export function* unpackPackage(packaged: Packaged, budget: UnpackBudget): Generator<Unpacked> {
  yield { kind: 'trait', trait: 'ole-package' };
  if (isProgram(packaged)) yield { kind: 'trait', trait: 'ole-program' };
  const names = namesToGive(packaged.names);
  for (const name of names.length === 0 ? ['package'] : names) yield memberOf(name, packaged.bytes, budget);
}

/** `\x01Ole10Native`: a size, then native data: a package, or what another OLE 1 program wrote (MS-OLEDS §2.3.6). */
export function* unpackNative(stream: Buffer, budget: UnpackBudget): Generator<Unpacked> {
  if (stream.length < 8) return;
  // Some write the size as zero or leave it out; the package behind it is opened all the same.
  const packaged = readPackage(stream.subarray(4)) ?? readPackage(stream);
  if (packaged && packaged.bytes.length > 0) yield* unpackPackage(packaged, budget);
  else yield memberOf('native-data', stream.subarray(4), budget);
}
