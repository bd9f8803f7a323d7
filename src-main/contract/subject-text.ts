// The text that is put before the subject of a message in which something was found: one line that fits into a header
// beside the subject itself.

/** Characters (code points). The header of the message pays for it with octets of its own, and has few to spare. */
export const maxSubjectTextLength = 100;

export type SubjectTextProblem = 'empty' | 'too-long' | 'control-character';

export type ParsedSubjectText =
  /** Without spaces around it. */
  { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: SubjectTextProblem };

/** Controls, the line ends of Unicode, and halves of surrogate pairs, which have no octets (RFC 5322 §2.2, RFC 2047). */
const unfit = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u;

/** `typed`: as it stands in a field or a file, of any length. */
export function parseSubjectText(typed: string): ParsedSubjectText {
  // Before the trim, which would take a line end away.
  if (unfit.test(typed)) return { ok: false, problem: 'control-character' };
  const text = typed.trim();
  if (text === '') return { ok: false, problem: 'empty' };
  // A code point has at most two units: a text of hostile length is not taken apart.
  const isLong = text.length > 2 * maxSubjectTextLength || [...text].length > maxSubjectTextLength;
  return isLong ? { ok: false, problem: 'too-long' } : { ok: true, text };
}
