// Deflate (RFC 1951) under a budget: the output is counted as it comes, and what came before damage or a limit is kept.
import { constants, inflateRawSync } from 'node:zlib';
import type { LimitCode } from '../../../contract/verdict.ts';
import type { UnpackBudget } from '../budget.ts';
import { type Piece, readPiece } from './inflate-piece.ts';

export type Inflated =
  | {
      readonly kind: 'inflated';
      readonly bytes: Buffer;
      /** Octets of input that the stream took. */
      readonly inputBytes: number;
      /** The input ended before the stream did. */
      readonly truncated: boolean;
    }
  /** `bytes`: a first piece of what there is; perhaps empty. */
  | { readonly kind: 'limit'; readonly code: LimitCode; readonly bytes: Buffer }
  /** `bytes`: what came before the damage, or a first piece of it; perhaps empty. */
  | { readonly kind: 'damaged'; readonly bytes: Buffer };

/** Octets given of a member that is not given whole: what makes a program one stands in its beginning. */
export const pieceBytes = 1024 * 1024;

/** Octets of output that are allocated at once: few for small members, more where that is faster. */
const minChunkBytes = 4 * 1024;
const maxChunkBytes = 128 * 1024;

const nothing = Buffer.alloc(0);

interface WithEngine {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

/** With `info: true` zlib answers so (Node's documentation of zlib options); its types say Buffer. */
export function hasEngine(answer: unknown): answer is WithEngine {
  return typeof answer === 'object' && answer !== null && 'buffer' in answer && 'engine' in answer;
}

export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** A first piece, as far as the budget allows it; undefined: it doesn't. */
function pieceOf(bytes: Buffer, budget: UnpackBudget): Piece | undefined {
  const { octets } = budget.allowance(bytes.length);
  if (octets === 0 || !budget.takePiece()) return undefined;
  const piece = readPiece(bytes, Math.min(octets, pieceBytes));
  return budget.takeOutput(piece.bytes.length) === undefined ? piece : undefined;
}

interface InflateOptions {
  readonly statedBytes?: number | undefined;
  readonly dictionary?: Buffer | undefined;
  readonly pieces?: boolean;
}

/**
 * Inflates the stream at the beginning of `bytes`; what follows it is left alone.
 * @param options.statedBytes octets of input that the stream is said to take; a hint
 * @param options.dictionary what stands before the output, for references to it
 * @param options.pieces whether what can't be had whole is given in part
 */
export function inflate(
  bytes: Buffer,
  budget: UnpackBudget,
  { statedBytes = bytes.length, dictionary, pieces = true }: InflateOptions = {},
): Inflated {
  const { octets, code } = budget.allowance(bytes.length);
  // What is counted afterwards ends the next look.
  const spent = budget.takeInput(0) ?? (octets === 0 ? code : undefined);
  if (spent !== undefined) return { kind: 'limit', code: spent, bytes: nothing };
  const chunkSize = Math.min(maxChunkBytes, Math.max(minChunkBytes, statedBytes * 2));
  const piece = () => (pieces && dictionary === undefined ? pieceOf(bytes, budget) : undefined);
  for (const truncated of [false, true]) {
    try {
      const answer: unknown = inflateRawSync(bytes, {
        info: true,
        maxOutputLength: octets,
        chunkSize,
        finishFlush: truncated ? constants.Z_SYNC_FLUSH : constants.Z_FINISH,
        ...(dictionary === undefined ? {} : { dictionary }),
      });
      if (!hasEngine(answer)) return { kind: 'damaged', bytes: nothing };
      const inputBytes = answer.engine.bytesWritten;
      if (budget.isBomb(inputBytes, answer.buffer.length)) {
        const first = Buffer.from(answer.buffer.subarray(0, pieceBytes));
        const over = budget.takeInput(answer.buffer.length) ?? budget.takeOutput(first.length);
        return { kind: 'limit', code: over ?? 'unpack-ratio', bytes: over === undefined ? first : nothing };
      }
      const over = budget.takeInput(inputBytes) ?? budget.takeOutput(answer.buffer.length);
      if (over !== undefined) return { kind: 'limit', code: over, bytes: nothing };
      // A small answer would keep the whole chunk alive.
      const output = answer.buffer.length * 2 < chunkSize ? Buffer.from(answer.buffer) : answer.buffer;
      return { kind: 'inflated', bytes: output, inputBytes, truncated };
    } catch (error) {
      const isTooLarge = codeOf(error) === 'ERR_BUFFER_TOO_LARGE';
      if (!isTooLarge && codeOf(error) !== 'Z_BUF_ERROR') {
        const first = piece();
        // How far zlib came before the damage is known only where the piece ends there too.
        const over = budget.takeInput(first && !first.isFull ? first.inputBytes : bytes.length);
        if (over !== undefined) return { kind: 'limit', code: over, bytes: nothing };
        return { kind: 'damaged', bytes: first?.bytes ?? nothing };
      }
      // Output that is thrown away was work as well.
      const over = budget.takeInput(isTooLarge ? octets + Math.min(bytes.length, octets) : bytes.length);
      if (over !== undefined) return { kind: 'limit', code: over, bytes: nothing };
      if (isTooLarge) return { kind: 'limit', code, bytes: piece()?.bytes ?? nothing };
    }
  }
  return { kind: 'damaged', bytes: nothing };
}
