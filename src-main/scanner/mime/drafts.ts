// The starts of a walk while their ends are still open.
import { softEndsPerStart } from '../limits.ts';
import { isLineEnd } from './lines.ts';
import type { Start } from './walk.ts';

/** Trailing blank lines of a base64 part; with more, the declared and the shaped reading are both decoded. */
const trailingBlanks = 64;

export interface Draft extends Start {
  readonly ends: number[];
  /** Multiparts that were open when it began; the boundary of any of them ends it. */
  readonly depth: number;
  /** For a run of base64: the start whose first line it is, if any. */
  readonly owner: Draft | undefined;
  closed: boolean;
}

/** What ends it: a boundary; the last of its lines, or a boundary; the caller alone. */
export type Ending = 'boundary' | 'line' | 'caller';

export class Drafts {
  readonly #max: number;
  readonly #all: Draft[] = [];
  /** Those without a certain end, in order of depth. */
  #open: Draft[] = [];
  /** Those of them that still take uncertain ends. */
  #soft: Draft[] = [];
  /** Those of them that a line ends. */
  #lined: Draft[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  get all(): readonly Draft[] {
    return this.#all;
  }

  get hasLined(): boolean {
    return this.#lined.length > 0;
  }

  /** Undefined: there are too many. */
  add(draft: Omit<Start, 'ends'> & Pick<Draft, 'depth' | 'owner'>, ending: Ending): Draft | undefined {
    if (this.#all.length >= this.#max) return undefined;
    const added: Draft = { ...draft, ends: [], closed: false };
    this.#all.push(added);
    if (ending !== 'caller') {
      this.#open.push(added);
      this.#soft.push(added);
    }
    if (ending === 'line') this.#lined.push(added);
    return added;
  }

  close(draft: Draft, end: number): void {
    if (draft.closed) return;
    draft.closed = true;
    draft.ends.push(Math.max(draft.start, end));
  }

  /** A boundary that everybody sees ends all that began inside its multipart. */
  endAbove(level: number, end: number): void {
    for (let draft = this.#open.at(-1); draft && draft.depth > level; draft = this.#open.at(-1)) {
      this.#open.pop();
      this.close(draft, end);
    }
    if (this.#lined.length > 0) this.#lined = this.#lined.filter((draft) => !draft.closed);
  }

  /** A boundary that some see may end anything. */
  softEnd(end: number): void {
    this.#soft = this.#soft.filter((draft) => {
      if (!draft.closed) draft.ends.push(Math.max(draft.start, end));
      return !draft.closed && draft.ends.length < softEndsPerStart;
    });
  }

  endLined(end: number): void {
    for (const draft of this.#lined) this.close(draft, end);
    this.#lined = [];
  }

  endAll(end: number): void {
    for (const draft of this.#open) this.close(draft, end);
  }
}

/** Whether nothing but blanks and line ends stands in octets [from, to). */
function isBlank(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const octet = bytes[at];
    if (octet !== 0x20 && octet !== 0x09 && !isLineEnd(octet)) return false;
  }
  return true;
}

/** Whether a run of base64 is all there is in a part that says base64 itself. */
export function isCovered(bytes: Buffer, { owner, ends }: Draft): boolean {
  if (owner?.writing.kind !== 'declared' || !owner.writing.base64 || owner.ends.length !== 1) return false;
  const end = owner.ends[0] ?? 0;
  const runEnd = ends[0] ?? 0;
  return end - runEnd <= trailingBlanks && isBlank(bytes, runEnd, end);
}
