// The POP3 engine (RFC 1939, 2449, 5034, 2595): answers are told apart by the order of the commands, and no octet of
// a message's body goes on to the client before that message's release.
import { assertNever } from '../../contract/assert-never.ts';
import type { ErrorCode } from '../../contract/error-codes.ts';
import { joinBytes, latin1, lineEnd, octets } from '../bytes.ts';
import type { Engine, EngineAction, EngineEvent, EngineOptions, MessageId, Side } from '../engine.ts';
import {
  greetingBytes,
  headerBytes,
  heldMessages,
  heldOutputBytes,
  outstandingCommands,
  pendingClientBytes,
  pop3LineBytes,
} from '../limits.ts';
import { LineReader } from '../line-reader.ts';
import { Messages } from '../messages.ts';
import { mayAuthenticateBy } from '../sasl.ts';
import { filterAuthLines, filterCapaLine } from './capabilities.ts';
import { type Command, type Expectation, parseCommand } from './ledger.ts';
import { DotUnstuffer, LineCounter } from './multiline.ts';

/** What waits to go to the client, in order. */
type Output =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | {
      readonly kind: 'message';
      readonly message: MessageId;
      readonly status: Uint8Array;
      readonly to: number;
      readonly terminator: Uint8Array;
    }
  | { readonly kind: 'start-tls'; readonly reply: Uint8Array }
  | { readonly kind: 'end' };

/** A message that arrives. */
interface Arriving {
  readonly kind: 'message';
  readonly message: MessageId;
  readonly status: Uint8Array;
  readonly bodyLines: number | undefined;
  readonly unstuffer: DotUnstuffer;
  readonly counter: LineCounter;
}

/** What the server's next octets are. */
type Reading =
  | { readonly kind: 'greeting' }
  | { readonly kind: 'status' }
  | { readonly kind: 'lines'; readonly filter: 'capa' | 'auth' | undefined; readonly lines: Uint8Array[] }
  | {
      readonly kind: 'header';
      readonly status: Uint8Array;
      readonly lines: Uint8Array[];
      size: number;
      ended: boolean;
    }
  | Arriving;

const refusal = octets('-ERR [SYS/TEMP] Message could not be scanned safely; try again later\r\n');

const none = new Uint8Array(0);

const isDotLine = (line: Uint8Array) => line[0] === 0x2e && lineEnd(line) === 1;
const isEmptyLine = (line: Uint8Array) => lineEnd(line) === 0;

/** Creates the engine of one connection; its first event is the server's greeting. */
export function createPop3Engine(options: EngineOptions): Engine {
  const engine = new Pop3Engine(options.tls);
  return { handle: (event) => engine.handle(event) };
}

class Pop3Engine {
  #actions: EngineAction[] = [];
  readonly #messages = new Messages((action) => this.#actions.push(action));
  readonly #fromServer = new LineReader();
  readonly #fromClient = new LineReader();
  #waiting: Output[] = [];
  #ledger: Expectation[] = [];
  #reading: Reading = { kind: 'greeting' };
  /** Lines of an AUTH exchange that the server has asked for and the client has not sent. */
  #grants = 0;
  #tls: boolean;
  #upgrading = false;
  #closed = false;
  readonly #paused = { client: false, server: false };
  readonly #ended = { client: false, server: false };
  #clientEndPassed = false;

  constructor(tls: boolean) {
    this.#tls = tls;
  }

