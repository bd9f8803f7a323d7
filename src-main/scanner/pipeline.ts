// One message in, what was found in it and where: the raw octets, every reading of its parts, what archives and
// documents hold.
import { hash } from 'node:crypto';
import type { Detection, LimitCode, Note, Verdict } from '../contract/verdict.ts';
import type { Engine, Finding, Match } from './engines/engine.ts';
import { type FileType, fileTypeOf } from './file-type.ts';
import { FindingLog, findingOf } from './findings.ts';
import { judge } from './heuristics/heuristics.ts';
import { layersBaseBytes, layersFactor, nameBytes, passwordTextBytes, type ScanLimits } from './limits.ts';
import type { Ahead } from './mime/ahead.ts';
import type { Anomaly } from './mime/anomalies.ts';
import { decodeRegion, partsOf, type Region, regionsOf } from './mime/regions.ts';
import { isText } from './mime/text-shape.ts';
import { type Walk, walk } from './mime/walker.ts';
import { cleanName, judgedName } from './names.ts';
import type { InspectOptions } from './options.ts';
import type { Sandbox } from './sandbox/sandbox.ts';
import { type Look, newLook, Seen } from './seen.ts';
import { UnpackBudget } from './unpack/budget.ts';
import { candidatePasswords } from './unpack/passwords.ts';
import { unpackersOf } from './unpack/unpack.ts';
import type { UnpackContext } from './unpack/unpacker.ts';

/**
 * Raise this with every change of code that may change a verdict: of the walker, a decoder, an unpacker, a heuristic, a
 * limit that is no part of ScanLimits. Clean verdicts of other revisions are forgotten.
 */
export const pipelineRevision = 5;

export interface Inspector {
  /** Each looks at everything. */
  readonly engines: readonly Engine[];
  /** Stands in where one of them fails or gives up. */
  readonly fallback: Engine;
  readonly limits: ScanLimits;
  readonly options: InspectOptions;
  /** Where risky formats are unpacked; undefined: they are not. */
  readonly sandbox: Sandbox | undefined;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
}

/** What is known of the octets already, and what else is wanted of them. */
export interface Hints {
  /** Of all of them, in hex. */
  readonly sha256?: string | undefined;
  /** What a file with them is called. */
  readonly name?: string | undefined;
  /** What was worked out while they arrived; of use once. */
  readonly ahead?: Ahead | undefined;
  /** Whether the decoded parts are wanted, for engines elsewhere: `ambiguous`: where mail programs may disagree. */
  readonly leaves?: 'none' | 'ambiguous' | 'all';
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

/** One reading of a part, decoded. */
interface Leaf {
  readonly region: Region;
  /** As in a detection. */
  readonly part: string;
  readonly bytes: Buffer;
}

export interface Inspection {
  readonly detections: readonly Detection[];
  readonly notes: readonly Note[];
  readonly limits: ReadonlySet<LimitCode>;
  readonly sha256: string;
  readonly parts: number;
  readonly hits: readonly Hit[];
  readonly rawHits: readonly RawHit[];
  readonly walk: Walk;
  readonly leaves: readonly Leaf[];
}

/** A verdict before its outcome and other engines' reports: the contract adds that up, and workers do without its
 *  schema library. */
export type Report = Omit<Verdict, 'outcome' | 'engines'>;

/** What one set of octets is within the message. */
interface Place {
  readonly path: string;
  readonly names: readonly string[];
  readonly mimeDepth: number;
  readonly archiveDepth: number;
  /** Encoded texts that are directly within each other. */
  readonly layers: number;
  readonly around: readonly FileType[];
  /** All that the innermost of those holds. */
  readonly holder: Set<FileType> | undefined;
}

/** Characters of a path in a verdict: some nested names. */
const pathCharacters = 4 * nameBytes;

function pathOf({ path, names }: Pick<Place, 'path' | 'names'>): string {
  return [path, cleanName(names[0])]
    .filter((piece) => piece !== undefined && piece !== '')
    .join('/')
    .slice(0, pathCharacters);
}

class Inspecting {
  readonly #inspector: Inspector;
  readonly #deadline: number;
  readonly #hints: Hints;
  readonly #budget: UnpackBudget;
  readonly #findings: FindingLog;
  readonly #limits = new Set<LimitCode>();
  readonly #anomalies = new Set<Anomaly>();
  readonly #seen = new Seen();
  readonly #leaves: Leaf[] = [];
  #parts = 0;
  /** Octets that may still be decoded of what was encoded more than once. */
  #layersLeft = layersBaseBytes;
  #passwords: readonly string[] | undefined;
  /** Texts that passwords may stand in. */
  #texts: () => Iterable<Buffer> = () => [];

