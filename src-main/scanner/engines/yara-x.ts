// YARA-X through its N-API binding: the only place that knows it. The binding ships no types, so the part that is
// used is described and checked here.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { matchesPerPattern, yaraTimeoutMs } from '../limits.ts';
import type { Engine, Finding } from './engine.ts';

interface YaraMatch {
  readonly offset: number;
  readonly length: number;
}

interface YaraHit {
  readonly ruleIdentifier: string;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly matches: readonly YaraMatch[];
}

interface YaraScanner {
  /** Throws an error with `code: 'Cancelled'` when the timeout is reached. */
  scan(bytes: Uint8Array): YaraHit[];
  setTimeout(milliseconds: number): void;
  setMaxMatchesPerPattern(count: number): void;
}

interface YaraBinding {
  /** Throws when the source does not compile. */
  compile(source: string): YaraScanner;
}

function isBinding(loaded: unknown): loaded is YaraBinding {
  return (
    typeof loaded === 'object' &&
    loaded !== null &&
    'compile' in loaded &&
    typeof loaded.compile === 'function'
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
];

/** A rule that names no category finds malware: the careful reading. */
function categoryOf(meta: unknown): Finding['category'] {
  return categories.find((category) => category === meta) ?? 'malware';
}

function findingOf(hit: YaraHit): Finding {
  const name = hit.meta['name'];
  return {
    name: typeof name === 'string' ? name : hit.ruleIdentifier,
    category: categoryOf(hit.meta['category']),
    matches: hit.matches.map(({ offset, length }) => ({ offset, length })),
  };
}

function scanWith(scanner: YaraScanner, bytes: Uint8Array): ReturnType<Engine['scan']> {
  try {
    return scanner.scan(bytes).map(findingOf);
  } catch (error) {
    const cancelled = error instanceof Error && 'code' in error && error.code === 'Cancelled';
    return cancelled ? 'timeout' : 'failed';
  }
}

/** A `.yar` file. */
export interface RuleFile {
  readonly name: string;
  readonly source: string;
}

/** All `.yar` files in a directory, by name. */
export function readRules(directory: URL | string): RuleFile[] {
  const path = directory instanceof URL ? fileURLToPath(directory) : directory;
  const names = readdirSync(path).filter((file) => file.endsWith('.yar'));
  return names.sort().map((name) => ({ name, source: readFileSync(join(path, name), 'utf8') }));
}

/** The files as one source. */
export function sourceOf(files: readonly RuleFile[]): string {
  return files.map(({ source }) => source).join('\n');
}

/**
 * Compiles rules (about 20 ms for some dozen).
 * @returns undefined where the binding has no binary for this system
 * @throws when the rules do not compile: they ship with us, so that is a bug
 */
export function yaraEngine(source: string): Engine | undefined {
  const require = createRequire(import.meta.url);
  let binding: unknown;
  try {
    binding = require('@litko/yara-x-linux-x64-gnu');
  } catch {
    return undefined;
  }
  if (!isBinding(binding)) return undefined;
  const scanner = binding.compile(source);
  scanner.setMaxMatchesPerPattern(matchesPerPattern);
  scanner.setTimeout(yaraTimeoutMs);
  return {
    id: 'yara-x',
    version: versionIn(require('@litko/yara-x-linux-x64-gnu/package.json')),
    rules: source.match(/^\s*(?:(?:private|global)\s+)*rule\s+\w/gm)?.length ?? 0,
    scan: (bytes) => scanWith(scanner, bytes),
  };
}
