// YARA-X through its N-API binding: the only place that knows it. The binding ships no types, so the part that is
// used is described and checked here.
import { createRequire } from 'node:module';
import { matchesPerPattern, yaraTimeoutMs } from '../limits.ts';
import { ruleGroups } from '../options.ts';
import type { Engine, Finding } from './engine.ts';
import type { RuleFile, RuleProblem } from './rule-files.ts';

interface YaraMatch {
  readonly offset: number;
  readonly length: number;
}

interface YaraHit {
  readonly ruleIdentifier: string;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly matches: readonly YaraMatch[];
}

interface YaraRules {
  /** Throws an error with `code: 'Cancelled'` when the timeout is reached. */
  scan(bytes: Uint8Array): YaraHit[];
  setTimeout(milliseconds: number): void;
  setMaxMatchesPerPattern(count: number): void;
  /** Compiles all that it has once more, with these. Throws where that fails. */
  addRuleSources(sources: readonly { readonly source: string; readonly namespace: string }[]): void;
  serialize(): Buffer;
}

interface YaraBinding {
  create(): YaraRules;
  /** Throws for what serialize() did not write. */
  deserialize(bytes: Uint8Array): YaraRules;
  validate(
    source: string,
    options: { readonly enableIncludes: boolean; readonly enableAllWarnings: boolean },
  ): { readonly errors: readonly { readonly message: string }[] };
}

function isBinding(loaded: unknown): loaded is YaraBinding {
  if (typeof loaded !== 'object' || loaded === null) return false;
  return ['create', 'deserialize', 'validate'].every(
    (name) => name in loaded && typeof Reflect.get(loaded, name) === 'function',
  );
}

function versionIn(manifest: unknown): string {
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown';
}

const categories: readonly Finding['category'][] = [
  'malware',
  'test',
  'spam-test',
  'simulation',
  'suspicious',
  'note',
];

/** A rule that names no category finds malware: the careful reading. */
function categoryOf(meta: unknown): Finding['category'] {
  return categories.find((category) => category === meta) ?? 'malware';
}

function findingOf({ meta, ruleIdentifier, matches }: YaraHit): Finding {
  const name = meta['name'];
  const group = ruleGroups.find((each) => each === meta['group']);
  return {
    name: typeof name === 'string' ? name : ruleIdentifier,
    category: categoryOf(meta['category']),
    ...(group === undefined ? {} : { group }),
    matches: matches.map(({ offset, length }) => ({ offset, length })),
  };
}

function scanWith(rules: YaraRules, bytes: Uint8Array): ReturnType<Engine['scan']> {
  try {
    return rules.scan(bytes).map(findingOf);
  } catch (error) {
    const cancelled = error instanceof Error && 'code' in error && error.code === 'Cancelled';
    return cancelled ? 'timeout' : 'failed';
  }
}

/** Characters of a message that are kept: it quotes the file. */
const messageCharacters = 300;

/**
 * `error[E001]: syntax error`, ` --> line:1:6`, and the line with `^ what is wrong there`, as one line.
 * @see https://virustotal.github.io/yara-x/docs/api/rust/
 */
function problemOf(file: string, report: string): RuleProblem {
  const [first = '', ...others] = report.split('\n');
  const title = first.replace(/^(?:Compilation error \(\w+\): )?error\[\w+\]: /, '');
  const label = others.map((line) => /^\s*\|.*?\^+ (.+)$/.exec(line)?.[1]).find((text) => text);
  const line = /^\s*--> line:(\d+)/m.exec(report)?.[1];
  const message = [title, ...(label === undefined ? [] : [label])].join(': ');
  return {
    file,
    ...(line === undefined ? {} : { line: Number(line) }),
    message: message.replace(/\p{C}+/gu, ' ').slice(0, messageCharacters),
  };
}

/** Brackets within each other, and signs before a value. The compiler calls itself for each: at some 10,000 of them a
 *  thread's stack ends, and with it the process. Rules that people wrote have a dozen. */
