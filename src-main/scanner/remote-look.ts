// One remote engine's look at one message: at the whole, and at decoded parts of it; and what that adds to a verdict.
import { hash } from 'node:crypto';
import { assertNever } from '../contract/assert-never.ts';
import type { Detection, EngineReport, LimitCode } from '../contract/verdict.ts';
import type { RemoteAnswer, RemoteEngine, RemoteSource } from './engines/remote-engine.ts';
import { isHarmful } from './findings.ts';
import type { KnownFinding } from './known-findings.ts';
import type { LeafBytes } from './worker-messages.ts';

/** Parts of one message that go to a remote engine on their own, and their octets: it has seen the whole, too. */
const maxRemoteParts = 32;
const maxRemoteBytes = 64 * 1024 * 1024;

/** Findings of one engine that are kept; more of them say nothing new. */
const maxFindings = 16;

/** A part with the SHA-256 by which it is known. */
export interface DistinctPart extends LeafBytes {
  readonly sha256: string;
}

/** Each content once, as many as go to an engine; `isCut`: not all of them. */
export function distinctParts(leaves: readonly LeafBytes[]): {
  readonly parts: readonly DistinctPart[];
  readonly isCut: boolean;
} {
  const parts = new Map<string, DistinctPart>();
  let bytes = 0;
  let isCut = false;
  for (const leaf of leaves) {
    if (leaf.bytes.length === 0) continue;
    if (leaf.bytes.length > maxRemoteBytes) {
      isCut = true;
      continue;
    }
    const sha256 = hash('sha256', leaf.bytes);
    if (parts.has(sha256)) continue;
    if (parts.size >= maxRemoteParts || bytes + leaf.bytes.length > maxRemoteBytes) {
      isCut = true;
      continue;
    }
    bytes += leaf.bytes.length;
    parts.set(sha256, { ...leaf, sha256 });
  }
  return { parts: [...parts.values()], isCut };
}

interface Finding extends KnownFinding {
  /** Of the part; empty for the whole message, whose own is known elsewhere. */
  readonly sha256: string;
}

/** Asks; whatever goes wrong is an answer. `over`: aborts when its time is over. */
async function ask(engine: RemoteEngine, source: RemoteSource, over: AbortSignal): Promise<RemoteAnswer> {
  try {
    return await engine.scan(source, over);
  } catch (error) {
    if (over.aborted) return { kind: 'timeout' };
    return { kind: 'failed', detail: error instanceof Error ? error.message : String(error) };
  }
}

export class RemoteLook {
  readonly #engine: RemoteEngine;
  readonly #over: AbortSignal;
  readonly #now: () => number;
  readonly #findings: Finding[] = [];
  readonly #limits = new Set<LimitCode>();
  /** Contents that it has had. */
  readonly #had = new Set<string>();
  #status: EngineReport['status'] = 'ok';
  #ms = 0;

  constructor(engine: RemoteEngine, over: AbortSignal, now: () => number) {
    this.#engine = engine;
    this.#over = over;
    this.#now = now;
  }

  get limits(): Iterable<LimitCode> {
    return this.#limits;
  }

  get report(): EngineReport {
    const { id, version } = this.#engine;
    return { id, version, status: this.#status, ms: this.#ms };
  }

  /** What was found, without what says the same of the message around its part. */
  get findings(): readonly Finding[] {
    return this.#findings.filter(
      ({ name, part }) =>
        part !== '' || !this.#findings.some((other) => other.name === name && other.part !== ''),
    );
  }

  get isHarmful(): boolean {
    return this.#findings.some(isHarmful);
  }

  /** Whether something harmful was found in the whole message and in no part of it so far. */
  get isUnlocated(): boolean {
    return this.findings.some((finding) => isHarmful(finding) && finding.part === '');
  }

  detections(messageSha256: string): readonly Detection[] {
    return this.findings.map(({ name, part, category, sha256 }) => {
      return { name, engine: this.#engine.id, category, part, sha256: part === '' ? messageSha256 : sha256 };
    });
  }

  async whole(source: RemoteSource): Promise<void> {
    await this.#timed(async () => this.#take(await ask(this.#engine, source, this.#over), '', ''));
  }

  /** An engine that did not answer is not asked for more; one that takes no such large message may take its parts. */
  async parts(parts: readonly DistinctPart[]): Promise<void> {
    if (this.#status !== 'ok' && this.#status !== 'skipped') return;
    const fresh = parts.filter(({ sha256 }) => !this.#had.has(sha256));
    await this.#timed(() =>
      Promise.all(
        fresh.map(async ({ part, bytes, sha256 }) => {
          this.#had.add(sha256);
          this.#take(await ask(this.#engine, { kind: 'bytes', bytes }, this.#over), part, sha256);
        }),
      ),
    );
  }

  /** What it says of another form of the message; the verdict on this one stays as it is. */
  async again(source: RemoteSource): Promise<'harmless' | 'harmful' | 'unknown'> {
    const answer = await ask(this.#engine, source, this.#over);
    if (answer.kind === 'found') return isHarmful(answer) ? 'harmful' : 'harmless';
    return answer.kind === 'clean' || answer.kind === 'incomplete' ? 'harmless' : 'unknown';
  }

  async #timed(run: () => Promise<unknown>): Promise<void> {
    const startedAt = this.#now();
    await run();
    this.#ms += this.#now() - startedAt;
  }

  #take(answer: RemoteAnswer, part: string, sha256: string): void {
    switch (answer.kind) {
      case 'clean':
        return;
      case 'found': {
        const { name, category } = answer;
        if (this.#findings.length < maxFindings) this.#findings.push({ name, category, part, sha256 });
        return;
      }
      case 'incomplete':
        for (const code of answer.limits) this.#limits.add(code);
        return;
      case 'skipped':
        this.#limits.add('engine-size');
        break;
      case 'down':
      case 'timeout':
      case 'failed':
        this.#limits.add(`engine-${answer.kind}`);
        break;
      default:
        assertNever(answer);
    }
    this.#status = answer.kind;
  }
}
