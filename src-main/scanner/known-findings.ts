// What another engine found in a message, as if it had been found here: so that it can be made harmless in the same way.
import { fillAll, noticeFor } from './fill.ts';
import { isHarmful } from './findings.ts';
import { type Region, regionsOf } from './mime/regions.ts';
import { differences, neutralise, type Overwrite } from './neutralise.ts';
import type { Inspection, Inspector } from './pipeline.ts';

export interface KnownFinding {
  readonly name: string;
  /** Of a leaf that was given out; empty: all content of the message; `*`: its header fields, too. */
  readonly part: string;
  readonly category: 'malware' | 'suspicious' | 'test';
}

/** All but the structure of the message goes: what is harmful may be anywhere. */
const everything = '*';

/** Whether `part` is this region, or lies within it. */
function isIn(part: string, { path, names }: Region): boolean {
  const label = [path, names[0]].filter((piece) => piece !== undefined && piece !== '').join('/');
  return label !== '' && (part === path || part === label || part.startsWith(`${label}/`));
}

/** `found` with what is known beside it. A part that is nowhere to be seen may be anywhere. */
export function withKnown(bytes: Buffer, found: Inspection, known: readonly KnownFinding[]): Inspection {
  const harmful = known.filter(isHarmful);
  if (harmful.length === 0) return found;
  const { regions } = regionsOf(bytes, found.walk);
  const hits = harmful.flatMap(({ name, part }) =>
    regions.filter((region) => isIn(part, region)).map((region) => ({ name, region })),
  );
  const rawHits = harmful
    .filter(({ part }) => !regions.some((region) => isIn(part, region)))
    .map(({ name }) => ({ name, offset: 0, length: bytes.length }));
  const detections = harmful.map(({ name, part, category }) => {
    return { name, engine: 'known', category, part, sha256: found.sha256 };
  });
  return {
    ...found,
    detections: [...found.detections, ...detections],
    hits: [...found.hits, ...hits],
    rawHits: [...found.rawHits, ...rawHits],
  };
}

/**
 * The overwrites that make `original` harmless; they cover all that is known, and are proven for what is found here.
 * @param found by withKnown()
 */
export function neutraliseKnown(
  original: Buffer,
  found: Inspection,
  known: readonly KnownFinding[],
  inspector: Inspector,
  deadline: number,
): Overwrite[] {
  const worst = known.find((each) => each.part === everything && isHarmful(each));
  if (!worst) return neutralise(original, found, inspector, deadline);
  const message = Buffer.from(original);
  fillAll(message, { start: 0, end: message.length }, noticeFor(worst.name));
  return differences(original, message);
}
