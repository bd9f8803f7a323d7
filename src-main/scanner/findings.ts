// What was found in one message, noted once for each place and within limits: detections, and notes beside them.
import { hash } from 'node:crypto';
import type { Detection, Note } from '../contract/verdict.ts';
import type { Finding } from './engines/engine.ts';
import type { Judgement } from './heuristics/heuristics.ts';
import { maxDetections, maxNotes } from './limits.ts';
import type { RuleGroup } from './options.ts';

/** Whether a message with this in it must be made harmless. */
export function isHarmful({ category }: { readonly category: Finding['category'] }): boolean {
  return category !== 'suspicious' && category !== 'note';
}

/** Whether a message with these detections must be made harmless. */
export function isInfected(detections: readonly Detection[]): boolean {
  return detections.some(isHarmful);
}

/** Without those that say the same of something around: of a message, where its part is named too. */
function mostExact<Named extends { readonly name: string; readonly part: string }>(
  found: readonly Named[],
): Named[] {
  const isAround = (outer: string, inner: string) =>
    outer === '' ? inner !== '' : inner.startsWith(`${outer}/`);
  return found.filter(
    ({ name, part }) => !found.some((other) => other.name === name && isAround(part, other.part)),
  );
}

const categoryOf = { note: 'note', suspicious: 'suspicious', harmful: 'malware' } as const;

/** What a rule of the heuristics says, as an engine says it. */
export function findingOf({ name, severity, group }: Judgement): Finding {
  return { name, category: categoryOf[severity], group, matches: [] };
}

/** By whom and where something was found. */
interface Occurrence {
  readonly engine: string;
  /** In which octets; `sha256` of them where it is known. */
  readonly bytes: Buffer;
  readonly sha256?: string | undefined;
  readonly part: string;
}

export class FindingLog {
  readonly #groups: readonly RuleGroup[];
  readonly #detections = new Map<string, Detection>();
  /** Names among them: each is noted at least once, however many there are. */
  readonly #names = new Set<string>();
  readonly #notes = new Map<string, Note>();

  /** `groups`: of the rules that count. */
  constructor(groups: readonly RuleGroup[]) {
    this.#groups = groups;
  }

  detections(): Detection[] {
    return mostExact([...this.#detections.values()]);
  }

  notes(): Note[] {
    return mostExact([...this.#notes.values()]);
  }

  /** Notes what counts by the settings; answers with what of it is harmful. */
  add(findings: readonly Finding[], { engine, bytes, part, sha256 }: Occurrence): readonly Finding[] {
    const counting = findings.filter(({ group }) => group === undefined || this.#groups.includes(group));
    for (const { name, category } of counting) {
      const key = `${name}\0${part}`;
      if (category === 'note') {
        if (this.#notes.size < maxNotes) this.#notes.set(key, { name, part });
        continue;
      }
      const isNew = !this.#names.has(name);
      if (this.#detections.has(key) || (this.#detections.size >= maxDetections && !isNew)) continue;
      this.#names.add(name);
      const octets = sha256 ?? hash('sha256', bytes);
      this.#detections.set(key, { name, engine, category, part, sha256: octets });
    }
    return counting.filter(isHarmful);
  }
}