  constructor(inspector: Inspector, deadline: number, hints: Hints) {
    this.#inspector = inspector;
    this.#deadline = deadline;
    this.#hints = hints;
    this.#budget = new UnpackBudget(inspector.limits);
    this.#findings = new FindingLog(inspector.options.groups);
  }

  run(bytes: Buffer): Inspection {
    const { sha256 = hash('sha256', bytes), ahead, name } = this.#hints;
    const place: Place = {
      path: '',
      names: [],
      mimeDepth: 0,
      archiveDepth: 0,
      layers: 0,
      around: [],
      holder: undefined,
    };
    this.#layersLeft += bytes.length * layersFactor;
    const rawHits = this.#scan(bytes, '', sha256).flatMap(({ name, matches }) =>
      (matches.length > 0 ? matches : [{ offset: 0, length: bytes.length }]).map((match) => ({
        ...match,
        name,
      })),
    );
    const { look } = this.#seen.claim(bytes, sha256);
    look.type = fileTypeOf(bytes);
    const walked = this.#walk(bytes, place, ahead);
    this.#texts = () => this.#passwordTexts(bytes, walked.regions);
    this.#unpack(bytes, place, look);
    const inner: Place = { ...place, around: [look.type], holder: look.holds };
    const hits = partsOf(bytes, walked.regions).flatMap((region) =>
      this.#region(bytes, region, inner, ahead).map((name) => ({ region, name })),
    );
    this.#judge(bytes, place, look, name === undefined ? [] : [name]);
    return {
      detections: this.#findings.detections(),
      notes: this.#findings.notes(),
      limits: this.#limits,
      sha256,
      parts: Math.max(1, this.#parts),
      hits,
      rawHits,
      walk: walked.walk,
      leaves: this.#leaves,
    };
  }

