// Whole files that are known to be harmful, by their size and hash: lists in ClamAV's form (`HASH:SIZE:NAME`), and the
// engine that looks for them.
import { hash } from 'node:crypto';
import { cleanName } from '../names.ts';
import type { Engine } from './engine.ts';
import type { RuleFile, RuleProblem } from './rule-files.ts';

type Algorithm = 'md5' | 'sha1' | 'sha256';

/** By the number of hex digits. */
const algorithms: Readonly<Record<number, Algorithm>> = { 32: 'md5', 40: 'sha1', 64: 'sha256' };

/** Hashes of all lists: some 40 MB in each worker. Larger lists are clamd's business. */
const maxHashes = 200_000;

/** Bad lines of one file that are named one by one; more of them say nothing new. */
const namedLines = 10;

/** What is known by one algorithm. */
interface Table {
  /** Octets that one of the files may have; nothing else is hashed. */
  readonly sizes: Set<number>;
  /** A file of any size may be one. */
  anySize: boolean;
  /** By hex digits. */
  readonly names: Map<string, string>;
}

/** `HASH:SIZE:NAME`, and what ClamAV adds about its own versions; a size of `*` is any. */
const lineShape = /^([0-9a-f]+):(\d{1,15}|\*):([^:]+)(?::\d*){0,2}$/i;

class Tables {
  readonly byAlgorithm = new Map<Algorithm, Table>();
  count = 0;

  /** Takes a line in; answers with what is wrong with it. */
  add(line: string): string | undefined {
    const [, digits = '', size = '', given] = lineShape.exec(line) ?? [];
    const algorithm = algorithms[digits.length];
    const name = cleanName(given);
    if (algorithm === undefined || name === undefined) return 'not HASH:SIZE:NAME';
    const { sizes, names } = this.#table(algorithm);
    const key = digits.toLowerCase();
    if (!names.has(key)) {
      if (this.count >= maxHashes) return `more than ${maxHashes} hashes in all`;
      names.set(key, name);
      this.count++;
    }
    if (size === '*') this.#table(algorithm).anySize = true;
    else sizes.add(Number(size));
    return undefined;
  }

  #table(algorithm: Algorithm): Table {
    const known = this.byAlgorithm.get(algorithm);
    if (known) return known;
    const table: Table = { sizes: new Set(), anySize: false, names: new Map() };
    this.byAlgorithm.set(algorithm, table);
    return table;
  }
}

function addFile(tables: Tables, { name: file, source }: RuleFile): RuleProblem[] {
  const problems: RuleProblem[] = [];
  let bad = 0;
  let number = 0;
  for (const text of source.split('\n')) {
    number++;
    const line = text.trim();
    if (line === '' || line.startsWith('#')) continue;
    const message = tables.add(line);
    if (message !== undefined && ++bad <= namedLines) problems.push({ file, line: number, message });
  }
  if (bad > namedLines) problems.push({ file, message: `${bad - namedLines} more lines are left out` });
  return problems;
}

/** An engine of all `files`, which are lists of hashes. A bad line is left out and named; the others count. */
export function hashEngine(files: readonly RuleFile[]): {
  readonly engine: Engine;
  readonly problems: readonly RuleProblem[];
} {
  const tables = new Tables();
  const problems = files.flatMap((file) => addFile(tables, file));
  const known = [...tables.byAlgorithm];
  const engine: Engine = {
    id: 'hashes',
    version: '1',
    rules: tables.count,
    scan: (bytes) =>
      known.flatMap(([algorithm, { sizes, anySize, names }]) => {
        if (!anySize && !sizes.has(bytes.length)) return [];
        const name = names.get(hash(algorithm, bytes));
        return name === undefined
          ? []
          : [{ name, category: 'malware', matches: [{ offset: 0, length: bytes.length }] }];
      }),
  };
  return { engine, problems };
}
