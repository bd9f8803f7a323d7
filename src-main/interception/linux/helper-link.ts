// The core's end of the netfilter helper: starts it or finds it, speaks its lines, and says that the core lives.
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { z } from 'zod';
import {
  type HelperAnswer,
  type HelperLine,
  type HelperRequest,
  heartbeatMs,
  helperProtocol,
  maxLineBytes,
  type PortElement,
} from './helper-messages.ts';
import { type HelperProblem, helperProblems } from './helper-problems.ts';

/** How the helper is reached. The core's death, however it dies, ends the pipe or the socket, and so the redirect. */
export type HelperRoute =
  /** A program to start, whose standard input and output are the way: directly as root, or by pkexec. `asks`: somebody may
   *  be asked for a password first. */
  | { readonly kind: 'start'; readonly argv: readonly [string, ...string[]]; readonly asks: boolean }
  /** The system's helper, on its unix socket. */
  | { readonly kind: 'socket'; readonly path: string };

type Distributed<Request> = Request extends { readonly id: number } ? Omit<Request, 'id'> : never;
/** A request without its number. */
export type HelperCall = Distributed<HelperRequest>;

/** `missing`: there is nothing to start or to connect to; `denied`: pkexec was refused; `outdated`: another protocol. */
type LinkProblem = 'missing' | 'denied' | 'outdated' | 'lost';

export type HelperResult =
  | { readonly ok: true; readonly answer: HelperAnswer }
  | { readonly ok: false; readonly reason: HelperProblem | LinkProblem; readonly detail?: string };

export type LinkFailure = Extract<HelperResult, { readonly ok: false }>;

/** What the helper says of itself. */
export interface HelperHello {
  readonly user: number | 'all';
  readonly nft: string;
  readonly denied: readonly PortElement[];
}

export interface HelperLink {
  /** Waits for its first line. Never rejects. */
  hello(): Promise<{ readonly ok: true; readonly hello: HelperHello } | LinkFailure>;
  /** Several may be under way; they are done in the order of the calls. Never rejects. */
  call(call: HelperCall): Promise<HelperResult>;
  /** Ends the helper, and so the redirect. May be called twice. */
  close(): Promise<void>;
}

export interface HelperLinkOptions {
  readonly route: HelperRoute;
  /** It has ended without `close`. Called once. */
  readonly onLost: (problem: LinkFailure) => void;
}

/** What the first line of every protocol has, whatever else it says. */
const anyHelloSchema = z.object({ hello: z.number() });

const port = z.number().int().min(0).max(65_535);
const lineSchema = z.union([
  z.object({
    hello: z.number(),
    user: z.union([z.number(), z.literal('all')]),
    nft: z.string(),
    denied: z.array(z.tuple([port, port])),
  }),
  z.object({
    id: z.number(),
    ok: z.literal(true),
    answer: z
      .object({
        greetings: z.enum(['ih', 'th', 'none']).exactOptional(),
        ended: z.number().exactOptional(),
        owner: z
          .object({
            pid: z.number(),
            path: z.string().exactOptional(),
            sandboxId: z.string().exactOptional(),
            script: z.string().exactOptional(),
          })
          .exactOptional(),
      })
      .exactOptional(),
  }),
  z.object({
    id: z.number(),
    ok: z.literal(false),
    reason: z.enum(helperProblems),
    detail: z.string().exactOptional(),
  }),
  z.object({ end: z.enum(helperProblems), detail: z.string().exactOptional() }),
]) satisfies z.ZodType<HelperLine>;

/** Time for the first line: of a program, and of a person who is asked for a password. */
const helloMs = 5_000;
const askedHelloMs = 120_000;

/** A transaction of all elements takes well under a second; `end` looks at each connection, some 10 ms each. */
const answerMs = 10_000;

/** Time for the helper to end once its input is closed, before it is killed. */
const endMs = 2_000;

/** More than this on standard error is no reason. */
const maxErrorChars = 2_000;

interface Way {
  readonly input: Writable;
  readonly output: Readable;
  /** How it ended, as seen from here. */
  readonly ended: Promise<LinkFailure>;
  /** Hangs up: the helper reads the end of its input, and whatever it does, it is not waited for. */
  hangUp(): void;
}

const failure = (reason: LinkFailure['reason'], detail?: string): LinkFailure => ({
  ok: false,
  reason,
  ...(detail === undefined || detail === '' ? {} : { detail }),
});

/**
 * pkexec(1): 126 when the dialogue was dismissed; 127 when it was not authorised, nobody was there to be asked ("No
 * authentication agent found"), or it could not start the program. Its first line is the reason, the last may be "This
 * incident has been reported."; of a program that fails the last line is.
 */
function exitProblem(code: number | null, signal: NodeJS.Signals | null, errors: string): LinkFailure {
  const lines = errors.trim().split('\n');
  const [first = '', last = ''] = [lines.at(0), lines.at(-1)];
  if (code === 126 || (code === 127 && /authori[sz]|authentication/i.test(errors)))
    return failure('denied', first);
  return failure(code === 127 ? 'missing' : 'lost', last || `it ended with ${signal ?? code}`);
}

function startProgram([program, ...args]: readonly [string, ...string[]]): Way {
  // An own process group: Ctrl+C at a terminal must not end the redirect before the connections have drained.
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-maxErrorChars);
  });
  const { promise: ended, resolve: end } = Promise.withResolvers<LinkFailure>();
  // Stays: a helper that runs as root can't be signalled by a user, which is told as an error each time.
  child.on('error', (error: NodeJS.ErrnoException) => {
    if (child.pid === undefined) end(failure(error.code === 'ENOENT' ? 'missing' : 'lost', error.message));
  });
  child.once('close', (code, signal) => end(exitProblem(code, signal, errors)));
  return {
    input: child.stdin,
    output: child.stdout,
    ended,
    hangUp() {
      for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.destroy();
      child.kill('SIGKILL');
      end(failure('lost'));
    },
  };
}

