import { describe, expect, it } from 'vitest';
import { maxSubjectTextLength, parseSubjectText } from './subject-text.ts';

describe('the text before a subject', () => {
  it.each([
    ['[detection %DETECTIONNAME%]', '[detection %DETECTIONNAME%]'],
    ['  [virus]  ', '[virus]'],
    ['Ødelagt 🦠', 'Ødelagt 🦠'],
    ['x', 'x'],
    ['x'.repeat(maxSubjectTextLength), 'x'.repeat(maxSubjectTextLength)],
    ['🦠'.repeat(maxSubjectTextLength), '🦠'.repeat(maxSubjectTextLength)],
  ])('%j is taken', (typed, text) => {
    expect(parseSubjectText(typed)).toEqual({ ok: true, text });
  });

  it.each([
    ['', 'empty'],
    [' \u00a0 ', 'empty'],
    ['x'.repeat(maxSubjectTextLength + 1), 'too-long'],
    ['🦠'.repeat(maxSubjectTextLength + 1), 'too-long'],
    ['x'.repeat(1_000_000), 'too-long'],
    ['[virus]\r\nBcc: a@example.test', 'control-character'],
    ['[virus]\n', 'control-character'],
    ['a\tb', 'control-character'],
    ['a\u0000b', 'control-character'],
    ['a\u007fb', 'control-character'],
    ['a\u0085b', 'control-character'],
    ['a\u2028b', 'control-character'],
    ['a\ud83eb', 'control-character'],
  ])('%j is not: %s', (typed, problem) => {
    expect(parseSubjectText(typed)).toEqual({ ok: false, problem });
  });
});
