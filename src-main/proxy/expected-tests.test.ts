import { expect, test, vi } from 'vitest';
import { createExpectedTests, type TestTarget } from './expected-tests.ts';

const target = (port: number): TestTarget => ({ server: { address: '127.0.0.1', port }, ca: 'PEM' });

function setup() {
  let nowMs = 0;
  const tests = createExpectedTests(() => new Date(nowMs));
  return {
    tests,
    advance: (ms: number) => {
      nowMs += ms;
    },
  };
}

test('a connection that was announced is taken once, and its test hears of it', async () => {
  const { tests } = setup();
  const expected = tests.expect(50_000, target(1));
  expect(tests.take(50_001)).toBeUndefined();
  expect(tests.take(undefined)).toBeUndefined();
  expect(tests.take(50_000)).toEqual(target(1));
  await expected?.arrived;
  expect(tests.take(50_000)).toBeUndefined();
});

test('it is expected for 10 s', () => {
  const { tests, advance } = setup();
  tests.expect(50_000, target(1));
  advance(9_999);
  tests.expect(50_001, target(2));
  advance(1);
  expect(tests.take(50_000)).toBeUndefined();
  expect(tests.take(50_001)).toEqual(target(2));
});

test('a cancelled one is not taken, and its cancelling does no harm to a later one of the same port', () => {
  const { tests } = setup();
  const first = tests.expect(50_000, target(1));
  first?.cancel();
  expect(tests.take(50_000)).toBeUndefined();
  tests.expect(50_000, target(2));
  first?.cancel();
  expect(tests.take(50_000)).toEqual(target(2));
});

test('16 are expected at most, and time makes room', () => {
  const { tests, advance } = setup();
  const arrived = vi.fn();
  for (let port = 1; port <= 16; port++) {
    void tests.expect(port, target(port))?.arrived.then(arrived);
  }
  expect(tests.expect(17, target(17))).toBeUndefined();
  expect(tests.expect(16, target(18))).toBeDefined();
  advance(10_000);
  expect(tests.expect(17, target(17))).toBeDefined();
  expect(arrived).not.toHaveBeenCalled();
});
