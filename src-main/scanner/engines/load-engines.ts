// All engines of one worker, of the rules that are there now: YARA-X or what stands in for it, and the hash lists.
import { type RuleCache, ruleCache } from './compiled-rules.ts';
import type { Engine } from './engine.ts';
import { hashEngine } from './hash-lists.ts';
import { literalEngine } from './literal.ts';
import { type RuleFile, type RuleProblem, readOurRules, readUserRules } from './rule-files.ts';
import { loadYara, type Yara } from './yara-x.ts';

export interface EngineFiles {
  readonly rulesDirectory: string;
  /** May be missing. */
  readonly userRulesDirectory?: string | undefined;
  /** For what need not be worked out again at the next start; undefined: nothing is kept. */
  readonly cacheDirectory?: string | undefined;
  /** No other thread of this process has loaded the same rules before. */
  readonly isFirst: boolean;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
}

export interface LoadedEngines {
  /** Each looks at everything. */
  readonly engines: readonly Engine[];
  /** Stands in where one of them fails or gives up. */
  readonly fallback: Engine;
  /** What is left out of the user's rules, and why. */
  readonly problems: readonly RuleProblem[];
  /** All that count. */
  readonly files: readonly RuleFile[];
}

/** Checking and compiling may take a minute at most: a worker that takes longer is given up with all of these rules. */
const checkingMs = 20_000;

/** What is wrong with each file by itself. */
function check(yara: Yara, files: readonly RuleFile[], now: () => number): RuleProblem[] {
  const deadline = now() + checkingMs;
  return files.flatMap((file) => {
    if (now() > deadline) return [{ file: file.name, message: 'the files before it took too long' }];
    const problem = yara.check(file);
    return problem ? [problem] : [];
  });
}

const withoutBad = (files: readonly RuleFile[], problems: readonly RuleProblem[]) =>
  files.filter(({ name }) => !problems.some(({ file }) => file === name));

/** All files that hold good rules, compiled together; of the user's none where they don't go together. */
function compile(yara: Yara, ours: readonly RuleFile[], users: readonly RuleFile[], now: () => number) {
  const problems = check(yara, users, now);
  const good = withoutBad(users, problems);
  try {
    return { rules: yara.compile([...ours, ...good]), problems, good };
  } catch (error) {
    if (good.length === 0) throw error;
    const message = `the files do not compile together: ${error instanceof Error ? error.message : error}`;
    const more = good.map(({ name }) => ({ file: name, message }));
    return { rules: yara.compile(ours), problems: [...problems, ...more], good: [] };
  }
}

/** What was kept of the same rules; undefined where there is nothing of use. */
function fromCache(yara: Yara, cache: RuleCache, users: readonly RuleFile[]) {
  const kept = cache.read();
  if (!kept) return undefined;
  const { problems, bytes } = kept;
  try {
    return { rules: yara.deserialize(bytes), problems, good: withoutBad(users, problems) };
  } catch {
    // Of another build of the same version. It is compiled anew, and takes the place of this.
    return undefined;
  }
}

/** Throws where our own rules do not compile: a fault of ours. */
function yaraRules(yara: Yara, ours: readonly RuleFile[], users: readonly RuleFile[], from: EngineFiles) {
  const { cacheDirectory, isFirst, now } = from;
  if (cacheDirectory === undefined) return compile(yara, ours, users, now);
  const cache = ruleCache(cacheDirectory, yara.version, [...ours, ...users]);
  const known = fromCache(yara, cache, users);
  if (known) return known;
  const isGuarded = isFirst && users.length > 0;
  const compiled = isGuarded
    ? cache.attempt(() => compile(yara, ours, users, now))
    : compile(yara, ours, users, now);
  if (compiled === 'fatal') {
    const message = 'Postern ended while it compiled these rules; change them to try again';
    return {
      rules: yara.compile(ours),
      problems: users.map(({ name }) => ({ file: name, message })),
      good: [],
    };
  }
  const bytes = yara.serialize(compiled.rules);
  if (bytes) cache.write({ problems: compiled.problems, bytes });
  return compiled;
}

/**
 * Reads the rules and makes the engines: some ms with our own rules, some seconds with tens of thousands of others.
 * @throws where our own rules can't be read or do not compile; nothing of the user's is a reason
 */
export function loadEngines(from: EngineFiles): LoadedEngines {
  const ours = readOurRules(from.rulesDirectory);
  const users =
    from.userRulesDirectory === undefined
      ? { files: [], problems: [] }
      : readUserRules(from.userRulesDirectory);
  const of = (files: readonly RuleFile[], kind: RuleFile['kind']) =>
    files.filter((file) => file.kind === kind);
  const hashFiles = [...of(ours, 'hashes'), ...of(users.files, 'hashes')];
  const hashes = hashEngine(hashFiles);
  const fallback = literalEngine();
  const yara = loadYara();
  const ourRules = of(ours, 'rules');
  const userRules = of(users.files, 'rules');
  const made = yara && yaraRules(yara, ourRules, userRules, from);
  const good = made?.good ?? [];
  const engine = yara && made ? yara.engine(made.rules, [...ourRules, ...good]) : fallback;
  const unused = userRules.map(({ name }) => ({ file: name, message: 'no engine for it on this system' }));
  return {
    engines: [engine, hashes.engine],
    fallback,
    problems: [...users.problems, ...(made?.problems ?? unused), ...hashes.problems],
    files: [...ourRules, ...good, ...hashFiles],
  };
}
