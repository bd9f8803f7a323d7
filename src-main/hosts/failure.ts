// How a command ends when it can't do its work: one line for the person, and the exit code 3.
import { type ErrorCode, errorCodes } from '../contract/error-codes.ts';

/** Usage or error, for every command. */
export const failureExitCode = 3;

/** Ends the command; caught once, where the command was started. */
export class CommandFailure extends Error {
  readonly code: ErrorCode;

  /** `detail` stands behind the words of the code: a file, a key, the system's own words. */
  constructor(code: ErrorCode, detail?: string) {
    super(detail ?? '');
    this.name = 'CommandFailure';
    this.code = code;
  }
}

const known: ReadonlySet<string> = new Set(errorCodes);

export function isErrorCode(text: string): text is ErrorCode {
  return known.has(text);
}
