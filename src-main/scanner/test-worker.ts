// A worker that does what a message says, for the tests of the pool: it can crash, hang, and answer.
import { parentPort, workerData } from 'node:worker_threads';
import type { ScanOrder, WorkerAnswer, WorkerSetup } from './worker-messages.ts';

const setup: WorkerSetup = workerData;

function say(answer: WorkerAnswer): void {
  parentPort?.postMessage(answer);
}

if (setup.rulesDirectory.endsWith('broken')) throw new Error('this worker does not start');

parentPort?.on('message', ({ id, source }: ScanOrder) => {
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
    sha256: `${process.pid}`,
    bytes: sizeBytes,
    parts: 1,
    ms: 0,
  };
  say({ kind: 'done', id, report, overwrites: [], tags: [] });
});
say({ kind: 'ready', engines: [{ id: 'test', version: '1', rules: 0, revision: '0' }] });
