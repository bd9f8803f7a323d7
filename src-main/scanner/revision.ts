// What decides a verdict, in one word: two scanners with the same revision say the same of the same octets.
import { hash } from 'node:crypto';
import type { Engine } from './engines/engine.ts';
import type { RuleFile } from './engines/rule-files.ts';
import type { ScanLimits } from './limits.ts';
import type { InspectOptions } from './options.ts';

/** Hex SHA-256 over the pipeline, the engines and the rule files of one worker. */
export function rulesRevisionOf(
  pipeline: number,
  engines: readonly Pick<Engine, 'id' | 'version'>[],
  files: readonly RuleFile[],
): string {
  const parts = [
    pipeline,
    engines.map(({ id, version }) => [id, version]),
    files.map(({ name, kind, isOurs, source }) => [name, kind, isOurs, hash('sha256', source)]),
  ];
  return hash('sha256', JSON.stringify(parts));
}

/**
 * Hex SHA-256 over what the workers look for, each as rulesRevisionOf() says it, how far they look, and into what. It
 * may differ between scanners that would say the same, never the other way round: while workers differ, it is one that
 * no other state has.
 */
export function revisionOf(
  rules: readonly string[],
  limits: ScanLimits,
  { groups, ...options }: InspectOptions,
): string {
  const sorted = (values: object) => Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
  const parts = [[...new Set(rules)].sort(), sorted(limits), sorted(options), [...groups].sort()];
  return hash('sha256', JSON.stringify(parts));
}
