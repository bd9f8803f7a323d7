// The POP3 engine (RFC 1939, 2449, 5034, 2595): answers are told apart by the order of the commands, and no octet of
// a message's body goes on to the client before that message's release.
import { assertNever } from '../../contract/assert-never.ts';
import type { ErrorCode } from '../../contract/error-codes.ts';
import { ActionList } from '../actions.ts';
import { Brakes } from '../brakes.ts';
import { octets } from '../bytes.ts';
import { Ends } from '../ends.ts';
import type {
  Engine,
  EngineAction,
  EngineEvent,
  EngineOptions,
  MessageId,
  Release,
  Side,
} from '../engine.ts';
import { greetingBytes, keptIntervals, outstandingCommands, pop3LineBytes } from '../limits.ts';
import { LineReader } from '../line-reader.ts';
import { Messages } from '../messages.ts';
import { KeptMessages } from './kept-messages.ts';
import { type Command, type Expectation, parseCommand, wantedBy } from './ledger.ts';
import { Listing } from './listing.ts';
import { MessageAnswer } from './message-answer.ts';
import { type Beginning, ClientOutput, type MessageOutput } from './output.ts';
import { isDotLine, isNegative, isOk, isStatus, offersApop } from './status.ts';

/** The answer that is due next to a command: the server's, or ours. */
type Due = Expectation | { readonly kind: 'kept'; readonly output: MessageOutput };

/** What the server's next octets are. */
type Reading =
  | { readonly kind: 'greeting' }
  | { readonly kind: 'status' }
  | Listing
  | { readonly kind: 'message'; readonly answer: MessageAnswer };

/** Creates the engine of one connection; its first event is the server's greeting. */
export function createPop3Engine(options: EngineOptions): Engine {
  const engine = new Pop3Engine(options);
  return { handle: (event) => engine.handle(event) };
}

class Pop3Engine {
  readonly #actions = new ActionList();
  readonly #messages = new Messages(this.#actions.emit);
  readonly #queue = new ClientOutput(this.#actions.emit, this.#messages);
  readonly #kept = new KeptMessages(this.#messages);
  readonly #brakes = new Brakes(this.#actions.emit);
  readonly #ends = new Ends(this.#actions.emit);
  readonly #fromServer = new LineReader();
  readonly #fromClient = new LineReader();
  /** Commands without their answer, the oldest first. */
  #ledger: Due[] = [];
  #reading: Reading = { kind: 'greeting' };
  /** Lines of an AUTH exchange that the server has asked for and the client has not sent. */
  #grants = 0;
  #tls: boolean;
  /** Nothing more is to be said about ways to sign in: there is one, or it was said that there is none. */
  #signInKnown = false;
  /** Between the server's OK to STLS and `tls-ready`: what comes is dropped. */
  #upgrading = false;

  readonly #keepsAlive: boolean;
  #silentIntervals = 0;

  constructor({ tls, keepAlive = true }: EngineOptions) {
    this.#tls = tls;
    this.#keepsAlive = keepAlive;
  }

  handle(event: EngineEvent): readonly EngineAction[] {
    if (this.#actions.closed) return [];
    this.#take(event);
    if (!this.#actions.closed) this.#balance();
    return this.#actions.take();
  }

  #take(event: EngineEvent): void {
    switch (event.kind) {
      case 'data':
        this.#data(event.from, event.bytes);
        return;
      case 'end':
        if (!this.#ends.take(event.from)) return;
        if (event.from === 'server') this.#serverEnded();
        else this.#readClient();
        // Of a server that has ended nothing can be awaited any more.
        if (this.#ends.has('server')) this.#ends.passClient();
        return;
      case 'tls-ready':
        if (!this.#upgrading) return;
        this.#upgrading = false;
        this.#tls = true;
        return;
      case 'release':
        if (this.#messages.release(event.message, event.release))
          this.#released(event.message, event.release);
        return;
      case 'keep-alive':
        if (this.#keepsAlive) this.#queue.keepAlive(this.#arriving);
        if (++this.#silentIntervals >= keptIntervals) this.#kept.forget('all');
        return;
      default:
        assertNever(event);
    }
  }

  // --- both sides

  #data(from: Side, bytes: Uint8Array): void {
    if (this.#upgrading || this.#ends.has(from)) return;
    if (from === 'client') {
      this.#silentIntervals = 0;
      this.#fromClient.push(bytes);
      this.#readClient();
    } else {
      this.#fromServer.push(bytes);
      this.#readServer();
    }
  }

  #close(reason: ErrorCode): void {
    this.#actions.close(reason, this.#leaving() === undefined ? '-ERR [SYS/TEMP]' : undefined);
  }

  #balance(): void {
    this.#brakes.balance({
      outputBytes: this.#queue.bytes,
      held: this.#queue.messages,
      pendingBytes: this.#fromClient.length,
    });
  }

  #toClient(bytes: Uint8Array): void {
    this.#queue.push({ kind: 'bytes', bytes });
  }

  #toServer(bytes: Uint8Array): void {
    this.#actions.emit({ kind: 'send', to: 'server', bytes });
  }

  // --- messages that are decided on, or waited for

  get #arriving(): Beginning | undefined {
    return this.#reading.kind === 'message' ? this.#reading.answer.beginning : undefined;
  }

