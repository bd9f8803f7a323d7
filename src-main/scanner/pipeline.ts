// One message in, what was found in it and where: the raw octets, every reading of its parts, what archives hold.
import { hash } from 'node:crypto';
import type { Detection, LimitCode, Verdict } from '../contract/verdict.ts';
import type { Engine, Finding, Match } from './engines/engine.ts';
import { maxDetections, nameBytes, type ScanLimits } from './limits.ts';
import type { Ahead } from './mime/ahead.ts';
import { decodeRegion, type Region, regionsOf } from './mime/regions.ts';
import { type Walk, walk } from './mime/walker.ts';
import { cleanName } from './names.ts';
import { Seen } from './seen.ts';
import { UnpackBudget } from './unpack/budget.ts';
import { archiveKinds, unpack } from './unpack/unpack.ts';

/**
 * Raise this with every change of code that may change a verdict: of the walker, a decoder, an unpacker, a limit that is
 * no part of ScanLimits. Clean verdicts of other revisions are forgotten.
 */
export const pipelineRevision = 2;

export interface Inspector {
  readonly engine: Engine;
  /** Stands in where `engine` fails or gives up. */
  readonly fallback: Engine;
  readonly limits: ScanLimits;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
}

/** A region in which something harmful was found, and what. */
interface Hit {
  readonly region: Region;
  readonly name: string;
}

/** A place of the original octets in which something harmful stands as it is. */
export interface RawHit extends Match {
  readonly name: string;
}

export interface Inspection {
  readonly detections: readonly Detection[];
  readonly limits: ReadonlySet<LimitCode>;
  readonly sha256: string;
  readonly parts: number;
  readonly hits: readonly Hit[];
  readonly rawHits: readonly RawHit[];
  readonly walk: Walk;
}

/** A verdict before its outcome: the contract adds that up, and workers do without its schema library. */
export type Report = Omit<Verdict, 'outcome'>;

/** What one set of octets is within the message. */
interface Place {
  readonly path: string;
  readonly name: string | undefined;
  readonly mimeDepth: number;
  readonly archiveDepth: number;
}

/** Octets at the beginning that tell text from other content. */
const textProbeBytes = 1024;

/** Whether a mail program could show `bytes` as text or as a message. */
function isText(bytes: Buffer): boolean {
  return !bytes.subarray(0, textProbeBytes).includes(0);
}

/** Characters of a path in a verdict: some nested names. */
const pathCharacters = 4 * nameBytes;

function pathOf(path: string, name: string | undefined): string {
  return [path, name]
    .filter((piece) => piece !== undefined && piece !== '')
    .join('/')
    .slice(0, pathCharacters);
}

/** Whether a message with this in it must be made harmless. */
export function isHarmful({ category }: { readonly category: Detection['category'] }): boolean {
  return category !== 'suspicious';
}

/** Without those that say the same of something around: of a message, where its part is named too. */
function mostExact(detections: readonly Detection[]): Detection[] {
  const isAround = (outer: string, inner: string) =>
    outer === '' ? inner !== '' : inner.startsWith(`${outer}/`);
  return detections.filter(
    ({ name, part }) => !detections.some((other) => other.name === name && isAround(part, other.part)),
  );
}

class Inspecting {
  readonly #inspector: Inspector;
  readonly #deadline: number;
  readonly #budget: UnpackBudget;
  readonly #detections = new Map<string, Detection>();
  /** Names among them: each is noted at least once, however many there are. */
  readonly #names = new Set<string>();
  readonly #limits = new Set<LimitCode>();
  readonly #seen = new Seen();
  #parts = 0;

  constructor(inspector: Inspector, deadline: number) {
    this.#inspector = inspector;
    this.#deadline = deadline;
    this.#budget = new UnpackBudget(inspector.limits);
  }

