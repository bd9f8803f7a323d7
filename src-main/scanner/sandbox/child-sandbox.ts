// The sandbox as a scanning thread has it: it starts the unpacking process when that is first needed, talks to it
// synchronously, and kills it when it takes too long, takes too much memory, or is not itself any more.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, readSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assertNever } from '../../contract/assert-never.ts';
import type { LimitCode } from '../../contract/verdict.ts';
import { unpackerIdleMs, unpackerMemoryBytes, unpackerTimeoutMs } from '../limits.ts';
import {
  type AnswerHead,
  answerHeadOf,
  frameOf,
  frameStartBytes,
  maxHeadBytes,
  passwordsMs,
} from './protocol.ts';
import type { Sandbox, SandboxReply, SandboxRequest } from './sandbox.ts';
import { sevenZipDirectory } from './seven-zip-module.ts';

export interface SandboxOptions {
  /** The entry point of the process: seven-zip-child.ts, or what it was bundled to. */
  readonly childUrl: URL;
  readonly timeoutMs?: number;
  /** Resident octets. */
  readonly memoryBytes?: number;
  readonly idleMs?: number;
}

/** Between two looks at the memory of the process. */
const memoryPollMs = 50;

/** Between two tries to read or write; the first ones come quicker. */
const pollMs = 1;
const quickPollMs = 0.05;
const quickPolls = 20;

/** A password that is being tried may end, and the process say so. */
const graceMs = 500;

/** Of x64, the only one that is served. */
const pageBytes = 4096;

/** The process is not to be spoken to any more. */
class Lost extends Error {}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** The descriptor of a pipe to a child: Node gives it in a property of the handle that it does not document. */
function descriptorOf(stream: unknown): number | undefined {
  const handle: unknown =
    typeof stream === 'object' && stream !== null ? Reflect.get(stream, '_handle') : undefined;
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined;
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}

/** What the process is started with: no rights but to read its own code, where the runtime has such a thing. */
function argumentsFor(childUrl: URL): string[] {
  const child = fileURLToPath(childUrl);
  if (process.versions['electron'] !== undefined) return [child];
  const readable = [dirname(child), sevenZipDirectory()];
  return ['--permission', '--allow-worker', ...readable.map((path) => `--allow-fs-read=${path}/`), child];
}

/** A process with both its pipes. */
interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly input: number;
  readonly output: number;
}

