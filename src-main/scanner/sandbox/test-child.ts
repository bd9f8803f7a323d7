// An unpacking process that does what the extension says, for the tests of the sandbox: it can die, hang, take memory,
// and say what it must not.
import { readSync, writeSync } from 'node:fs';
import { frameOf, frameStartBytes } from './protocol.ts';

function readFrame(): { readonly head: { readonly extension: string } } {
  const start = Buffer.alloc(frameStartBytes);
  if (readSync(0, start) === 0) process.exit(0);
  const frame = Buffer.alloc(start.readUInt32LE(0) + start.readUInt32LE(4));
  for (let at = 0; at < frame.length; ) at += readSync(0, frame, at, frame.length - at, null);
  return { head: JSON.parse(frame.toString('utf8', 0, start.readUInt32LE(0))) };
}

const done = { kind: 'done', limits: [], encryptedNames: [], openedByPassword: false } as const;

/** Keeps the memory of one that takes too much. */
const taken: Buffer[] = [];

function hang(): never {
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

for (;;) {
  const { head } = readFrame();
  switch (head.extension) {
    case 'die':
      process.kill(process.pid, 'SIGKILL');
      break;
    case 'die-later':
      writeSync(1, Buffer.concat([frameOf({ kind: 'member', name: 'a' }, 1), Buffer.from('x')]));
      process.kill(process.pid, 'SIGKILL');
      break;
    case 'hang':
      hang();
      break;
    case 'hang-trying':
      writeSync(1, frameOf({ kind: 'trying', encryptedNames: ['evil.exe'] }, 0));
      hang();
      break;
    case 'grow':
      for (;;) taken.push(Buffer.alloc(16 * 1024 * 1024, 1));
    case 'nonsense':
      writeSync(1, Buffer.from('02000000000000007b7d', 'hex'));
      break;
    case 'too-much':
      writeSync(1, frameOf({ kind: 'member', name: 'a' }, 2 ** 31));
      break;
    default:
      // Its own pid, to see whether it is the same.
      writeSync(1, frameOf({ kind: 'member', name: `${process.pid}` }, 0));
      writeSync(1, frameOf(done, 0));
  }
}
