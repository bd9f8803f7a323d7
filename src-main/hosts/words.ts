// The words for codes on the command line, which speaks English only.
import type { ErrorCode } from '../contract/error-codes.ts';
import { translate } from '../contract/locales.ts';
import type { NotScannedReason } from '../contract/state.ts';

/** The words of an error code: a sentence. */
export const errorWords = (code: ErrorCode): string => translate('en', `error.${code}`);

/** Why something was not scanned, as a clause. */
export const limitWords = (code: NotScannedReason): string => translate('en', `limit.${code}`);
