// Deflate (RFC 1951) under a budget: the output is counted as it comes, and what came before damage is kept.
import { constants, inflateRawSync } from 'node:zlib';
import type { LimitCode } from '../../contract/verdict.ts';
import type { UnpackBudget } from './budget.ts';

export type Inflated =
  | {
      readonly kind: 'inflated';
      readonly bytes: Buffer;
      /** Octets of input that the stream took. */
      readonly inputBytes: number;
      /** The input ended before the stream did. */
      readonly truncated: boolean;
    }
  | { readonly kind: 'limit'; readonly code: LimitCode }
  | { readonly kind: 'damaged' };

interface WithEngine {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

/** With `info: true` zlib answers so (Node's documentation of zlib options); its types say Buffer. */
function hasEngine(answer: unknown): answer is WithEngine {
  return typeof answer === 'object' && answer !== null && 'buffer' in answer && 'engine' in answer;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** Inflates the stream at the beginning of `bytes`; what follows it is left alone. */
export function inflate(bytes: Buffer, budget: UnpackBudget): Inflated {
  const { octets, code } = budget.allowance(bytes.length);
  if (octets === 0) return { kind: 'limit', code };
  for (const truncated of [false, true]) {
    try {
      const answer: unknown = inflateRawSync(bytes, {
        info: true,
        maxOutputLength: octets,
        finishFlush: truncated ? constants.Z_SYNC_FLUSH : constants.Z_FINISH,
      });
      if (!hasEngine(answer)) return { kind: 'damaged' };
      const inputBytes = answer.engine.bytesWritten;
      const over = budget.takeInput(inputBytes) ?? budget.takeOutput(answer.buffer.length);
      if (over !== undefined) return { kind: 'limit', code: over };
      if (budget.isBomb(inputBytes, answer.buffer.length)) return { kind: 'limit', code: 'unpack-ratio' };
      return { kind: 'inflated', bytes: answer.buffer, inputBytes, truncated };
    } catch (error) {
      const over = budget.takeInput(bytes.length);
      if (over !== undefined) return { kind: 'limit', code: over };
      if (codeOf(error) === 'ERR_BUFFER_TOO_LARGE') return { kind: 'limit', code };
      if (codeOf(error) !== 'Z_BUF_ERROR') return { kind: 'damaged' };
    }
  }
  return { kind: 'damaged' };
}
