// What decides a verdict, in one word: two scanners with the same revision say the same of the same octets.
import { hash } from 'node:crypto';
import type { Engine } from './engines/engine.ts';
import type { RuleFile } from './engines/yara-x.ts';
import type { ScanLimits } from './limits.ts';
import { pipelineRevision } from './pipeline.ts';

/**
 * Hex SHA-256 over the engines, the rule files, the limits and the pipeline. It may differ between scanners that would
 * say the same, never the other way round.
 */
export function revisionOf(
  engines: readonly Pick<Engine, 'id' | 'version'>[],
  files: readonly RuleFile[],
  limits: ScanLimits,
): string {
  const parts = [
    pipelineRevision,
    engines.map(({ id, version }) => [id, version]),
    files.map(({ name, source }) => [name, source]),
    Object.entries(limits).sort(([a], [b]) => (a < b ? -1 : 1)),
  ];
  return hash('sha256', JSON.stringify(parts));
}
