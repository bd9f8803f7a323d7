// For the tests of the scanner with remote engines: engines and a scanner that say what the test says.
import { hash } from 'node:crypto';
import { type ManualTime, manualTime } from './engines/remote.fixture.ts';
import type { RemoteAnswer, RemoteEngine, RemoteSource } from './engines/remote-engine.ts';
import { withRemoteEngines } from './remote-scanner.ts';
import { resultOf, type ScanOptions, type ScanResult } from './scan-job.ts';
import type { Scanner } from './scanner.ts';
import type { LeafBytes, ScanSource } from './worker-messages.ts';

export const clean: RemoteAnswer = { kind: 'clean' };
export const bad: RemoteAnswer = { kind: 'found', name: 'Bad', category: 'malware' };

export interface FakeEngine extends RemoteEngine {
  /** What it was asked about. */
  readonly asked: string[];
  version: string;
}

const textOf = (source: RemoteSource) =>
  source.kind === 'file' ? source.path : Buffer.from(source.bytes).toString('latin1');

export function engine(
  answer: (text: string, signal: AbortSignal) => RemoteAnswer | Promise<RemoteAnswer>,
  id: RemoteEngine['id'] = 'clamd',
): FakeEngine {
  const asked: string[] = [];
  return {
    id,
    version: 'v1',
    isUp: true,
    asked,
    async scan(source, signal) {
      asked.push(textOf(source));
      return await answer(textOf(source), signal);
    },
    stop: async () => undefined,
  };
}

/** Finds the word BAD. */
export const finder = (id?: RemoteEngine['id']) => engine((text) => (text.includes('BAD') ? bad : clean), id);

export interface FakeScanner extends Scanner {
  readonly asked: ScanOptions[];
  revision: string;
}

/** Says of each message what `answer` says of it. */
export function scanner(
  answer: (text: string, options: ScanOptions) => Partial<ScanResult> | Error,
): FakeScanner {
  const asked: ScanOptions[] = [];
  return {
    asked,
    engines: [{ id: 'yara-x', version: '1', rules: 1 }],
    revision: 'r1',
    problems: [],
    crashes: 3,
    follow: () => ({ arrived: () => undefined, drop: () => undefined }),
    configure: () => undefined,
    reload: async () => undefined,
    stop: async () => undefined,
    async scan(source: ScanSource, options: ScanOptions = {}) {
      asked.push(options);
      const text = textOf(source);
      const said = answer(text, options);
      if (said instanceof Error) throw said;
      const { signal } = options;
      signal?.throwIfAborted();
      const report = {
        complete: true,
        detections: [],
        notes: [],
        limits: [],
        sha256: hash('sha256', text),
        bytes: text.length,
        parts: 1,
        ms: 0,
      };
      return { ...resultOf(report), ...said };
    },
  };
}

export function setUp(builtIn: Scanner, ...engines: RemoteEngine[]): { scanner: Scanner; time: ManualTime } {
  const time = manualTime();
  return {
    time,
    scanner: withRemoteEngines({
      scanner: builtIn,
      engines: () => engines,
      timeoutMs: () => 90_000,
      now: time.now,
      after: time.after,
    }),
  };
}

export const order = (text: string): ScanSource => ({ kind: 'bytes', bytes: Buffer.from(text, 'latin1') });
export const leaf = (part: string, text: string): LeafBytes => ({ part, bytes: Buffer.from(text, 'latin1') });
