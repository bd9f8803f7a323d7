import { describe, expect, it } from 'vitest';
import { nameBytes } from './limits.ts';
import { cleanName, judgedName } from './names.ts';

describe('a name', () => {
  it('is shown without control characters, also of direction', () => {
    expect(cleanName(' a\u0000\u202eb ')).toBe('a_b');
  });

  it('is judged with those of direction', () => {
    expect(judgedName(' a\u0007\u202eb\u200f.exe ')).toBe('a_\u202eb\u200f.exe');
  });

  it('is none where nothing is left', () => {
    for (const name of [undefined, '', '  ']) {
      expect(cleanName(name)).toBeUndefined();
      expect(judgedName(name)).toBeUndefined();
    }
  });

  it('keeps its beginning and its end at its limit', () => {
    const whole = 'a'.repeat(nameBytes);
    expect(judgedName(whole)).toBe(whole);
    const cut = judgedName(`start${whole}.exe`) ?? '';
    expect(cut).toHaveLength(nameBytes);
    expect(cut).toMatch(/^starta+…a+\.exe$/);
  });
});
