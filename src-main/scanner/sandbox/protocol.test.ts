import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AnswerHead, answerHeadOf, frameOf, frameStartBytes } from './protocol.ts';

const heads: readonly AnswerHead[] = [
  { kind: 'member', name: 'ä\n"' },
  { kind: 'trying', encryptedNames: ['a'] },
  { kind: 'tried' },
  { kind: 'done', limits: ['encrypted'], encryptedNames: [], openedByPassword: true },
];

describe('an answer', () => {
  it.each(heads)('is read as it was written: $kind', (head) => {
    const frame = frameOf(head, 7);
    expect(frame.readUInt32LE(0)).toBe(frame.length - frameStartBytes);
    expect(frame.readUInt32LE(4)).toBe(7);
    expect(answerHeadOf(frame.subarray(frameStartBytes))).toEqual(head);
  });

  it.each([
    'no JSON',
    'null',
    '[]',
    '{"kind":"member"}',
    '{"kind":"member","name":1}',
    '{"kind":"trying","encryptedNames":[1]}',
    '{"kind":"done","limits":["clean"],"encryptedNames":[],"openedByPassword":true}',
    '{"kind":"done","limits":[],"encryptedNames":[],"openedByPassword":1}',
    '{"kind":"other","encryptedNames":[]}',
  ])('is none when it says %s', (json) => {
    expect(answerHeadOf(Buffer.from(json))).toBeUndefined();
  });

  it('may be any octets', () => {
    fc.assert(fc.property(fc.uint8Array(), (octets) => void answerHeadOf(Buffer.from(octets))));
  });
});
