// Compiled rules kept over restarts: reading them is three times as fast as compiling them. What is kept is given to
// native code that trusts it, so that only what this user wrote, whole and for these very rules, is read again.
import { hash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import type { RuleFile, RuleProblem } from './rule-files.ts';

/** What was made of a set of files. */
interface CompiledRules {
  /** Of the files that are left out. */
  readonly problems: readonly RuleProblem[];
  readonly bytes: Uint8Array;
}

export interface RuleCache {
  /** What was kept of these rules; undefined: nothing that can be trusted. */
  read(): CompiledRules | undefined;
  /** Keeps it in place of what was there, where that can be done. */
  write(compiled: CompiledRules): void;
  /**
   * Runs native code over the user's files, by one thread at a time. Where that has ended whole processes before, it is
   * not run: the code that compiles rules ends the process at a fault of its own, and the next one must not end by it.
   */
  attempt<Result>(run: () => Result): Result | 'fatal';
}

const cacheFile = 'rules.compiled';
const attemptFile = 'rules.attempts';

/** Octets of a kept file: 10,000 rules take 2.5 MB. */
const maxBytes = 256 * 1024 * 1024;

/** Processes that may have ended while they compiled the same rules: some were ended by others, or by a loss of power. */
const maxAttempts = 3;

const digestBytes = 32;

/** Raise this with every change of the form below. */
const formVersion = 1;

/** Names the files, what compiles them and the form in which it is kept. */
function keyOf(version: string, files: readonly RuleFile[]): string {
  const named = files.map(({ name, isOurs, source }) => [name, isOurs, hash('sha256', source)]);
  return hash('sha256', JSON.stringify([formVersion, version, named]));
}

/** The octets of a file that this user alone can have written; undefined where there is none. */
function readOwn(path: string): Buffer | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      const { uid, mode, size } = fstatSync(fd);
      const isOwn = uid === process.geteuid?.() && (mode & constants.S_IFMT) === constants.S_IFREG;
      return isOwn && (mode & 0o022) === 0 && size <= maxBytes ? readFileSync(fd) : undefined;
    } finally {
      closeSync(fd);
    }
  } catch {
    // Whatever is wrong with it: the rules are there, too.
    return undefined;
  }
}

/** Takes a file away; what can't be taken away is checked before it is used. */
function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // As above.
  }
}

/** Puts a file in its place at once; false where that can't be done. It need not last: it is checked when it is read. */
function place(directory: string, name: string, bytes: Uint8Array): boolean {
  const temporary = join(directory, `${name}.${process.pid}-${threadId}.tmp`);
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch {
    // It is there, or the next step says so.
  }
  try {
    remove(temporary);
    writeFileSync(temporary, bytes, { mode: 0o600, flag: 'wx' });
    renameSync(temporary, join(directory, name));
    return true;
  } catch {
    remove(temporary);
    return false;
  }
}

function isProblem(value: unknown): value is RuleProblem {
  if (typeof value !== 'object' || value === null) return false;
  const { file, line, message } = value as Readonly<Record<string, unknown>>;
  const isLine = line === undefined || typeof line === 'number';
  return typeof file === 'string' && isLine && typeof message === 'string';
}

/** What a kept file says of itself; its digest was right, so that this is what was written. */
function headerOf(text: string): { readonly key: unknown; readonly problems: readonly RuleProblem[] } {
  const header: unknown = JSON.parse(text);
  if (typeof header !== 'object' || header === null) return { key: undefined, problems: [] };
  const { key, problems } = header as Readonly<Record<string, unknown>>;
  return { key, problems: Array.isArray(problems) ? problems.filter(isProblem) : [] };
}

/** SHA-256 of all that follows, the length of the header, the header, and the rules. */
function framed(key: string, { problems, bytes }: CompiledRules): Uint8Array {
  const header = Buffer.from(JSON.stringify({ key, problems }));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(header.length);
  const content = Buffer.concat([length, header, bytes]);
  return Buffer.concat([hash('sha256', content, 'buffer'), content]);
}

function unframed(bytes: Buffer, key: string): CompiledRules | undefined {
  const content = bytes.subarray(digestBytes);
  if (content.length < 4 || !hash('sha256', content, 'buffer').equals(bytes.subarray(0, digestBytes)))
    return undefined;
  const rulesStart = 4 + content.readUInt32BE();
  const header = headerOf(content.toString('utf8', 4, rulesStart));
  return header.key === key ? { problems: header.problems, bytes: content.subarray(rulesStart) } : undefined;
}

/**
 * The cache for one set of files.
 * @param directory made when something is kept, where the one around it exists
 */
export function ruleCache(directory: string, version: string, files: readonly RuleFile[]): RuleCache {
  const key = keyOf(version, files);
  return {
    read() {
      const bytes = readOwn(join(directory, cacheFile));
      return bytes && unframed(bytes, key);
    },
    write(compiled) {
      place(directory, cacheFile, framed(key, compiled));
    },
    attempt(run) {
      const [known, count] = (readOwn(join(directory, attemptFile))?.toString('latin1') ?? '').split(' ');
      const before = known === key ? Number(count) : 0;
      if (before >= maxAttempts) return 'fatal';
      place(directory, attemptFile, Buffer.from(`${key} ${before + 1}`));
      const result = run();
      remove(join(directory, attemptFile));
      return result;
    },
  };
}