function startChild(childUrl: URL, onGone: () => void): Child | undefined {
  const started = spawn(process.execPath, argumentsFor(childUrl), {
    cwd: '/',
    env: { ELECTRON_RUN_AS_NODE: '1' },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  started.on('error', onGone);
  started.on('exit', onGone);
  started.unref();
  for (const stream of [started.stdin, started.stdout]) {
    // How it ended is seen when it is spoken to.
    stream.on('error', onGone);
    if (stream instanceof Socket) stream.unref();
  }
  const input = descriptorOf(started.stdin);
  const output = descriptorOf(started.stdout);
  if (started.pid === undefined || input === undefined || output === undefined) {
    started.kill('SIGKILL');
    return undefined;
  }
  return { process: started, pid: started.pid, input, output };
}

/** One request and its answer. */
class Conversation {
  readonly #child: Child;
  readonly #request: SandboxRequest;
  readonly #memoryBytes: number;
  readonly #sleeper = new Int32Array(new SharedArrayBuffer(4));
  readonly #members: { readonly name: string; readonly bytes: Buffer }[] = [];
  #outputBytes = 0;
  #deadline: number;
  #nextLook: number;
  /** While passwords are tried: what is encrypted. */
  #trying: { readonly encryptedNames: readonly string[] } | undefined;

  constructor(child: Child, request: SandboxRequest, bounds: { timeoutMs: number; memoryBytes: number }) {
    this.#child = child;
    this.#request = request;
    this.#memoryBytes = bounds.memoryBytes;
    this.#deadline = performance.now() + bounds.timeoutMs;
    this.#nextLook = performance.now() + memoryPollMs;
  }

  /** What came, and whether the process can be asked again. */
  hold(): { readonly reply: SandboxReply; readonly isAlive: boolean } {
    try {
      const { bytes, ...head } = this.#request;
      this.#write(frameOf(head, bytes.length));
      this.#write(bytes);
      return { reply: this.#answer(), isAlive: true };
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      const code: LimitCode = this.#trying ? 'encrypted' : 'unpacker-failed';
      return { reply: this.#reply([code], this.#trying?.encryptedNames ?? [], false), isAlive: false };
    }
  }

  #reply(
    limits: readonly LimitCode[],
    encryptedNames: readonly string[],
    openedByPassword: boolean,
  ): SandboxReply {
    return { members: this.#members, limits, encryptedNames, openedByPassword };
  }

  #answer(): SandboxReply {
    const wholeDeadline = this.#deadline;
    for (;;) {
      const { head, bytes } = this.#frame();
      switch (head.kind) {
        case 'member':
          this.#members.push({ name: head.name, bytes });
          if (this.#members.length > this.#request.maxMembers) throw new Lost('too many members');
          break;
        case 'trying':
          this.#trying = head;
          this.#deadline = Math.min(wholeDeadline, performance.now() + passwordsMs + graceMs);
          break;
        case 'tried':
          this.#trying = undefined;
          this.#deadline = wholeDeadline;
          break;
        case 'done':
          return this.#reply(head.limits, head.encryptedNames, head.openedByPassword);
        default:
          assertNever(head);
      }
    }
  }

  #frame(): { readonly head: AnswerHead; readonly bytes: Buffer } {
    const start = this.#read(frameStartBytes);
    const headBytes = start.readUInt32LE(0);
    const bodyBytes = start.readUInt32LE(4);
    this.#outputBytes += bodyBytes;
    if (headBytes > maxHeadBytes || this.#outputBytes > this.#request.maxOutputBytes)
      throw new Lost('more than it may say');
    const head = answerHeadOf(this.#read(headBytes));
    if (!head) throw new Lost('an answer that is none');
    return { head, bytes: this.#read(bodyBytes) };
  }

  #read(length: number): Buffer {
    const bytes = Buffer.allocUnsafeSlow(length);
    this.#repeat(length, (at) => {
      const count = readSync(this.#child.output, bytes, at, length - at, null);
      if (count === 0) throw new Lost('it ended');
      return count;
    });
    return bytes;
  }

  #write(bytes: Uint8Array): void {
    this.#repeat(bytes.length, (at) => writeSync(this.#child.input, bytes, at));
  }

  /** Does a step of something until `length` octets of it are done; pauses where the pipe is not ready. */
  #repeat(length: number, step: (at: number) => number): void {
    let polls = 0;
    for (let at = 0; at < length; ) {
      try {
        at += step(at);
        polls = 0;
      } catch (error) {
        if (error instanceof Lost) throw error;
        if (codeOf(error) !== 'EAGAIN') throw new Lost('its pipe broke', { cause: error });
        Atomics.wait(this.#sleeper, 0, 0, ++polls > quickPolls ? pollMs : quickPollMs);
      }
      this.#watch();
    }
  }

  #watch(): void {
    const now = performance.now();
    if (now >= this.#deadline) throw new Lost('it takes too long');
    if (now < this.#nextLook) return;
    this.#nextLook = now + memoryPollMs;
    if (this.#residentBytes() > this.#memoryBytes) throw new Lost('it takes too much memory');
  }

  /** proc_pid_statm(5): the second field. Its pid is its own until its end was waited for, which this thread does. */
  #residentBytes(): number {
    try {
      const [, pages] = readFileSync(`/proc/${this.#child.pid}/statm`, 'latin1').split(' ');
      return Number(pages) * pageBytes;
    } catch {
      throw new Lost('it is gone');
    }
  }
}

class ChildSandbox implements Sandbox {
  readonly #options: Required<SandboxOptions>;
  #child: Child | undefined;
  #idle: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: Required<SandboxOptions>) {
    this.#options = options;
  }

  unpack(request: SandboxRequest): SandboxReply {
    const child = this.#isStopped ? undefined : (this.#child ?? this.#start());
    if (!child)
      return { members: [], limits: ['unpacker-failed'], encryptedNames: [], openedByPassword: false };
    clearTimeout(this.#idle);
    const { reply, isAlive } = new Conversation(child, request, this.#options).hold();
    if (isAlive) this.#idle = setTimeout(() => this.#end(), this.#options.idleMs).unref();
    else this.#end();
    return reply;
  }

  stop(): void {
    this.#isStopped = true;
    this.#end();
  }

  #start(): Child | undefined {
    const child = startChild(this.#options.childUrl, () => {
      if (this.#child === child) this.#end();
    });
    this.#child = child;
    return child;
  }

  #end(): void {
    clearTimeout(this.#idle);
    const child = this.#child;
    this.#child = undefined;
    child?.process.kill('SIGKILL');
  }
}

/** Nothing is started before it is needed; it must be stopped. */
export function openSandbox(options: SandboxOptions): Sandbox {
  const defaults = { timeoutMs: unpackerTimeoutMs, memoryBytes: unpackerMemoryBytes, idleMs: unpackerIdleMs };
  return new ChildSandbox({ ...defaults, ...options });
}
