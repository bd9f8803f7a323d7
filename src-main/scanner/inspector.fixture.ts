// What tests inspect messages with: the engine that needs no file, the default limits and options, a clock that stands still.
import { literalEngine } from './engines/literal.ts';
import { defaultLimits } from './limits.ts';
import { defaultOptions } from './options.ts';
import type { Inspector } from './pipeline.ts';

export function testInspector(changes: Partial<Inspector> = {}): Inspector {
  const engine = literalEngine();
  return {
    engines: [engine],
    fallback: engine,
    limits: defaultLimits,
    options: defaultOptions,
    sandbox: undefined,
    now: () => 0,
    ...changes,
  };
}
