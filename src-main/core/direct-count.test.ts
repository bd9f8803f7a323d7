import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createDirectCount } from './direct-count.ts';
import { fakeClock } from './testing.fixture.ts';

/** `answers`: what is counted, one after the other; the last one again and again. */
function setUp(...answers: (number | Error)[]) {
  const clock = fakeClock();
  const told: number[] = [];
  let counts = 0;
  const direct = createDirectCount({
    async count() {
      const answer = answers[Math.min(counts++, answers.length - 1)] ?? 0;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    after: clock.after,
    onCount: (connections) => told.push(connections),
  });
  return {
    clock,
    direct,
    told,
    counts: () => counts,
    async advance(ms: number) {
      clock.advance(ms);
      for (let i = 0; i < 3; i++) await turn();
    },
  };
}

test('counts a second after the interception began, and not before', async () => {
  const { direct, told, advance, counts } = setUp(3);
  direct.look();
  await advance(999);
  expect(counts()).toBe(0);
  await advance(1);
  expect(told).toEqual([3]);
});

test('counts now and then until there are none, and tells what changed', async () => {
  const { direct, told, advance, counts, clock } = setUp(3, 3, 1, 0);
  direct.look();
  await advance(1_000);
  for (let i = 0; i < 3; i++) await advance(30_000);
  expect(told).toEqual([3, 1, 0]);
  expect(counts()).toBe(4);
  expect(clock.waiting).toBe(0);
});

test('none at the beginning are not told, nor counted again', async () => {
  const { direct, told, advance, clock } = setUp(0);
  direct.look();
  await advance(1_000);
  expect(told).toEqual([]);
  expect(clock.waiting).toBe(0);
});

test('asked many times it waits once, from the last time on', async () => {
  const { direct, told, advance, counts, clock } = setUp(1);
  for (let i = 0; i < 5; i++) {
    direct.look();
    await advance(500);
  }
  expect(clock.waiting).toBe(1);
  await advance(500);
  expect(counts()).toBe(1);
  expect(told).toEqual([1]);
});

test('what can not be counted is none', async () => {
  const { direct, told, advance, clock } = setUp(2, new Error('gone'));
  direct.look();
  await advance(1_000);
  await advance(30_000);
  expect(told).toEqual([2, 0]);
  expect(clock.waiting).toBe(0);
});

test('after the end nothing is counted and nothing told, though it was under way or is asked again', async () => {
  const { direct, told, advance, clock, counts } = setUp(2);
  direct.look();
  clock.advance(1_000);
  direct.stop();
  direct.stop();
  await advance(0);
  expect(counts()).toBe(1);
  direct.look();
  expect(clock.waiting).toBe(0);
  await advance(60_000);
  expect(counts()).toBe(1);
  expect(told).toEqual([]);
  expect(clock.waiting).toBe(0);
});
