// The IMAP engine (RFC 3501, RFC 9051): what the server sends is read by its grammar, and no octet of a message's body
// goes on to the client before that message's release. It joins the parsers, the ledger and the output queue.
import { assertNever } from '../../contract/assert-never.ts';
import type { ErrorCode } from '../../contract/error-codes.ts';
import { ActionList } from '../actions.ts';
import { Brakes } from '../brakes.ts';
import { latin1, lineEnd, octets } from '../bytes.ts';
import { Ends } from '../ends.ts';
import type { Engine, EngineAction, EngineEvent, EngineOptions } from '../engine.ts';
import { keptIntervals, outstandingCommands } from '../limits.ts';
import { Messages } from '../messages.ts';
import { mayEnable } from './capabilities.ts';
import { CommandParser, type Disposition } from './command-parser.ts';
import { argumentsOf, asksElsewhere, type CommandLine, deselects } from './commands.ts';
import { Contents } from './contents.ts';
import { parseFetchArguments } from './fetch-items.ts';
import { type Command, Ledger, newCommand } from './ledger.ts';
import { createOutputQueue } from './output.ts';
import { isOwnTag, PieceRun } from './piece-run.ts';
import { refusalOf } from './refusals.ts';
import {
  type FetchResponse,
  ResponseParser,
  type ServerResponse,
  withoutContent,
} from './response-parser.ts';
import { SelectedMailbox } from './selected-mailbox.ts';
import { ServerOffers } from './server-offers.ts';

const keepAlive = octets('* OK Still scanning\r\n');

/**
 * Creates the engine of one connection; its first event is the server's greeting. `start-tls` forgets all that both
 * sides sent before their handshakes, also what a client pipelined behind a STARTTLS that the server then refused.
 */
export function createImapEngine(options: EngineOptions): Engine {
  const engine = new ImapEngine(options);
  return { handle: (event) => engine.handle(event) };
}

