// A list as one JSON file, whole or absent. One that can't be understood is set aside and never written over.
import { readFileSync, renameSync } from 'node:fs';
import { placeFile, writeAll } from './durable-file.ts';

export interface ListFileProblem {
  /** `unreadable`: the file is no such list, and lies there as `FILE.damaged`; the list begins anew. */
  readonly kind: 'unreadable' | 'not-saved';
  readonly error: unknown;
}

export interface ListFileOptions<Item> {
  readonly file: string;
  /** What an entry of the file means; undefined: nothing. */
  readonly parse: (value: unknown) => Item | undefined;
  /** Of those in the file, the last ones count. */
  readonly maxItems: number;
  readonly onProblem: (problem: ListFileProblem) => void;
}

export interface ListFile<Item> {
  /** What the file held when it was opened. */
  readonly initial: readonly Item[];
  /** Writes the list in place of what is there, one write behind the other. Never rejects. */
  write(items: readonly Item[]): Promise<void>;
}

const isMissing = (error: unknown) => error instanceof Error && 'code' in error && error.code === 'ENOENT';

function read<Item>({ file, parse, maxItems, onProblem }: ListFileOptions<Item>): Item[] {
  try {
    const values: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (!Array.isArray(values)) throw new Error('not a list');
    return values.flatMap((value) => parse(value) ?? []).slice(-maxItems);
  } catch (error) {
    if (isMissing(error)) return [];
    onProblem({ kind: 'unreadable', error });
    try {
      renameSync(file, `${file}.damaged`);
    } catch (renaming) {
      onProblem({ kind: 'unreadable', error: renaming });
    }
    return [];
  }
}

export function openListFile<Item>(options: ListFileOptions<Item>): ListFile<Item> {
  const { file, onProblem } = options;
  let writing = Promise.resolve();
  return {
    initial: read(options),
    async write(items) {
      const bytes = Buffer.from(JSON.stringify(items, undefined, 1));
      writing = writing
        .then(() => placeFile(file, (open) => writeAll(open, bytes)))
        .catch((error: unknown) => onProblem({ kind: 'not-saved', error }));
      await writing;
    },
  };
}

/** Calls back once after the delay; gives a function that takes it back. */
type After = (delayMs: number, callback: () => void) => () => void;

export interface LateWrites {
  /** Something has changed: it is written in a moment, with what else changes until then. */
  soon(): void;
  /** Writes what is not written yet. May be called twice. */
  stop(): Promise<void>;
}

/** Several changes come in a row. */
const writeAfterMs = 1_000;

/** `write`: writes what there is then. */
export function lateWrites(after: After, write: () => Promise<void>): LateWrites {
  let cancel: (() => void) | undefined;
  let writing = Promise.resolve();
  const now = () => {
    cancel?.();
    cancel = undefined;
    writing = write();
  };
  return {
    soon() {
      cancel ??= after(writeAfterMs, now);
    },
    async stop() {
      if (cancel) now();
      await writing;
    },
  };
}
