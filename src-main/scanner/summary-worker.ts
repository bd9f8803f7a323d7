// The thread in which messages are summarised, one after the other. It ends by summaries.ts alone.
import { parentPort } from 'node:worker_threads';
import { summaryOf } from './message-summary.ts';
import type { SummaryAnswer, SummaryOrder } from './summary-messages.ts';

parentPort?.on('message', async ({ id, bytes }: SummaryOrder) => {
  const summary = await summaryOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  parentPort?.postMessage({ id, summary } satisfies SummaryAnswer);
});