  run(bytes: Buffer, sha256: string, ahead: Ahead | undefined): Inspection {
    const place: Place = { path: '', name: undefined, mimeDepth: 0, archiveDepth: 0 };
    const found = this.#scan(bytes, '', sha256);
    const rawHits = found.flatMap(({ name, matches }) =>
      (matches.length > 0 ? matches : [{ offset: 0, length: bytes.length }]).map((match) => ({
        ...match,
        name,
      })),
    );
    this.#seen.claim(bytes, sha256);
    this.#unpack(bytes, place);
    const walked = this.#walk(bytes, place, ahead);
    const hits = walked.regions.flatMap((region) =>
      this.#region(bytes, region, place, ahead).map((name) => ({ region, name })),
    );
    return {
      detections: mostExact([...this.#detections.values()]),
      limits: this.#limits,
      sha256,
      parts: Math.max(1, this.#parts),
      hits,
      rawHits,
      walk: walked.walk,
    };
  }

  /** Looks into octets that came out of others; answers with the names of what is harmful in them. */
  #inspect(bytes: Buffer, place: Place): readonly string[] {
    if (bytes.length === 0 || this.#isLate()) return [];
    const { look, isNew } = this.#seen.claim(bytes);
    if (!isNew) return look.names;
    const names = new Set(this.#scan(bytes, pathOf(place.path, place.name)).map(({ name }) => name));
    // Octets that hold themselves are looked into once.
    look.names = [...names];
    for (const name of this.#unpack(bytes, place)) names.add(name);
    if (isText(bytes)) {
      for (const region of this.#walk(bytes, place).regions)
        for (const name of this.#region(bytes, region, place)) names.add(name);
    }
    look.names = [...names];
    return look.names;
  }

  #walk(bytes: Buffer, place: Place, ahead?: Ahead): { walk: Walk; regions: readonly Region[] } {
    const { mimeDepth, mimeParts, headerBytes } = this.#inspector.limits;
    const left = {
      mimeDepth: mimeDepth - place.mimeDepth,
      mimeParts: Math.max(1, mimeParts - this.#parts),
      headerBytes,
    };
    const walked = walk(bytes, left, ahead);
    this.#parts += walked.parts;
    for (const code of walked.limits) this.#limits.add(code);
    const { regions, complete } = regionsOf(bytes, walked);
    if (!complete) this.#limits.add('unpacked-size');
    return { walk: walked, regions };
  }

  #region(bytes: Buffer, region: Region, within: Place, ahead?: Ahead): readonly string[] {
    if (this.#isLate()) return [];
    const { start, end, encoding } = region;
    const around = pathOf(within.path, within.name);
    const path = around === '' ? region.path : around;
    const name = region.name ?? (around === '' ? undefined : region.path);
    const place: Place = { ...within, path, name, mimeDepth: within.mimeDepth + 1 };
    if (encoding === 'identity')
      return this.#identity(bytes.subarray(start, end), place, end - start < bytes.length);
    if (place.mimeDepth >= this.#inspector.limits.mimeDepth) {
      this.#limits.add('mime-depth');
      return [];
    }
    const { variants, cut } = decodeRegion(bytes, region, this.#inspector.limits.partBytes, ahead);
    if (cut) this.#limits.add('part-size');
    return variants.flatMap((variant) => this.#inspect(variant, place));
  }

  /** A part as it stands: its text was walked with the whole. */
  #identity(bytes: Buffer, place: Place, isPart: boolean): readonly string[] {
    if (!isPart) return [];
    const found = this.#scan(bytes, pathOf(place.path, place.name));
    return [...found.map(({ name }) => name), ...this.#unpack(bytes, place)];
  }

  #unpack(bytes: Buffer, place: Place): string[] {
    const names: string[] = [];
    for (const kind of archiveKinds(bytes)) {
      if (kind !== 'unsupported' && place.archiveDepth >= this.#inspector.limits.archiveDepth) {
        this.#limits.add('archive-depth');
        continue;
      }
      for (const unpacked of unpack(bytes, kind, place.name, this.#budget)) {
        if (unpacked.kind === 'limit') this.#limits.add(unpacked.code);
        else
          names.push(
            ...this.#inspect(unpacked.bytes, {
              path: pathOf(place.path, place.name),
              name: cleanName(unpacked.name),
              mimeDepth: place.mimeDepth,
              archiveDepth: place.archiveDepth + 1,
            }),
          );
        if (this.#isLate()) break;
      }
    }
    return names;
  }

  /** Runs the engine, notes what it found, and answers with what of it is harmful. */
  #scan(bytes: Buffer, part: string, sha256?: string): readonly Finding[] {
    const { engine, fallback } = this.#inspector;
    let by = engine;
    let findings = engine.scan(bytes);
    if (typeof findings === 'string') {
      this.#limits.add(findings === 'timeout' ? 'engine-timeout' : 'engine-failed');
      by = fallback;
      findings = fallback.scan(bytes);
    }
    if (typeof findings === 'string') return [];
    for (const { name, category } of findings) {
      const key = `${name}\0${part}`;
      const isNew = !this.#names.has(name);
      if (this.#detections.has(key) || (this.#detections.size >= maxDetections && !isNew)) continue;
      this.#names.add(name);
      const octets = sha256 ?? hash('sha256', bytes);
      this.#detections.set(key, { name, engine: by.id, category, part, sha256: octets });
    }
    return findings.filter(isHarmful);
  }

  #isLate(): boolean {
    if (this.#inspector.now() < this.#deadline) return false;
    this.#limits.add('scan-time');
    return true;
  }
}

/**
 * Looks into `bytes`, a message or any file, in every way a mail program might. Synchronous; never throws for what
 * they hold.
 * @param deadline on the inspector's clock; nothing new is looked into after it
 * @param sha256 of `bytes`, in hex
 * @param ahead what was worked out while they arrived; of use once
 */
export function inspect(
  bytes: Buffer,
  inspector: Inspector,
  deadline: number,
  sha256 = hash('sha256', bytes),
  ahead?: Ahead,
): Inspection {
  return new Inspecting(inspector, deadline).run(bytes, sha256, ahead);
}

/** Whether a message with these detections must be made harmless. */
export function isInfected(detections: readonly Detection[]): boolean {
  return detections.some(isHarmful);
}

/** What an inspection says of a message. `bytes`: its size; `ms`: what it took. */
export function reportOf(inspection: Inspection, bytes: number, ms: number): Report {
  const { detections, sha256, parts, limits } = inspection;
  return {
    complete: limits.size === 0,
    detections: [...detections],
    limits: [...limits],
    sha256,
    bytes,
    parts,
    ms,
  };
}
