// A worker that does what a message says, for the tests of summaries: it can crash, hang, and answer.
import { parentPort, threadId } from 'node:worker_threads';
import type { SummaryAnswer, SummaryOrder } from './summary-messages.ts';

parentPort?.on('message', ({ id, bytes }: SummaryOrder) => {
  const text = Buffer.from(bytes).toString('latin1', 0, 5);
  if (text === 'CRASH') throw new Error('crashed as asked');
  if (text === 'LEAVE') process.exit(0);
  if (text === 'HANG!') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  if (text === 'HEAP!') {
    const all: unknown[] = [];
    for (;;) all.push(new Array(100_000).fill(1.5));
  }
  const summary = { subject: text, sender: String(threadId), date: String(bytes.length), attachments: [] };
  parentPort?.postMessage({ id, summary } satisfies SummaryAnswer);
});