  handle(event: EngineEvent): readonly EngineAction[] {
    if (this.#closed) return [];
    this.#actions = [];
    this.#take(event);
    if (!this.#closed) this.#balance();
    return this.#actions;
  }

  #take(event: EngineEvent): void {
    switch (event.kind) {
      case 'data':
        if (this.#upgrading) return;
        if (event.from === 'client') {
          this.#fromClient.push(event.bytes);
          this.#readClient();
        } else if (!this.#ended.server) {
          this.#fromServer.push(event.bytes);
          this.#readServer();
        }
        return;
      case 'end':
        if (event.from === 'client') {
          this.#ended.client = true;
          this.#passClientEnd();
        } else this.#serverEnded();
        return;
      case 'tls-ready':
        this.#upgrading = false;
        this.#tls = true;
        return;
      case 'release':
        if (this.#messages.release(event.message, event.release)) this.#flush();
        return;
      case 'keep-alive':
        // POP3 has no untagged line: a client that waits for a message is told nothing.
        return;
      default:
        assertNever(event);
    }
  }

  // --- both sides

  #close(reason: ErrorCode): void {
    this.#closed = true;
    this.#actions.push({ kind: 'close', reason });
  }

  #balance(): void {
    const bytes = this.#waiting.reduce(
      (sum, output) => sum + (output.kind === 'bytes' ? output.bytes.length : 0),
      0,
    );
    const { held } = this.#messages;
    this.#press(
      'server',
      bytes > heldOutputBytes || held >= heldMessages,
      bytes <= heldOutputBytes / 2 && held <= heldMessages / 2,
    );
    const pending = this.#fromClient.length;
    this.#press('client', pending > pendingClientBytes, pending <= pendingClientBytes / 2);
  }

  #press(side: Side, full: boolean, roomy: boolean): void {
    if (this.#paused[side] ? !roomy : !full) return;
    this.#paused[side] = !this.#paused[side];
    this.#actions.push({ kind: this.#paused[side] ? 'pause' : 'resume', side });
  }

  #serverEnded(): void {
    if (this.#ended.server) return;
    this.#ended.server = true;
    // Half a message never leaves: without its last dot the client knows that it is not whole.
    if (this.#reading.kind === 'message') this.#messages.letGo(this.#reading.message);
    this.#put({ kind: 'end' });
  }

  #passClientEnd(): void {
    if (!this.#ended.client || this.#clientEndPassed || this.#fromClient.length > 0) return;
    this.#clientEndPassed = true;
    this.#actions.push({ kind: 'end', to: 'server' });
  }

  // --- to the client

  #put(output: Output): void {
    this.#waiting.push(output);
    this.#flush();
  }

  #reply(bytes: Uint8Array): void {
    this.#put({ kind: 'bytes', bytes });
  }

  #flush(): void {
    let sent = 0;
    while (sent < this.#waiting.length && this.#leaves(this.#waiting[sent])) sent++;
    if (sent > 0) this.#waiting.splice(0, sent);
  }

  #send(bytes: Uint8Array): void {
    this.#actions.push({ kind: 'send', to: 'client', bytes });
  }

  #leaves(output: Output | undefined): boolean {
    switch (output?.kind) {
      case undefined:
        return false;
      case 'bytes':
        this.#send(output.bytes);
        return true;
      case 'message': {
        const state = this.#messages.state(output.message);
        if (state !== 'deliver' && state !== 'refuse') return false;
        if (state === 'deliver') {
          this.#send(output.status);
          const { message, to } = output;
          this.#actions.push({ kind: 'send-message', message, from: 0, to, dotStuff: true });
          this.#send(output.terminator);
        } else this.#send(refusal);
        this.#messages.letGo(output.message);
        return true;
      }
      case 'start-tls':
        this.#actions.push({ kind: 'start-tls', reply: output.reply });
        return true;
      case 'end':
        this.#actions.push({ kind: 'end', to: 'client' });
        return true;
    }
  }

  // --- the client

  #readClient(): void {
    while (!this.#closed && !this.#upgrading) {
      const last = this.#ledger.at(-1);
      // An exchange goes line by line; behind STLS nothing is a command before the answer is there.
      if (last?.kind === 'stls' || (last?.kind === 'auth' && this.#grants === 0)) break;
      if (this.#ledger.length >= outstandingCommands) break;
      const line = this.#fromClient.line(pop3LineBytes);
      if (line === undefined) break;
      if (line === 'too-long') {
        this.#close('line-too-long');
        return;
      }
      if (last?.kind === 'auth') {
        this.#grants--;
        this.#actions.push({ kind: 'send', to: 'server', bytes: line });
      } else this.#command(parseCommand(line, mayAuthenticateBy, this.#tls), line);
    }
    this.#passClientEnd();
  }

  #command({ expects, instead }: Command, line: Uint8Array): void {
    this.#ledger.push(expects);
    if (expects.kind === 'local') this.#answerLocally();
    else
      this.#actions.push({
        kind: 'send',
        to: 'server',
        bytes: instead === undefined ? line : octets(instead),
      });
  }

  /** Answers that are ours and whose turn has come. */
  #answerLocally(): void {
    if (this.#reading.kind !== 'status') return;
    for (let next = this.#ledger[0]; next?.kind === 'local'; next = this.#ledger[0]) {
      this.#ledger.shift();
      this.#reply(octets(next.reply));
    }
  }

  // --- the server

  #readServer(): void {
    while (!this.#closed && !this.#upgrading) {
      if (this.#reading.kind === 'message') {
        const chunk = this.#fromServer.some(Number.POSITIVE_INFINITY);
        if (chunk.length === 0) break;
        const rest = this.#messageData(this.#reading, chunk);
        if (rest.length > 0) this.#fromServer.unread(rest);
        continue;
      }
      const line = this.#fromServer.line(this.#reading.kind === 'greeting' ? greetingBytes : pop3LineBytes);
      if (line === undefined) break;
      if (line === 'too-long') {
        this.#close('line-too-long');
        return;
      }
      this.#line(this.#reading, line);
    }
  }

  #line(reading: Exclude<Reading, Arriving>, line: Uint8Array): void {
    switch (reading.kind) {
      case 'greeting':
        this.#reply(line);
        this.#answered();
        return;
      case 'status':
        this.#status(line);
        return;
      case 'lines':
        this.#listLine(reading, line);
        return;
      case 'header':
        this.#headerLine(reading, line);
        return;
      default:
        assertNever(reading);
    }
  }

  #answered(): void {
    this.#reading = { kind: 'status' };
    this.#answerLocally();
    this.#readClient();
  }

  #status(line: Uint8Array): void {
    const start = latin1(line, 0, Math.min(line.length, 4)).toUpperCase();
    const ok = start.startsWith('+OK');
    const expects = this.#ledger[0];
    if (expects?.kind === 'auth' && start.startsWith('+') && !ok) {
      this.#grants++;
      this.#reply(line);
      this.#readClient();
      return;
    }
    if (!expects || expects.kind === 'local' || (!ok && start !== '-ERR')) {
      // An answer that nobody asked for, such as the reason for which a server hangs up.
      if (!expects && start === '-ERR') this.#reply(line);
      else this.#close('protocol-violation');
      return;
    }
    this.#ledger.shift();
    this.#grants = 0;
    if (ok) this.#accepted(expects, line);
    else {
      this.#reply(line);
      this.#answered();
    }
  }

  #accepted(expects: Exclude<Expectation, { kind: 'local' }>, line: Uint8Array): void {
    switch (expects.kind) {
      case 'single':
      case 'auth':
        this.#reply(line);
        this.#answered();
        return;
      case 'lines':
        this.#reply(line);
        this.#reading = { kind: 'lines', filter: expects.filter, lines: [] };
        return;
      case 'header':
        this.#reading = { kind: 'header', status: line, lines: [], size: 0, ended: false };
        return;
      case 'message':
        this.#startMessage(line, expects.bodyLines);
        return;
      case 'stls':
        this.#upgrading = true;
        this.#fromClient.clear();
        this.#fromServer.clear();
        this.#put({ kind: 'start-tls', reply: line });
        this.#reading = { kind: 'status' };
        return;
      default:
        assertNever(expects);
    }
  }

  #listLine({ filter, lines }: Reading & { kind: 'lines' }, line: Uint8Array): void {
    if (isDotLine(line)) {
      for (const kept of filter === 'auth' ? filterAuthLines(lines) : []) this.#reply(kept);
      this.#reply(line);
      this.#answered();
    } else if (filter === 'auth') {
      lines.push(line);
      if (lines.length > outstandingCommands) this.#close('protocol-violation');
    } else {
      const kept = filter === 'capa' ? filterCapaLine(line, this.#tls) : line;
      if (kept) this.#reply(kept);
    }
  }

  /** A header alone may pass; anything behind its empty line makes it content. */
  #headerLine(reading: Reading & { kind: 'header' }, line: Uint8Array): void {
    if (isDotLine(line)) {
      this.#reply(joinBytes([reading.status, ...reading.lines, line]));
      this.#answered();
      return;
    }
    reading.lines.push(line);
    reading.size += line.length;
    if (!reading.ended && reading.size <= headerBytes) {
      reading.ended = isEmptyLine(line);
      return;
    }
    const arriving = this.#startMessage(reading.status, undefined);
    this.#messageData(arriving, joinBytes(reading.lines));
  }

  #startMessage(status: Uint8Array, bodyLines: number | undefined): Arriving {
    const message = this.#messages.start(undefined);
    const arriving: Arriving = {
      kind: 'message',
      message,
      status,
      bodyLines,
      unstuffer: new DotUnstuffer(),
      counter: new LineCounter(bodyLines ?? 0),
    };
    this.#reading = arriving;
    return arriving;
  }

  /** Takes octets of a message and returns those behind its end. */
  #messageData(arriving: Arriving, bytes: Uint8Array): Uint8Array {
    const { message, unstuffer, counter } = arriving;
    const { content, end } = unstuffer.push(bytes);
    for (const chunk of content) {
      counter.push(chunk);
      this.#messages.data(message, chunk);
    }
    if (end === undefined) return none;
    this.#messages.end(message);
    const to = arriving.bodyLines === undefined ? counter.size : (counter.end ?? counter.size);
    this.#put({ kind: 'message', message, status: arriving.status, to, terminator: unstuffer.terminator });
    this.#answered();
    return bytes.subarray(end);
  }
}