  /** Looks into octets that came out of others; answers with the names of what is harmful in them. */
  #inspect(bytes: Buffer, place: Place): readonly string[] {
    if (bytes.length === 0 || this.#isLate()) return [];
    const { look, isNew } = this.#seen.claim(bytes);
    if (!isNew) {
      this.#isHeld(place, look);
      return [...look.names, ...this.#judge(bytes, place, look)];
    }
    const names = new Set(this.#scan(bytes, pathOf(place)).map(({ name }) => name));
    look.type = fileTypeOf(bytes);
    // Octets that hold themselves are looked into once.
    look.names = [...names];
    for (const name of this.#unpack(bytes, place, look)) names.add(name);
    if (isText(bytes)) for (const name of this.#asMessage(bytes, place, look)) names.add(name);
    look.names = [...names];
    this.#isHeld(place, look);
    return [...names, ...this.#judge(bytes, place, look)];
  }

  /** Octets that may be a message, or a text with something encoded in it. */
  #asMessage(bytes: Buffer, place: Place, { type, holds }: Look): readonly string[] {
    if (type === 'message' && !this.#inspector.options.emailFiles) {
      this.#limits.add('by-setting');
      return [];
    }
    const inner: Place = {
      ...place,
      around: [type, ...place.around],
      holder: holds,
    };
    const { regions } = this.#walk(bytes, place);
    return partsOf(bytes, regions).flatMap((region) => this.#region(bytes, region, inner));
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
    for (const anomaly of walked.anomalies) this.#anomalies.add(anomaly);
    const { regions, complete } = regionsOf(bytes, walked);
    if (!complete) this.#limits.add('unpacked-size');
    return { walk: walked, regions };
  }

  #region(bytes: Buffer, region: Region, within: Place, ahead?: Ahead): readonly string[] {
    if (this.#isLate()) return [];
    const { start, end, encoding } = region;
    const around = pathOf(within);
    const path = around === '' ? region.path : around;
    const names = region.names.length > 0 || around === '' ? region.names : [region.path];
    const layers = within.layers + (encoding === 'identity' ? 0 : 1);
    const place: Place = { ...within, path, names, mimeDepth: within.mimeDepth + 1, layers };
    if (encoding === 'identity') {
      const isPart = end - start < bytes.length;
      return isPart ? this.#identity(bytes.subarray(start, end), region, place) : [];
    }
    if (place.mimeDepth >= this.#inspector.limits.mimeDepth) {
      this.#limits.add('mime-depth');
      return [];
    }
    const { variants, cut } = decodeRegion(bytes, region, this.#inspector.limits.partBytes, ahead);
    if (cut) this.#limits.add('part-size');
    for (const variant of variants) this.#collect(region, variant, place, within);
    return variants.flatMap((variant) => {
      if (layers > 1) this.#layersLeft -= variant.length;
      if (this.#layersLeft < 0) this.#limits.add('unpacked-size');
      return this.#layersLeft < 0 ? [] : this.#inspect(variant, place);
    });
  }

  /** A part as it stands: its text was walked with the whole. */
  #identity(bytes: Buffer, region: Region, place: Place): readonly string[] {
    this.#collect(region, bytes, place, place);
    const names = this.#scan(bytes, pathOf(place)).map(({ name }) => name);
    const look = newLook();
    look.type = fileTypeOf(bytes);
    names.push(...this.#unpack(bytes, place, look));
    this.#isHeld(place, look);
    // What hardly anybody sees so is no reason to say how it would look.
    return region.isUnlikely ? names : [...names, ...this.#judge(bytes, place, look)];
  }

  #collect(region: Region, bytes: Buffer, place: Place, { mimeDepth }: Place): void {
    const { leaves = 'none' } = this.#hints;
    if (leaves === 'none' || mimeDepth > 1) return;
    if (leaves === 'all' || this.#anomalies.size > 0)
      this.#leaves.push({ region, part: pathOf(place), bytes });
  }

  #unpack(bytes: Buffer, place: Place, look: Look): string[] {
    const { limits, options, sandbox } = this.#inspector;
    const inner: Omit<Place, 'names'> = {
      path: pathOf(place),
      mimeDepth: place.mimeDepth,
      archiveDepth: place.archiveDepth + 1,
      layers: 0,
      around: [look.type, ...place.around],
      holder: look.holds,
    };
    const context: UnpackContext = {
      name: place.names[0],
      budget: this.#budget,
      passwords: () => this.#candidates(),
      sandbox,
    };
    const names: string[] = [];
    for (const { object, unpack } of unpackersOf(bytes)) {
      if (object !== 'always' && !options[object]) {
        this.#limits.add('by-setting');
        continue;
      }
      if (place.archiveDepth >= limits.archiveDepth) {
        this.#limits.add('archive-depth');
        continue;
      }
      for (const unpacked of unpack(bytes, context)) {
        if (unpacked.kind === 'limit') this.#limits.add(unpacked.code);
        else if (unpacked.kind === 'trait') look.traits.add(unpacked.trait);
        else {
          const name = judgedName(unpacked.name);
          names.push(...this.#inspect(unpacked.bytes, { ...inner, names: name === undefined ? [] : [name] }));
        }
        if (this.#isLate()) break;
      }
    }
    return names;
  }

  /** Tells what octets came out of what they are, and what they hold. */
  #isHeld({ holder }: Place, { type, holds }: Look): void {
    for (const each of [type, ...holds]) holder?.add(each);
  }

  #candidates(): readonly string[] {
    this.#passwords ??= candidatePasswords(this.#texts());
    return this.#passwords;
  }

  /** The header of the message, and its texts. */
  *#passwordTexts(bytes: Buffer, regions: readonly Region[]): Generator<Buffer> {
    const bodyStart = regions[0]?.start ?? bytes.length;
    yield bytes.subarray(0, Math.min(bodyStart, passwordTextBytes));
    let left = passwordTextBytes;
    for (const region of regions) {
      if (region.isUnlikely || region.end - region.start > left) continue;
      left -= region.end - region.start;
      for (const text of decodeRegion(bytes, region, left).variants) if (isText(text)) yield text;
    }
  }

  /** Runs the engines, notes what they found, and answers with what of it is harmful. */
  #scan(bytes: Buffer, part: string, sha256?: string): readonly Finding[] {
    const { engines, fallback } = this.#inspector;
    return engines.flatMap((engine) => {
      const findings = engine.scan(bytes);
      if (typeof findings !== 'string')
        return this.#findings.add(findings, { engine: engine.id, bytes, part, sha256 });
      this.#limits.add(findings === 'timeout' ? 'engine-timeout' : 'engine-failed');
      const second = fallback.scan(bytes);
      return typeof second === 'string'
        ? []
        : this.#findings.add(second, { engine: fallback.id, bytes, part, sha256 });
    });
  }

  /** `names`: all that it is called. */
  #judge(bytes: Buffer, place: Place, { type, traits, holds }: Look, names = place.names): readonly string[] {
    const judgements = judge({
      bytes,
      type,
      traits,
      names,
      around: place.around,
      holds,
      anomalies: this.#anomalies,
    });
    if (judgements.length === 0) return [];
    const at = { engine: 'heuristics', bytes, part: pathOf(place) };
    return this.#findings.add(judgements.map(findingOf), at).map(({ name }) => name);
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
 */
export function inspect(
  bytes: Buffer,
  inspector: Inspector,
  deadline: number,
  hints: Hints = {},
): Inspection {
  return new Inspecting(inspector, deadline, hints).run(bytes);
}

/** What an inspection says of a message. `bytes`: its size; `ms`: what it took. */
export function reportOf(inspection: Inspection, bytes: number, ms: number): Report {
  const { detections, notes, sha256, parts, limits } = inspection;
  return {
    complete: limits.size === 0,
    detections: [...detections],
    notes: [...notes],
    limits: [...limits],
    sha256,
    bytes,
    parts,
    ms,
  };
}
