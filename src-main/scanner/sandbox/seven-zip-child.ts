// The unpacking process: one thread unpacks, the other reads the requests and ends the process when its parent is gone,
// whatever the first is doing. Started by the sandbox alone.
import { readSync, writeSync } from 'node:fs';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { type AnswerHead, frameOf, frameStartBytes, passwordsMs, type RequestHead } from './protocol.ts';
import { loadSevenZip } from './seven-zip-module.ts';
import { unpackArchive } from './unpack-archive.ts';

interface Order {
  /** JSON of a request's head. */
  readonly head: Uint8Array;
  readonly archive: Uint8Array;
}

const input = 0;
const output = 1;

/** Octets of WebAssembly memory: decoders ask for as much as an archive says, up to gigabytes. */
const maxHeapBytes = 256 * 1024 * 1024;

/** At once: an orderly end would wait for the thread that reads, and that one waits for octets. */
function end(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** Reads `length` octets, and ends the process when there are no more: nobody waits for it then. */
function readAll(length: number): Uint8Array<ArrayBuffer> {
  const octets = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const count = readSync(input, octets, at, length - at, null);
    if (count === 0) end();
    at += count;
  }
  return octets;
}

/** In a thread of its own, which waits for each octet. The model of permissions does not reach it. */
function readOrders(): void {
  for (;;) {
    const start = new DataView(readAll(frameStartBytes).buffer);
    const head = readAll(start.getUint32(0, true));
    const archive = readAll(start.getUint32(4, true));
    const order: Order = { head, archive };
    parentPort?.postMessage(order, [head.buffer, archive.buffer]);
  }
}

function writeAll(octets: Uint8Array): void {
  for (let at = 0; at < octets.length; ) at += writeSync(output, octets, at);
}

function say(head: AnswerHead, pieces: readonly Uint8Array[] = [], sizeBytes = 0): void {
  writeAll(frameOf(head, sizeBytes));
  for (const piece of pieces) writeAll(piece);
}

async function unpackOrders(): Promise<void> {
  // Piping the thread's output to this one's would make the descriptors non-blocking.
  const reader = new Worker(new URL(import.meta.url), { stdout: true, stderr: true });
  const sevenZip = await loadSevenZip(maxHeapBytes);
  const clock = { now: () => performance.now(), passwordsMs };
  reader.on('message', ({ head, archive }: Order) => {
    const request: RequestHead = JSON.parse(Buffer.from(head).toString());
    unpackArchive(sevenZip, request, archive, say, clock).catch(end);
  });
}

if (isMainThread) unpackOrders().catch(end);
else readOrders();
