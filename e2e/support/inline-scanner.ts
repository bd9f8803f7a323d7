// The real scanning pipeline without its worker threads: thousands of small messages a second, in one process.
import { outcomeOf } from '../../src-main/contract/verdict.ts';
import { isInfected } from '../../src-main/scanner/findings.ts';
import { testInspector } from '../../src-main/scanner/inspector.fixture.ts';
import { defaultLimits } from '../../src-main/scanner/limits.ts';
import { neutralise } from '../../src-main/scanner/neutralise.ts';
import { inspect, reportOf } from '../../src-main/scanner/pipeline.ts';
import type { Scanner } from '../../src-main/scanner/pool.ts';

export function inlineScanner(): Scanner {
  const now = () => performance.now();
  const inspector = testInspector({ now });
  return {
    engines: [],
    revision: '',
    problems: [],
    crashes: 0,
    configure: () => undefined,
    reload: async () => undefined,
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
        verdict: { ...report, engines: [], outcome: outcomeOf(report.detections, report.complete) },
        overwrites,
        tags: [],
        leaves: [],
      };
    },
  };
}
