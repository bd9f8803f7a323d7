// The real scanning pipeline without its worker threads: thousands of small messages a second, in one process.
import { outcomeOf } from '../../src-main/contract/verdict.ts';
import { literalEngine } from '../../src-main/scanner/engines/literal.ts';
import { defaultLimits } from '../../src-main/scanner/limits.ts';
import { neutralise } from '../../src-main/scanner/neutralise.ts';
import { type Inspector, inspect, isInfected, reportOf } from '../../src-main/scanner/pipeline.ts';
import type { Scanner } from '../../src-main/scanner/pool.ts';

export function inlineScanner(): Scanner {
  const engine = literalEngine();
  const now = () => performance.now();
  const inspector: Inspector = { engine, fallback: engine, limits: defaultLimits, now };
  return {
    engines: [],
    follow: () => ({ arrived: () => undefined, drop: () => undefined }),
    stop: async () => undefined,
    async scan(source) {
      if (source.kind === 'file') throw new Error('only spools in memory');
      const bytes = Buffer.from(source.bytes);
      const deadline = now() + defaultLimits.softMs;
      const found = inspect(bytes, inspector, deadline);
      const report = reportOf(found, bytes.length, 0);
      const overwrites = isInfected(found.detections) ? neutralise(bytes, found, inspector, deadline) : [];
      return {
        verdict: { ...report, outcome: outcomeOf(report.detections, report.complete) },
        overwrites,
        tags: [],
      };
    },
  };
}