class ImapEngine {
  readonly #actions = new ActionList();
  readonly #messages = new Messages(this.#actions.emit);
  readonly #queue = createOutputQueue(this.#actions.emit, this.#messages);
  readonly #brakes = new Brakes(this.#actions.emit);
  readonly #ends = new Ends(this.#actions.emit);
  readonly #mailbox = new SelectedMailbox((message) => this.#messages.letGo(message));
  readonly #offers = new ServerOffers(() => this.#actions.emit({ kind: 'no-sign-in' }));
  readonly #ledger = new Ledger();
  readonly #contents = new Contents(this.#messages, this.#mailbox, () => this.#run);
  readonly #responses = new ResponseParser(this.#contents, {
    response: (response) => this.#response(response),
    failed: (reason) => this.#close(reason),
    splitsItems: () => this.#run?.splitsItems ?? false,
  });
  readonly #commands = new CommandParser({
    command: (command, line) => this.#command(command, line),
    bare: (line, tag) => this.#bareLine(line, tag),
    mayContinue: (command, line, literal) =>
      !asksElsewhere(command.name, latin1(line), 0) &&
      !(literal?.nonSync && literal.size > this.#offers.nonSyncBytes),
    send: (bytes) => this.#toServer(bytes),
    failed: (reason) => this.#close(reason),
    waits: () => this.#actions.closed || this.#run !== undefined || this.#ledger.size >= outstandingCommands,
    outstanding: (command) => this.#ledger.has(command),
  });
  #run: PieceRun | undefined;
  #tls: boolean;
  #compressed = false;
  /** Between the server's OK to STARTTLS and `tls-ready`: what comes is dropped. */
  #upgrading = false;
  readonly #keepsAlive: boolean;
  #silentIntervals = 0;

  constructor({ tls, keepAlive: keepsAlive = true }: EngineOptions) {
    this.#tls = tls;
    this.#keepsAlive = keepsAlive;
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
        if (this.#upgrading) return;
        if (event.from === 'client') {
          this.#silentIntervals = 0;
          this.#commands.push(event.bytes);
        } else if (!this.#ends.has('server')) this.#responses.push(event.bytes);
        return;
      case 'end':
        if (!this.#ends.take(event.from)) return;
        if (event.from === 'server') this.#serverEnded();
        else this.#passClientEnd();
        return;
      case 'tls-ready':
        this.#tlsReady();
        return;
      case 'release':
        if (!this.#messages.release(event.message, event.release)) return;
        this.#queue.flush();
        this.#goOn();
        return;
      case 'keep-alive':
        this.#silence();
        return;
      default:
        assertNever(event);
    }
  }

  #silence(): void {
    if (!this.#queue.blocked && !this.#responses.holdsContent && !this.#run?.works) {
      if (++this.#silentIntervals >= keptIntervals) this.#mailbox.wholes.trim(0);
    } else if (this.#keepsAlive) {
      // What was sent to the client ends at the boundary of a response, always.
      this.#actions.emit({ kind: 'send', to: 'client', bytes: keepAlive });
    }
  }

  // --- both sides

  #close(reason: ErrorCode): void {
    // What was sent to the client ends at the boundary of a response, always.
    this.#actions.close(reason, '* BYE');
  }

  #balance(): void {
    this.#brakes.balance({
      outputBytes: this.#queue.bytes,
      held: Math.max(this.#messages.held, this.#queue.messages),
      pendingBytes: this.#commands.pending,
    });
  }

  /** After anything that a waiting command may have waited for. */
  #goOn(): void {
    this.#run?.advance();
    this.#commands.run();
    this.#passClientEnd();
  }

  #serverEnded(): void {
    for (const message of this.#responses.reset()) this.#messages.letGo(message);
    this.#contents.clear();
    this.#queue.push({ kind: 'end' });
    this.#passClientEnd();
  }

  #passClientEnd(): void {
    // A server that has ended answers nothing that could be waited for.
    const waits = this.#run !== undefined || (this.#commands.suspended && this.#commands.pending > 0);
    if (!waits || this.#ends.has('server')) this.#ends.passClient();
  }

  #tlsReady(): void {
    if (!this.#upgrading) return;
    this.#upgrading = false;
    this.#tls = true;
    this.#ledger.clear();
    this.#responses.reset();
    this.#commands.reset();
  }

  // --- the client

  #toServer(bytes: Uint8Array): void {
    this.#actions.emit({ kind: 'send', to: 'server', bytes });
  }

  #toClient(bytes: Uint8Array): void {
    this.#queue.push({ kind: 'bytes', bytes });
  }

  #refuse(tag: string, text: string): Disposition {
    this.#toClient(octets(`${tag} ${text}\r\n`));
    return { kind: 'refused' };
  }

  #bareLine(line: Uint8Array, tag: string | undefined): boolean {
    const idle = this.#ledger.idle();
    if (idle && latin1(line, 0, Math.min(lineEnd(line), 5)).toUpperCase() === 'DONE') {
      idle.done = true;
      this.#toServer(line);
      return true;
    }
    if (idle) {
      this.#spoil(idle);
      return false;
    }
    this.#refuse(tag ?? '*', 'BAD Not a command');
    return false;
  }

  /** Anything but DONE ends an IDLE too (RFC 2177 §3), with an error. */
  #spoil(idle: Command): Disposition {
    idle.done = true;
    idle.spoiled = true;
    this.#toServer(octets('DONE\r\n'));
    return { kind: 'refused' };
  }

  #command(line: CommandLine, bytes: Uint8Array): Disposition {
    const { tag, name } = line;
    const idle = this.#ledger.idle();
    if (idle) return this.#spoil(idle);
    const args = argumentsOf(bytes, line);
    const refusal = refusalOf(line, args, {
      tls: this.#tls,
      compressed: this.#compressed,
      nonSyncBytes: this.#offers.nonSyncBytes,
    });
    if (refusal !== undefined) return this.#refuse(tag, refusal);
    switch (name) {
      case 'FETCH':
      case 'UID FETCH':
        return this.#fetchCommand(line, args, bytes);
      case 'ENABLE':
        return this.#enable(line, args, bytes);
      case 'AUTHENTICATE':
      case 'COMPRESS':
        return { ...this.#sendOn(newCommand(tag, name), bytes), converses: true };
      case 'STARTTLS':
        this.#commands.drop();
        return this.#sendOn(newCommand(tag, name), bytes);
      default:
        if (deselects(name)) this.#mailbox.leave(line, bytes);
        return this.#sendOn(newCommand(tag, name), bytes);
    }
  }

  #sendOn(command: Command, bytes: Uint8Array): Disposition & { readonly kind: 'sent' } {
    this.#ledger.add(command);
    this.#toServer(bytes);
    return { kind: 'sent', command };
  }

  #fetchCommand({ tag, name }: CommandLine, args: string, bytes: Uint8Array): Disposition {
    const fetch = parseFetchArguments(args, name === 'UID FETCH');
    if (!fetch) return this.#refuse(tag, 'BAD Invalid FETCH arguments');
    const command = newCommand(tag, name, { fetch });
    if (!fetch.pieces) {
      const tidy = `${fetch.setText}${fetch.itemsText}${fetch.modifiers}`;
      return this.#sendOn(command, tidy === args ? bytes : octets(`${tag} ${name} ${tidy}\r\n`));
    }
    this.#run = new PieceRun({ command, fetch }, this.#messages, this.#mailbox.wholes, {
      idle: () => this.#ledger.size === 0,
      send: (sent, octetsOf) => void this.#sendOn(sent, octetsOf),
      reply: (line, ok) => this.#reply(command, line, ok),
      finished: () => {
        this.#run = undefined;
      },
    });
    this.#run.advance();
    return { kind: 'taken' };
  }

  #enable({ tag, name }: CommandLine, args: string, bytes: Uint8Array): Disposition {
    const asked = args.split(' ');
    const kept = asked.filter(mayEnable);
    if (kept.length === asked.length) return this.#sendOn(newCommand(tag, name), bytes);
    if (kept.length > 0) {
      return this.#sendOn(newCommand(tag, name), octets(`${tag} ENABLE ${kept.join(' ')}\r\n`));
    }
    this.#toClient(octets(`* ENABLED\r\n${tag} OK Nothing to enable\r\n`));
    return { kind: 'taken' };
  }

  // --- the server

  /** False: what comes behind it is not to be read. */
  #response(response: ServerResponse): boolean {
    switch (response.kind) {
      case 'status':
        this.#mailbox.status(response.line);
        this.#toClient(this.#offers.filter(response.line, this.#tls));
        return true;
      case 'continuation':
        this.#continuation(response.line);
        return !this.#actions.closed;
      case 'tagged':
        return this.#tagged(response.tag, response.ok, response.line);
      case 'data':
        this.#data(response);
        return true;
      case 'fetch':
        this.#fetchResponse(response);
        return true;
    }
  }

  #continuation(line: Uint8Array): void {
    this.#toClient(line);
    const idle = this.#ledger.idleToContinue();
    if (idle) idle.continued = true;
    else if (this.#commands.granted()) this.#goOn();
  }

  #tagged(tag: string, ok: boolean, line: Uint8Array): boolean {
    const command = this.#ledger.complete(tag);
    if (!command) {
      // Of a literal that the server took for commands, or nothing at all: it completes nothing, and says why.
      if (!ok && !isOwnTag(tag)) this.#toClient(line);
      else this.#close('protocol-violation');
      return !this.#actions.closed;
    }
    if (command.name === 'STARTTLS') {
      if (ok) {
        this.#upgrading = true;
        this.#queue.push({ kind: 'start-tls', reply: line });
        return false;
      }
      this.#commands.reset();
    }
    this.#commands.answered(command);
    if (ok && (command.name === 'LOGIN' || command.name === 'AUTHENTICATE')) this.#offers.signedIn();
    if (command.spoiled) this.#toClient(octets(`${tag} BAD Expected DONE.\r\n`));
    else if (command.name === 'COMPRESS' && ok) this.#compress(line);
    else if (command.own) this.#run?.answered(ok, line);
    else this.#reply(command, line, ok);
    this.#goOn();
    return !this.#actions.closed;
  }

  /** The tagged answer to a command of the client. */
  #reply({ tag, failing }: Command, line: Uint8Array, ok: boolean): void {
    const bytes = this.#offers.filter(line, this.#tls);
    this.#queue.push(ok ? { kind: 'tagged-ok', bytes, tag, failing } : { kind: 'bytes', bytes });
  }

  /** The server compresses from here on; the client's leg follows behind the answer. */
  #compress(reply: Uint8Array): void {
    this.#compressed = true;
    this.#actions.emit({ kind: 'compress', side: 'server', rest: this.#responses.takeRest() });
    this.#queue.push({ kind: 'compress', reply });
  }

  #data(response: ServerResponse & { readonly kind: 'data' }): void {
    const { word, number, rest, parts } = response;
    const mayBeGone = this.#mailbox.data(word, number, rest);
    const { segments, messages } = parts;
    this.#queue.push({
      kind: 'response',
      segments,
      messages,
      probes: [],
      withheld: undefined,
      failing: undefined,
    });
    // A message that a run waits for may be gone, and will never be released.
    if (mayBeGone) this.#goOn();
  }

  #fetchResponse(response: FetchResponse): void {
    const { number, uid, parts } = response;
    const { segments, messages, probes, keys } = parts;
    const forClient = this.#run?.capture(response, (message) => this.#contents.takeMeasure(message));
    if (forClient) {
      if (forClient.length > 0) this.#toClient(forClient);
      return;
    }
    const another = parts.used.some(
      (whole) => uid !== undefined && whole.uid !== undefined && whole.uid !== uid,
    );
    if (parts.mismatch || another) {
      for (const message of [...messages, ...probes]) this.#messages.letGo(message);
      const others = withoutContent(response);
      if (others.length > 0) this.#toClient(others);
      this.#run?.withheld(response);
      return;
    }
    if (messages.length + probes.length > 0) this.#run?.passed(response);
    const owner = messages.length > 0 ? this.#ledger.ownerOf({ number, uid, keys }) : undefined;
    const withheld = probes.length > 0 ? withoutContent(response) : undefined;
    this.#queue.push({ kind: 'response', segments, messages, probes, withheld, failing: owner?.failing });
  }
}