const maxNesting = 1_000;

/** Signs and words before a value, one behind the other. */
const prefixes = new RegExp(`(?:(?:\\bnot\\b|\\bdefined\\b|[-~!])\\s*){1,${maxNesting + 1}}`, 'g');

/** Where more prefixes stand together than there may be; -1: nowhere. */
function longPrefixes(source: string): number {
  for (const { 0: run, index } of source.matchAll(prefixes)) {
    if (run.length > maxNesting && (run.match(/not|defined|[-~!]/g) ?? []).length > maxNesting) return index;
  }
  return -1;
}

/** The first line on which something is nested so deeply, if any; what is in strings counts, too. */
function deepLine(source: string): number | undefined {
  const long = longPrefixes(source);
  let depth = 0;
  let line = 1;
  for (let at = 0; at < source.length; at++) {
    if (at === long) return line;
    switch (source[at]) {
      case '\n':
        line++;
        // Brackets in strings and expressions need not be balanced; that adds up.
        if (/^[ \t]*(?:(?:private|global)\s+)*rule\s/.test(source.slice(at + 1, at + 60))) depth = 0;
        break;
      case '(':
      case '[':
      case '{':
        if (++depth > maxNesting) return line;
        break;
      case ')':
      case ']':
      case '}':
        depth = Math.max(0, depth - 1);
        break;
    }
  }
  return undefined;
}

/** Rules in a text, as far as one sees without compiling it. */
function countRules(source: string): number {
  return source.match(/^\s*(?:(?:private|global)\s+)*rule\s+\w/gm)?.length ?? 0;
}

export interface Yara {
  readonly version: string;
  /** What is wrong with a file by itself. */
  check(file: RuleFile): RuleProblem | undefined;
  /**
   * Compiles files together, each in a namespace of its own: names may be the same, and a global rule is one for its
   * own file. Throws where that fails.
   */
  compile(files: readonly RuleFile[]): YaraRules;
  /** undefined where the process may not hold memory of others (Electron's memory cage). */
  serialize(rules: YaraRules): Uint8Array | undefined;
  /** Only for octets that serialize() is known to have given: it trusts them. Throws for others. */
  deserialize(bytes: Uint8Array): YaraRules;
  /** `files`: what `rules` were made of. */
  engine(rules: YaraRules, files: readonly RuleFile[]): Engine;
}

/** The binding; undefined where there is no binary for this system. */
export function loadYara(): Yara | undefined {
  const require = createRequire(import.meta.url);
  let binding: unknown;
  try {
    binding = require('@litko/yara-x-linux-x64-gnu');
  } catch {
    return undefined;
  }
  if (!isBinding(binding)) return undefined;
  const { create, deserialize, validate } = binding;
  const version = versionIn(require('@litko/yara-x-linux-x64-gnu/package.json'));
  return {
    version,
    check({ name, source }) {
      const line = deepLine(source);
      if (line !== undefined) return { file: name, line, message: 'nested too deeply' };
      // What a file includes would be read from anywhere, and would not be known to have changed.
      const { errors } = validate(source, { enableIncludes: false, enableAllWarnings: false });
      return errors[0] && problemOf(name, errors[0].message);
    },
    compile(files) {
      const rules = create();
      rules.addRuleSources(
        files.map(({ name, isOurs, source }) => ({ source, namespace: isOurs ? name : `user/${name}` })),
      );
      return rules;
    },
    serialize: (rules) => ('electron' in process.versions ? undefined : rules.serialize()),
    deserialize: (bytes) => deserialize(bytes),
    engine(rules, files) {
      rules.setMaxMatchesPerPattern(matchesPerPattern);
      rules.setTimeout(yaraTimeoutMs);
      return {
        id: 'yara-x',
        version,
        rules: files.reduce((sum, { source }) => sum + countRules(source), 0),
        scan: (bytes) => scanWith(rules, bytes),
      };
    },
  };
}
