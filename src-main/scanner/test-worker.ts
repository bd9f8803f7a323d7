// A worker that does what a message or its rules say, for the tests of the pool: it can crash, hang, and answer.
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { WorkerAnswer, WorkerOrder, WorkerSetup } from './worker-messages.ts';

const setup: WorkerSetup = workerData;
let { limits, options } = setup;
/** The rules that it has read. */
let loaded: string | undefined;

function say(answer: WorkerAnswer): void {
  parentPort?.postMessage(answer);
}

if (setup.rulesDirectory.endsWith('broken')) throw new Error('this worker does not start');

/** Octets that were told of each followed message, all views together. */
const followed = new Map<number, number>();

function hang(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

/** Memory of JavaScript's own, until there is none. */
function fillHeap(): void {
  const all: unknown[] = [];
  for (;;) all.push(new Array(100_000).fill(1.5));
}

/** What the file `rules` says in a directory, if it is there. */
function rulesIn(directory: string | undefined): string {
  const path = directory === undefined ? undefined : join(directory, 'rules');
  return path !== undefined && existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function load(withUserRules: boolean): WorkerAnswer {
  const text = rulesIn(setup.rulesDirectory) + (withUserRules ? rulesIn(setup.userRulesDirectory) : '');
  if (text.includes('CRASH')) throw new Error('crashed as asked');
  if (text.includes('FAIL')) return { kind: 'load-failed', message: 'failed as asked' };
  loaded = text;
  const problems = text.includes('BAD') ? [{ file: 'rules', line: 1, message: 'bad' }] : [];
  return { kind: 'loaded', engines: [{ id: 'test', version: text, rules: 0 }], problems, revision: text };
}

parentPort?.on('message', (order: WorkerOrder) => {
  if (order.kind === 'load') {
    say(load(order.withUserRules));
    return;
  }
  if (order.kind === 'configure') {
    ({ limits, options } = order);
    return;
  }
  if (order.kind === 'prepare') {
    if (Buffer.from(order.bytes).includes('CRASH ON THE WAY')) throw new Error('crashed as asked');
    followed.set(order.followed, (followed.get(order.followed) ?? 0) + order.bytes.length);
    return;
  }
  if (order.kind === 'forget') {
    followed.delete(order.followed);
    return;
  }
  const { id, source, known, name, leaves } = order;
  const bytes = source.kind === 'bytes' ? Buffer.from(source.bytes) : Buffer.alloc(0);
  const text = bytes.toString('latin1', 0, 5);
  if (text === 'CRASH') throw new Error('crashed as asked');
  if (text === 'LEAVE') process.exit(0);
  if (text === 'HANG!') hang();
  if (text === 'HEAP!') fillHeap();
  // Opening a FIFO is native code that nobody can end.
  if (text === 'FIFO!') closeSync(openSync(bytes.toString('utf8', 5), 'r'));
  if (text === 'WRITE' && source.kind === 'bytes') source.bytes.fill(0x21);
  const sizeBytes = bytes.length;
  const facts = {
    // Which messages were followed just now, and whether this is one of them.
    known: [...followed.values()],
    mine: followed.get(order.followed ?? -1) ?? 0,
    ...(text === 'FACTS' ? { limits, options, loaded, order: { known, name, leaves } } : {}),
  };
  const report = {
    complete: true,
    detections: [],
    notes: [],
    limits: [],
    sha256: JSON.stringify(facts),
    bytes: sizeBytes,
    parts: 1,
    ms: 0,
  };
  followed.delete(order.followed ?? -1);
  say({ kind: 'done', id, report, overwrites: [], tags: [], leaves: [] });
});
