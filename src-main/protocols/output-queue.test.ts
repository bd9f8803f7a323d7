import { expect, test } from 'vitest';
import { OutputQueue } from './output-queue.ts';

/** Outputs are numbers, which are their own size; those in `free` may leave. */
function queueOf() {
  const free = new Set<number>();
  const sent: number[] = [];
  const leaves = ({ size }: { size: number }) => {
    if (free.has(size)) sent.push(size);
    return free.has(size);
  };
  const queue = new OutputQueue(leaves, ({ size }: { size: number }) => ({ bytes: size, messages: 1 }));
  return { queue, free, sent };
}

test('what may leave leaves at once, and is not counted', () => {
  const { queue, free, sent } = queueOf();
  free.add(7);
  queue.push({ size: 7 });
  expect([sent, queue.blocked, queue.bytes]).toEqual([[7], false, 0]);
});

test('what is behind one that waits waits too, and leaves in order', () => {
  const { queue, free, sent } = queueOf();
  free.add(2).add(3);
  for (const size of [1, 2, 3, 4, 5]) queue.push({ size });
  expect([sent, queue.blocked, queue.bytes]).toEqual([[], true, 15]);
  free.add(1);
  queue.flush();
  expect([sent, queue.blocked, queue.bytes]).toEqual([[1, 2, 3], true, 9]);
  expect(queue.first).toEqual({ size: 4 });
  free.add(4).add(5);
  queue.flush();
  expect([sent, queue.blocked, queue.bytes]).toEqual([[1, 2, 3, 4, 5], false, 0]);
  expect(queue.first).toBeUndefined();
});

test('stays in order while a long queue empties bit by bit', () => {
  const { queue, free, sent } = queueOf();
  const sizes = Array.from({ length: 1_000 }, (_, index) => index + 1);
  for (const size of sizes) queue.push({ size });
  for (const size of sizes) {
    free.add(size);
    queue.flush();
    expect(sent).toHaveLength(size);
  }
  expect(sent).toEqual(sizes);
  expect([queue.blocked, queue.bytes]).toEqual([false, 0]);
});
