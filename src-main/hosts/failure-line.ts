// The one line that a person gets when a command fails for an expected reason.
import { ORPCError } from '@orpc/client';
import { CommandFailure, isErrorCode } from './failure.ts';
import { errorWords } from './words.ts';

/** The line, or `undefined` for what nobody expected: a bug. */
export function failureLine(error: unknown): string | undefined {
  if (error instanceof CommandFailure) {
    const words = errorWords(error.code);
    return error.message === '' ? words : `${words.replace(/\.$/, '')}: ${error.message}`;
  }
  if (error instanceof ORPCError) {
    if (isErrorCode(error.message)) return errorWords(error.message);
    return error.code === 'BAD_REQUEST' ? errorWords('invalid-input') : `the core answered: ${error.message}`;
  }
  // A file that can't be read or written; Node's message names the call and the path.
  if (error instanceof Error && 'syscall' in error) return error.message;
  return undefined;
}
