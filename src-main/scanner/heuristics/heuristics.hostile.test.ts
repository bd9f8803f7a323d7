import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fileTypes } from '../file-types.ts';
import { anomalies } from '../mime/anomalies.ts';
import { readName } from './name-facts.ts';
import { saidOf } from './subject.fixture.ts';
import { traits } from './traits.ts';

const name = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .array(
      fc.constantFrom(
        '.',
        ' ',
        '_',
        '/',
        '\\',
        ':',
        'exe',
        'pdf',
        'con',
        '\u{202e}',
        '\u{a0}',
        '\0',
        '$DATA',
      ),
      {
        maxLength: 30,
      },
    )
    .map((pieces) => pieces.join('')),
);

describe('any subject', () => {
  it('is judged, by rules of ours, each once', () => {
    const subjects = fc.record({
      content: fc.uint8Array({ maxLength: 300 }).map((octets) => Buffer.from(octets)),
      type: fc.constantFrom(...fileTypes),
      names: fc.array(name, { maxLength: 4 }),
      traits: fc.subarray([...traits]),
      around: fc.array(fc.constantFrom(...fileTypes), { maxLength: 4 }),
      holds: fc.subarray([...fileTypes]),
      anomalies: fc.subarray([...anomalies]),
    });
    fc.assert(
      fc.property(subjects, (subject) => {
        const said = saidOf(subject);
        expect(new Set(said).size).toBe(said.length);
        for (const each of said)
          expect(each).toMatch(/^(?:note|suspicious|harmful) Postern\.[A-Z]\w+\.[A-Z]\w+$/);
      }),
    );
  });

  it('is never harmful by its names alone', () => {
    fc.assert(
      fc.property(
        fc.array(name, { maxLength: 4 }),
        fc.constantFrom('text', 'unknown', 'image'),
        (names, type) => {
          expect(saidOf({ names, type }).join()).not.toContain('harmful');
        },
      ),
    );
  });
});

describe('names that are made to be looked at for long', () => {
  it.each([' ', '_', '.', ' .', '_.exe', 'a:', '\u{202e}', '.exe'])(
    'are read at their longest: %j',
    (piece) => {
      // As long as names get.
      const long = piece.repeat(Math.ceil(255 / piece.length));
      for (let i = 0; i < 200; i++) readName(long);
      expect(readName(`${long}x.exe`).extension).toBe('exe');
    },
  );
});
