// A worker that does what a message says, for the tests of the pool: it can crash, hang, and answer.
import { parentPort, workerData } from 'node:worker_threads';
import type { WorkerAnswer, WorkerOrder, WorkerSetup } from './worker-messages.ts';

const setup: WorkerSetup = workerData;

function say(answer: WorkerAnswer): void {
  parentPort?.postMessage(answer);
}

if (setup.rulesDirectory.endsWith('broken')) throw new Error('this worker does not start');

/** Octets that were told of each followed message, all views together. */
const followed = new Map<number, number>();

parentPort?.on('message', (order: WorkerOrder) => {
  if (order.kind === 'prepare') {
    if (Buffer.from(order.bytes).includes('CRASH ON THE WAY')) throw new Error('crashed as asked');
    followed.set(order.followed, (followed.get(order.followed) ?? 0) + order.bytes.length);
    return;
  }
  if (order.kind === 'forget') {
    followed.delete(order.followed);
    return;
  }
  const { id, source } = order;
  const bytes = source.kind === 'bytes' ? Buffer.from(source.bytes) : Buffer.alloc(0);
  const text = bytes.toString('latin1', 0, 5);
  if (text === 'CRASH') throw new Error('crashed as asked');
  if (text === 'LEAVE') process.exit(0);
  if (text === 'HANG!') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  if (text === 'WRITE' && source.kind === 'bytes') source.bytes.fill(0x21);
  const sizeBytes = bytes.length;
  const report = {
    complete: true,
    detections: [],
    limits: [],
    // Which messages were followed just now, and whether this is one of them.
    sha256: JSON.stringify({ known: [...followed.values()], mine: followed.get(order.followed ?? -1) ?? 0 }),
    bytes: sizeBytes,
    parts: 1,
    ms: 0,
  };
  followed.delete(order.followed ?? -1);
  say({ kind: 'done', id, report, overwrites: [], tags: [] });
});
say({ kind: 'ready', engines: [{ id: 'test', version: '1', rules: 0, revision: '0' }] });
