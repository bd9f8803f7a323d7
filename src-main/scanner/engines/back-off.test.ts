import { describe, expect, it } from 'vitest';
import { BackOff } from './back-off.ts';

describe('the wait for a server that is away', () => {
  it('doubles from half a second to half a minute', () => {
    const backOff = new BackOff(() => 1);
    const waits = Array.from({ length: 9 }, () => backOff.next());
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  it('is between the half and the whole of that, by chance', () => {
    expect(new BackOff(() => 0).next()).toBe(250);
    expect(new BackOff(() => 0.5).next()).toBe(375);
  });

  it('begins again after an answer', () => {
    const backOff = new BackOff(() => 1);
    backOff.next();
    backOff.next();
    backOff.reset();
    expect(backOff.next()).toBe(500);
  });
});
