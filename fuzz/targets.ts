// What is fuzzed (the walker, each unpacker, all of the pipeline) and what must hold for any input. Loaded after the
// coverage was started, since it loads the scanner.
import { literalEngine } from '../src-main/scanner/engines/literal.ts';
import { fileTypeOf } from '../src-main/scanner/file-type.ts';
import { defaultLimits, maxDetections, maxNotes, type ScanLimits } from '../src-main/scanner/limits.ts';
import { decodeRegion, regionsOf } from '../src-main/scanner/mime/regions.ts';
import { walk } from '../src-main/scanner/mime/walker.ts';
import { defaultOptions, ruleGroups } from '../src-main/scanner/options.ts';
import { inspect, reportOf } from '../src-main/scanner/pipeline.ts';
import type { Sandbox } from '../src-main/scanner/sandbox/sandbox.ts';
import { UnpackBudget } from '../src-main/scanner/unpack/budget.ts';
import { unpackers } from '../src-main/scanner/unpack/unpack.ts';
import type { UnpackContext } from '../src-main/scanner/unpack/unpacker.ts';

/** Something that must hold for any input does not. */
class Broken extends Error {}

export interface Target {
  readonly name: string;
  /** Whether an input says anything at all. */
  readonly is: (bytes: Buffer) => boolean;
  /** Throws where something does not hold. */
  readonly run: (bytes: Buffer) => void;
  /** Milliseconds that an input may take; what of it is more than a second has its own limit in the scanner. */
  readonly boundMs: number;
}

const mebibyte = 1024 * 1024;

/** Small enough that an input which reaches them is quick, too. */
const limits: ScanLimits = {
  ...defaultLimits,
  partBytes: mebibyte,
  unpackedBytes: 4 * mebibyte,
  unpackRatioFromBytes: mebibyte,
  archiveMembers: 300,
  mimeParts: 200,
};

/** What inputs can make costly by a number in them counts for more, so that the limit of it comes sooner. */
class FuzzBudget extends UnpackBudget {
  override takeHashes(count: number): boolean {
    return super.takeHashes(count * 100);
  }
}

/** Gives pieces of what it gets: what comes out of the real one is octets and names like any others. */
const sandbox: Sandbox = {
  unpack: ({ bytes }) => ({
    members: [{ name: 'piece.exe', bytes: bytes.subarray(bytes.length >>> 1) }],
    limits: [],
    encryptedNames: (bytes[bytes.length - 1] ?? 0) % 4 === 0 ? ['secret.exe'] : [],
    openedByPassword: (bytes[bytes.length - 1] ?? 0) % 8 === 1,
  }),
  stop: () => undefined,
};

function unpackAndCheck(kind: string, unpack: (typeof unpackers)[number]['unpack'], bytes: Buffer): void {
  const context: UnpackContext = {
    name: 'a.exe',
    budget: new FuzzBudget(limits),
    passwords: () => ['pw', 'infected'],
    sandbox,
  };
  let members = 0;
  let octets = 0;
  let items = 0;
  let last: Buffer | undefined;
  for (const unpacked of unpack(bytes, context)) {
    items++;
    // One that is given by several names is one.
    if (unpacked.kind !== 'member' || unpacked.bytes === last) continue;
    last = unpacked.bytes;
    members++;
    octets += unpacked.bytes.length;
    if (unpacked.bytes.length > Math.max(bytes.length, limits.partBytes))
      throw new Broken(`${kind}: a member of ${unpacked.bytes.length} octets`);
  }
  // A member that goes beyond is given up to there; views into the input count where they are larger than it.
  if (octets > limits.unpackedBytes + limits.partBytes + bytes.length)
    throw new Broken(`${kind}: ${octets} octets out of ${bytes.length}`);
  if (members > 2 * limits.archiveMembers) throw new Broken(`${kind}: ${members} members`);
  if (items > 20 * limits.archiveMembers) throw new Broken(`${kind}: ${items} items`);
}

function walkAndDecode(bytes: Buffer): void {
  const walked = walk(bytes, limits);
  if (walked.parts > 2 * limits.mimeParts) throw new Broken(`${walked.parts} parts`);
  for (const region of regionsOf(bytes, walked).regions) {
    if (region.start < 0 || region.end > bytes.length || region.start > region.end)
      throw new Broken(`a region from ${region.start} to ${region.end}`);
    for (const variant of decodeRegion(bytes, region, limits.partBytes).variants)
      if (variant.length > limits.partBytes) throw new Broken(`a part of ${variant.length} octets`);
  }
}

const engine = literalEngine();

function inspectAndCheck(bytes: Buffer): void {
  const now = () => performance.now();
  const options = { ...defaultOptions, groups: ruleGroups };
  const inspector = { engines: [engine], fallback: engine, limits, options, sandbox, now };
  const found = inspect(bytes, inspector, now() + limits.softMs, { leaves: 'all' });
  const { detections, notes, parts } = reportOf(found, bytes.length, 0);
  if (detections.length > 2 * maxDetections || notes.length > maxNotes) throw new Broken('too much is found');
  if (parts > 2 * limits.mimeParts) throw new Broken(`${parts} parts`);
}

/** Milliseconds of a program that runs on until its steps are up, on a busy machine. */
const emulationMs = 20_000;

export const targets: readonly Target[] = [
  { name: 'walker', is: () => true, run: walkAndDecode, boundMs: 2_000 },
  {
    name: 'types',
    is: () => true,
    run: (bytes) => void [fileTypeOf(bytes), ...unpackers.map(({ is }) => is(bytes))],
    boundMs: 2_000,
  },
  ...unpackers.map(({ kind, is, unpack }) => ({
    name: kind,
    is,
    run: (bytes: Buffer) => unpackAndCheck(kind, unpack, bytes),
    boundMs: kind === 'packed-program' ? emulationMs : 2_000,
  })),
  { name: 'pipeline', is: () => true, run: inspectAndCheck, boundMs: emulationMs },
];

/** Never ends, or throws, when it is told to: shows that the fuzzer notices. Only by its name. */
export const selfTest: Target = {
  name: 'self-test',
  is: () => true,
  run(bytes) {
    const told = bytes.toString('latin1');
    if (told.startsWith('throw')) throw new TypeError('as it was told');
    const never: number[] = [];
    while (told.startsWith('hang') && never.length < 10) never[0] = never.length;
  },
  boundMs: 200,
};
