// Octets of the client to commands, exactly as they came: literals stream through and are never taken for commands,
// and where only the server's answer tells what comes next, the octets wait for it.
import type { ErrorCode } from '../../contract/error-codes.ts';
import { type LiteralMark, literalMark, quoteOpenAt } from '../bytes.ts';
import { imapLineBytes } from '../limits.ts';
import { LineReader } from '../line-reader.ts';
import { type CommandLine, isOneLine, readCommandLine } from './commands.ts';
import type { Command } from './ledger.ts';

/** What became of a command's first line. */
export type Disposition =
  /** It was sent on. `converses`: AUTHENTICATE, its next lines are answers to continuations. */
  | { readonly kind: 'sent'; readonly command: Command; readonly converses?: boolean }
  /** Nothing more of it comes: it waits, or was answered. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'refused' };

interface CommandPort {
  command(command: CommandLine, line: Uint8Array): Disposition;
  /** A line with no command in it; `true`: it went on (DONE). */
  bare(line: Uint8Array, tag: string | undefined): boolean;
  /** A later line of a command that was sent on; false: it must not go on. */
  mayContinue(command: Command, line: Uint8Array, literal: LiteralMark | undefined): boolean;
  send(bytes: Uint8Array): void;
  failed(reason: ErrorCode): void;
  /** Whether the next command has to wait. */
  waits(): boolean;
  /** Whether the server has yet to answer it. */
  outstanding(command: Command): boolean;
}

type State =
  | { readonly kind: 'command' }
  /** A further line of a command. `undefined`: of one that is swallowed. */
  | { readonly kind: 'part'; readonly command: Command | undefined }
  | { readonly kind: 'literal'; readonly command: Command | undefined; left: number }
  /** Only `+` or the tagged answer tells what comes. `size` undefined: a line. */
  | { readonly kind: 'asked'; readonly command: Command; readonly size: number | undefined }
  | { readonly kind: 'answer'; readonly command: Command }
  /** Behind STARTTLS: whatever comes in the clear is dropped (RFC 9051 §6.2.1). */
  | { readonly kind: 'dropping' };

const between: State = { kind: 'command' };

export class CommandParser {
  readonly #port: CommandPort;
  readonly #reader = new LineReader();
  #state: State = between;
  #running = false;

  constructor(port: CommandPort) {
    this.#port = port;
  }

  /** Octets that wait. */
  get pending(): number {
    return this.#reader.length;
  }

  /** Whether what has come waits for the server or for a scan (and isn't just half a line). */
  get suspended(): boolean {
    return this.#state.kind === 'asked' || (this.#state.kind === 'command' && this.#port.waits());
  }

  push(bytes: Uint8Array): void {
    if (this.#state.kind === 'dropping') return;
    this.#reader.push(bytes);
    this.run();
  }

  /** Goes on as far as it can; to be called when what it waits for may have come. */
  run(): void {
    if (this.#running) return;
    this.#running = true;
    while (this.#next());
    this.#running = false;
  }

  /** A continuation request for the command that comes now; false: nobody asked for one. */
  granted(): boolean {
    const state = this.#state;
    if (state.kind !== 'asked') return false;
    const { command, size } = state;
    this.#state = size === undefined ? { kind: 'answer', command } : { kind: 'literal', command, left: size };
    if (size === 0) this.#state = { kind: 'part', command };
    return true;
  }

  /** The server has answered a command: what it still asked for won't come. */
  answered(command: Command): void {
    const state = this.#state;
    if ((state.kind === 'asked' || state.kind === 'answer') && state.command === command)
      this.#state = between;
  }

  /** From now on everything is dropped, until `reset`. */
  drop(): void {
    this.#reader.clear();
    this.#state = { kind: 'dropping' };
  }

  reset(): void {
    this.#reader.clear();
    this.#state = between;
  }

  #next(): boolean {
    const state = this.#state;
    if (this.suspended || state.kind === 'dropping') return false;
    if (state.kind === 'literal') return this.#literal(state);
    const line = this.#reader.line(imapLineBytes);
    if (line === undefined) return false;
    if (line === 'too-long') {
      this.#port.failed('line-too-long');
      this.#state = { kind: 'dropping' };
      return false;
    }
    if (state.kind === 'command') this.#command(line);
    else if (state.kind === 'part') this.#part(state.command, line);
    else if (state.kind === 'answer') {
      if (!isOneLine(line)) {
        this.#port.failed('protocol-violation');
        this.#state = { kind: 'dropping' };
        return false;
      }
      this.#state = { kind: 'asked', command: state.command, size: undefined };
      this.#port.send(line);
    }
    return true;
  }

  #literal(state: { readonly command: Command | undefined; left: number }): boolean {
    const bytes = this.#reader.some(state.left);
    if (bytes.length === 0) return false;
    state.left -= bytes.length;
    if (state.left === 0) this.#state = { kind: 'part', command: state.command };
    if (state.command) this.#port.send(bytes);
    return true;
  }

  #command(line: Uint8Array): void {
    const read = readCommandLine(line);
    if (read.kind === 'malformed') {
      if (!this.#port.bare(line, read.tag)) this.#swallow(read.literal);
      return;
    }
    const { command } = read;
    const disposition = this.#port.command(command, line);
    if (disposition.kind === 'refused') this.#swallow(command.literal);
    else if (disposition.kind === 'sent') {
      if (disposition.converses) {
        this.#state = { kind: 'asked', command: disposition.command, size: undefined };
      } else this.#afterLine(disposition.command, command.literal);
    }
  }

  #part(command: Command | undefined, line: Uint8Array): void {
    const literal = literalMark(line);
    if (!command) {
      this.#swallow(literal);
      return;
    }
    const isOne = isOneLine(line) && !(literal && quoteOpenAt(line, literal.at));
    if (!isOne || !this.#port.mayContinue(command, line, literal)) {
      this.#port.failed('protocol-violation');
      this.#state = { kind: 'dropping' };
      return;
    }
    this.#port.send(line);
    this.#afterLine(command, literal);
  }

  /** The command goes on behind a literal, or is complete. */
  #afterLine(command: Command, literal: LiteralMark | undefined): void {
    if (this.#state.kind === 'dropping') return;
    this.#state = between;
    if (!literal) return;
    if (literal.size === Number.POSITIVE_INFINITY) {
      this.#port.failed('literal-too-large');
      this.#state = { kind: 'dropping' };
    } else if (literal.nonSync) this.#enterLiteral(command, literal.size);
    else if (this.#port.outstanding(command)) this.#state = { kind: 'asked', command, size: literal.size };
  }

  /** Leaves out what belongs to a refused command: a client sends a synchronising literal only when asked to. */
  #swallow(literal: LiteralMark | undefined): void {
    this.#state = between;
    if (!literal?.nonSync) return;
    if (literal.size === Number.POSITIVE_INFINITY) {
      this.#port.failed('literal-too-large');
      this.#state = { kind: 'dropping' };
    } else this.#enterLiteral(undefined, literal.size);
  }

  #enterLiteral(command: Command | undefined, size: number): void {
    this.#state = size === 0 ? { kind: 'part', command } : { kind: 'literal', command, left: size };
  }
}