  /** The message of which the client has some already. */
  #leaving(): MessageId | undefined {
    return this.#queue.leaving(this.#arriving);
  }

  #released(message: MessageId, release: Release): void {
    if (release === 'refuse') {
      this.#kept.refused(message);
      // An error can't be said any more: without its last dot the client knows that the message is not whole.
      if (this.#leaving() === message) this.#close('scan-failed');
    }
    if (!this.#actions.closed) this.#queue.flush();
  }

  // --- the client

  #readClient(): void {
    while (!this.#actions.closed && !this.#clientWaits()) {
      const line = this.#fromClient.line(pop3LineBytes);
      if (line === undefined) {
        this.#passClientEnd();
        return;
      }
      if (line === 'too-long') this.#close('line-too-long');
      else if (this.#ledger.at(-1)?.kind === 'auth') {
        this.#grants--;
        this.#toServer(line);
      } else this.#command(parseCommand(line, this.#tls), line);
    }
    if (this.#fromClient.length === 0) this.#passClientEnd();
  }

  /** What is read next depends on an answer, or the ledger is full. */
  #clientWaits(): boolean {
    const last = this.#ledger.at(-1);
    // An exchange goes line by line; behind STLS nothing is a command before its answer is there.
    if (last?.kind === 'auth') return this.#grants === 0;
    return this.#upgrading || last?.kind === 'stls' || this.#ledger.length >= outstandingCommands;
  }

  /** After all complete lines; what is left of one never becomes a command. */
  #passClientEnd(): void {
    if (!this.#actions.closed) this.#ends.passClient();
  }

  #command({ expects, instead, forgets }: Command, line: Uint8Array): void {
    if (forgets !== undefined) this.#kept.forget(forgets);
    const wanted = wantedBy(expects);
    const output = wanted && this.#kept.answer(wanted);
    this.#ledger.push(output ? { kind: 'kept', output } : expects);
    if (output || expects.kind === 'local') {
      this.#answerLocally();
      return;
    }
    if (wanted) this.#kept.expect(wanted);
    this.#toServer(instead === undefined ? line : octets(instead));
  }

  /** Answers that are ours and whose turn has come. */
  #answerLocally(): void {
    // Behind the server's end nothing is said.
    if (this.#reading.kind !== 'status' || this.#ends.has('server')) return;
    for (let next = this.#ledger[0]; next; next = this.#ledger[0]) {
      if (next.kind === 'local') this.#toClient(octets(next.reply));
      else if (next.kind === 'kept') this.#queue.push(next.output);
      else return;
      this.#ledger.shift();
    }
  }

  // --- the server

  #readServer(): void {
    while (!this.#actions.closed && !this.#upgrading) {
      const reading = this.#reading;
      if (reading.kind === 'message') {
        const chunk = this.#fromServer.some(Number.POSITIVE_INFINITY);
        if (chunk.length === 0) return;
        this.#messageData(reading.answer, chunk);
        continue;
      }
      const line = this.#fromServer.line(reading.kind === 'greeting' ? greetingBytes : pop3LineBytes);
      if (line === undefined) return;
      if (line === 'too-long') this.#close('line-too-long');
      else this.#line(reading, line);
    }
  }

  #messageData(answer: MessageAnswer, chunk: Uint8Array): void {
    const end = answer.push(chunk);
    if (end === undefined) return;
    if (end < chunk.length) this.#fromServer.unread(chunk.subarray(end));
    this.#queue.push(answer.finish());
    const whole = answer.whole();
    if (whole) this.#kept.keep(whole);
    this.#answered();
  }

  #line(reading: Exclude<Reading, { kind: 'message' }>, line: Uint8Array): void {
    switch (reading.kind) {
      case 'greeting':
        if (!isStatus(line)) this.#close('protocol-violation');
        else {
          this.#signInKnown = offersApop(line);
          this.#answer(line);
        }
        return;
      case 'status':
        this.#status(line);
        return;
      case 'lines':
        this.#listLine(reading, line);
        return;
      default:
        assertNever(reading);
    }
  }

  /** Passes an answer, or the rest of one, and is ready for the next. */
  #answer(line: Uint8Array): void {
    this.#toClient(line);
    this.#answered();
  }

  #answered(): void {
    this.#reading = { kind: 'status' };
    this.#answerLocally();
    this.#readClient();
  }

  #status(line: Uint8Array): void {
    const [expects] = this.#ledger;
    const negative = isNegative(line);
    if (!isStatus(line) || (!expects && !negative)) this.#close('protocol-violation');
    // The reason for which a server hangs up is an answer that nobody asked for.
    else if (!expects) this.#toClient(line);
    else if (expects.kind === 'auth' && !negative && !isOk(line)) {
      this.#grants++;
      this.#toClient(line);
      this.#readClient();
    } else {
      this.#ledger.shift();
      this.#grants = 0;
      if (negative) this.#declined(expects, line);
      else this.#accepted(expects, line);
    }
  }

  #declined(expects: Due, line: Uint8Array): void {
    const wanted = wantedBy(expects);
    if (wanted) this.#kept.declined(wanted);
    this.#answer(line);
  }

  #accepted(expects: Due, line: Uint8Array): void {
    switch (expects.kind) {
      case 'sign-in':
      case 'auth':
        this.#signInKnown = true;
        this.#answer(line);
        return;
      case 'single':
        this.#answer(line);
        return;
      case 'lines':
        this.#toClient(line);
        this.#reading = new Listing(expects.filter, this.#tls);
        return;
      case 'message':
      case 'top':
      case 'header':
        this.#reading = { kind: 'message', answer: new MessageAnswer(this.#messages, line, expects) };
        return;
      case 'stls':
        this.#upgrading = true;
        this.#fromClient.clear();
        this.#fromServer.clear();
        this.#queue.push({ kind: 'start-tls', reply: line });
        return;
      case 'local':
      case 'kept':
        throw new Error('an answer of ours was still due');
      default:
        assertNever(expects);
    }
  }

  #listLine(listing: Listing, line: Uint8Array): void {
    if (isDotLine(line)) {
      for (const rest of listing.rest()) this.#toClient(rest);
      this.#tellOfSignIn(listing);
      this.#answer(line);
    } else if (isStatus(line)) {
      // No list has such a line: it is the next answer already, and may have a message behind it.
      this.#close('protocol-violation');
    } else {
      const passing = listing.push(line);
      if (passing === 'too-long') this.#close('line-too-long');
      else if (passing) this.#toClient(passing);
    }
  }

  #tellOfSignIn({ ways }: Listing): void {
    if (this.#signInKnown || !ways.none) return;
    this.#signInKnown = true;
    this.#actions.emit({ kind: 'no-sign-in' });
  }

  #serverEnded(): void {
    const rest = this.#fromServer.takeAll();
    // A last line without its end is a line all the same, but TLS can't start on a connection that ended.
    const lastWords = rest.length > 0 && !this.#upgrading && this.#ledger[0]?.kind !== 'stls';
    if (lastWords && this.#reading.kind !== 'message') this.#line(this.#reading, rest);
    if (this.#actions.closed) return;
    // Half a message never leaves: without its last dot the client knows that it is not whole.
    if (this.#reading.kind === 'message') this.#reading.answer.drop();
    if (this.#reading.kind === 'lines') for (const line of this.#reading.rest()) this.#toClient(line);
    this.#reading = { kind: 'status' };
    this.#kept.forget('all');
    this.#queue.push({ kind: 'end' });
  }
}