function connectSocket(path: string): Way {
  const socket = connect({ path });
  const { promise: ended, resolve: end } = Promise.withResolvers<LinkFailure>();
  socket.once('error', (error: NodeJS.ErrnoException) => {
    const absent = ['ENOENT', 'ECONNREFUSED', 'EACCES'].includes(error.code ?? '');
    end(failure(absent ? 'missing' : 'lost', error.message));
  });
  socket.once('close', () => end(failure('lost', 'the helper has hung up')));
  return { input: socket, output: socket, ended, hangUp: () => void socket.destroy() };
}

interface Waiting {
  readonly resolve: (result: HelperResult) => void;
  readonly timer: NodeJS.Timeout;
}

class Link implements HelperLink {
  readonly #way: Way;
  readonly #waiting = new Map<number, Waiting>();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #ready = Promise.withResolvers<undefined>();
  #hello: HelperHello | undefined;
  #nextId = 1;
  #buffer = '';
  /** Why it ended, as it said or as we see it. */
  #problem: LinkFailure | undefined;
  #over: LinkFailure | undefined;
  #closing = false;

  constructor({ route, onLost }: HelperLinkOptions) {
    this.#way = route.kind === 'start' ? startProgram(route.argv) : connectSocket(route.path);
    const { input, output, ended } = this.#way;
    // A pipe that breaks is the helper's end, which reports itself: its last line may be on the way.
    const hangUpSoon = () => void setTimeout(() => this.#way.hangUp(), endMs).unref();
    input.on('error', hangUpSoon);
    output.on('error', hangUpSoon);
    output.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    const asks = route.kind === 'start' && route.asks;
    const greeting = setTimeout(
      () => this.#fail(failure('lost', 'it did not answer')),
      asks ? askedHelloMs : helloMs,
    );
    greeting.unref();
    void this.#ready.promise.then(() => clearTimeout(greeting));
    this.#heartbeat = setInterval(() => this.#send({ do: 'alive' }), heartbeatMs).unref();
    void ended.then((seen) => {
      this.#over = this.#problem ?? seen;
      clearTimeout(greeting);
      clearInterval(this.#heartbeat);
      this.#ready.resolve(undefined);
      for (const { resolve, timer } of this.#waiting.values()) {
        clearTimeout(timer);
        resolve(this.#over);
      }
      this.#waiting.clear();
      if (!this.#closing) onLost(this.#over);
    });
  }

  async hello(): Promise<{ readonly ok: true; readonly hello: HelperHello } | LinkFailure> {
    await this.#ready.promise;
    return this.#over ?? this.#problem ?? (this.#hello ? { ok: true, hello: this.#hello } : failure('lost'));
  }

  async call(call: HelperCall): Promise<HelperResult> {
    await this.#ready.promise;
    if (this.#over) return this.#over;
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<HelperResult>();
    const timer = setTimeout(() => this.#fail(failure('lost', 'it did not answer')), answerMs);
    this.#waiting.set(id, { resolve, timer: timer.unref() });
    this.#send({ ...call, id });
    return await promise;
  }

  async close(): Promise<void> {
    this.#closing = true;
    if (this.#over) return;
    const timer = setTimeout(() => this.#way.hangUp(), endMs);
    this.#way.input.end();
    await this.#way.ended;
    clearTimeout(timer);
  }

  #send(request: HelperRequest): void {
    if (this.#hello && this.#way.input.writable) this.#way.input.write(`${JSON.stringify(request)}\n`);
  }

  /** Ends what does not do as it should; who waits is told by the end. */
  #fail(problem: LinkFailure): void {
    this.#problem ??= problem;
    this.#way.hangUp();
  }

  #read(text: string): void {
    const lines = (this.#buffer + text).split('\n');
    this.#buffer = lines.pop() ?? '';
    for (const line of lines) {
      // After its last line, or one that ends it, nothing counts.
      if (this.#problem) return;
      this.#readLine(line);
    }
    if (this.#buffer.length > maxLineBytes) this.#fail(failure('lost', 'its line is too long'));
  }

  #readLine(line: string): void {
    try {
      const said: unknown = JSON.parse(line);
      const first = anyHelloSchema.safeParse(said);
      if (first.success && first.data.hello !== helperProtocol)
        this.#fail(failure('outdated', `protocol ${first.data.hello}`));
      else this.#take(lineSchema.parse(said));
    } catch {
      this.#fail(failure('lost', 'it said something else'));
    }
  }

  #take(line: z.output<typeof lineSchema>): void {
    if ('hello' in line) {
      this.#hello = { user: line.user, nft: line.nft, denied: line.denied };
      this.#ready.resolve(undefined);
    } else if ('end' in line) {
      this.#problem ??= failure(line.end, line.detail);
    } else {
      const waiting = this.#waiting.get(line.id);
      if (!waiting) return;
      this.#waiting.delete(line.id);
      clearTimeout(waiting.timer);
      waiting.resolve(line.ok ? { ok: true, answer: line.answer ?? {} } : failure(line.reason, line.detail));
    }
  }
}

/** Starts the helper. That it can't be had is told by the first call. */
export function openHelperLink(options: HelperLinkOptions): HelperLink {
  return new Link(options);
}
