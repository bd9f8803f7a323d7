// The IMAP engine (RFC 3501, RFC 9051): what the server sends is read by its grammar, and no octet of a message's body
// goes on to the client before that message's release. It joins the parsers, the ledger and the output queue.
import { assertNever } from '../../contract/assert-never.ts';
import type { ErrorCode } from '../../contract/error-codes.ts';
import { ActionList } from '../actions.ts';
import { Brakes } from '../brakes.ts';
import { latin1, lineEnd, octets } from '../bytes.ts';
import { Ends } from '../ends.ts';
import type { Engine, EngineAction, EngineEvent, EngineOptions, Extent, MessageId } from '../engine.ts';
import { imapLineBytes, keptIntervals, outstandingCommands } from '../limits.ts';
import { MessageMeasure } from '../message-measure.ts';
import { Messages } from '../messages.ts';
import { mayAuthenticateBy } from '../sasl.ts';
import { filterCapabilityLine, leavesNoSignIn, mayEnable, nonSyncLiteralBytes } from './capabilities.ts';
import { CommandParser, type Disposition } from './command-parser.ts';
import {
  argumentsOf,
  asksCatenate,
  type CommandLine,
  deselects,
  mayPass,
  takesLiterals,
} from './commands.ts';
import { parseFetchArguments } from './fetch-items.ts';
import { type Command, Ledger, newCommand } from './ledger.ts';
import { parseNumberSet } from './number-set.ts';
import { createOutputQueue } from './output.ts';
import { isOwnTag, PieceRun } from './piece-run.ts';
import type { ContentSource, Plan } from './response-builder.ts';
import {
  type FetchResponse,
  ResponseParser,
  type ServerResponse,
  withoutContent,
} from './response-parser.ts';
import { type KeptWhole, SequenceMap } from './sequence-map.ts';

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
  readonly #wholes = new SequenceMap((message) => this.#messages.letGo(message));
  readonly #ledger = new Ledger();
  readonly #responses = new ResponseParser({
    start: (source) => this.#start(source),
    startProbe: (whole, at) => this.#messages.start('probe', { pieceOf: whole, at }),
    plan: (source) => this.#plan(source),
    data: (message, bytes) => {
      this.#measures.get(message)?.push(bytes);
      this.#messages.data(message, bytes);
    },
    end: (message) => this.#messages.end(message),
    response: (response) => this.#response(response),
    failed: (reason) => this.#close(reason),
    splitsItems: () => this.#run?.splitsItems ?? false,
  });
  readonly #commands = new CommandParser({
    command: (command, line) => this.#command(command, line),
    bare: (line, tag) => this.#bareLine(line, tag),
    mayContinue: (command, line, literal) =>
      !asksElsewhere(command.name, latin1(line), 0) &&
      !(literal?.nonSync && literal.size > this.#nonSyncBytes),
    send: (bytes) => this.#toServer(bytes),
    failed: (reason) => this.#close(reason),
    waits: () => this.#actions.closed || this.#run !== undefined || this.#ledger.size >= outstandingCommands,
    outstanding: (command) => this.#ledger.has(command),
  });
  #run: PieceRun | undefined;
  /** Of the wholes that we fetch now. */
  readonly #measures = new Map<MessageId, MessageMeasure>();
  #tls: boolean;
  #compressed = false;
  /** Of the last SELECT or EXAMINE: its arguments, and what the server said then. */
  #mailbox: string | undefined;
  #uidValidity: string | undefined;
  /** What the server has said of client literals that don't wait (RFC 7888). */
  #nonSyncBytes = 0;
  /** The client has signed in, or it was told that it can't. */
  #signInKnown = false;
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
      if (++this.#silentIntervals >= keptIntervals) this.#wholes.trim(0);
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
    this.#measures.clear();
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
    this.#refuse(tag ?? '*', 'BAD Not a command');
    return false;
  }

  #command(line: CommandLine, bytes: Uint8Array): Disposition {
    const { tag, name, literal } = line;
    if (!mayPass(name)) return this.#refuse(tag, 'BAD Command not supported');
    if (literal && !takesLiterals(name)) return this.#refuse(tag, 'BAD No literal expected');
    if (literal?.nonSync && literal.size > this.#nonSyncBytes) {
      return this.#refuse(tag, 'BAD Literal without a continuation not supported');
    }
    switch (name) {
      case 'FETCH':
      case 'UID FETCH':
        return this.#fetchCommand(line, bytes);
      case 'ENABLE':
        return this.#enable(line, bytes);
      case 'AUTHENTICATE': {
        const [mechanism = ''] = argumentsOf(bytes, line).split(' ');
        if (!mayAuthenticateBy(mechanism)) return this.#refuse(tag, 'NO Mechanism not available');
        return { ...this.#sendOn(newCommand(tag, name), bytes), converses: true };
      }
      case 'COMPRESS':
        if (this.#compressed) return this.#refuse(tag, 'NO [COMPRESSIONACTIVE] DEFLATE is active already');
        if (argumentsOf(bytes, line).toUpperCase() !== 'DEFLATE')
          return this.#refuse(tag, 'NO Unknown mechanism');
        return { ...this.#sendOn(newCommand(tag, name), bytes), converses: true };
      case 'UNAUTHENTICATE':
        // RFC 8437 ends the compression somewhere behind the answer: servers differ on where.
        if (this.#compressed) return this.#refuse(tag, 'NO Not while the connection is compressed');
        this.#deselect(line, bytes);
        return this.#sendOn(newCommand(tag, name), bytes);
      case 'STARTTLS':
        if (this.#compressed) return this.#refuse(tag, 'BAD Compression is active already');
        if (this.#tls) return this.#refuse(tag, 'BAD TLS is active already');
        this.#commands.drop();
        return this.#sendOn(newCommand(tag, name), bytes);
      case 'APPEND':
      case 'REPLACE':
      case 'UID REPLACE':
        if (asksElsewhere(name, argumentsOf(bytes, line), name === 'APPEND' ? 1 : 2)) {
          return this.#refuse(tag, 'BAD CATENATE not supported');
        }
        return this.#sendOn(newCommand(tag, name), bytes);
      default:
        if (deselects(name)) this.#deselect(line, bytes);
        return this.#sendOn(newCommand(tag, name), bytes);
    }
  }

  #deselect(line: CommandLine, bytes: Uint8Array): void {
    this.#wholes.trim(0);
    const { name, literal } = line;
    const names = (name === 'SELECT' || name === 'EXAMINE') && !literal;
    this.#mailbox = names ? argumentsOf(bytes, line) : undefined;
    this.#uidValidity = undefined;
  }

  #sendOn(command: Command, bytes: Uint8Array): Disposition & { readonly kind: 'sent' } {
    this.#ledger.add(command);
    this.#toServer(bytes);
    return { kind: 'sent', command };
  }

  #fetchCommand(line: CommandLine, bytes: Uint8Array): Disposition {
    const { tag, name } = line;
    const given = argumentsOf(bytes, line);
    const fetch = parseFetchArguments(given, name === 'UID FETCH');
    if (!fetch) return this.#refuse(tag, 'BAD Invalid FETCH arguments');
    const command = newCommand(tag, name, { fetch });
    if (!fetch.pieces) {
      const tidy = `${fetch.setText}${fetch.itemsText}${fetch.modifiers}`;
      return this.#sendOn(command, tidy === given ? bytes : octets(`${tag} ${name} ${tidy}\r\n`));
    }
    if (this.#ledger.idle()) return this.#refuse(tag, 'BAD Expected DONE');
    this.#run = new PieceRun({ command, fetch }, this.#messages, this.#wholes, {
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

  #enable(line: CommandLine, bytes: Uint8Array): Disposition {
    const { tag, name } = line;
    const asked = argumentsOf(bytes, line).split(' ');
    const kept = asked.filter(mayEnable);
    if (kept.length === asked.length) return this.#sendOn(newCommand(tag, name), bytes);
    if (kept.length > 0) {
      return this.#sendOn(newCommand(tag, name), octets(`${tag} ENABLE ${kept.join(' ')}\r\n`));
    }
    this.#toClient(octets(`* ENABLED\r\n${tag} OK Nothing to enable\r\n`));
    return { kind: 'taken' };
  }

  // --- the server

  #start(source: ContentSource): MessageId {
    const pieceOf = this.#keptOf(source)?.message;
    if (source.role === 'whole' && this.#run?.captures) {
      const message = this.#messages.start('whole', { identity: this.#identityOf(source.uid) });
      this.#measures.set(message, new MessageMeasure());
      return message;
    }
    const extent = extentOf(source);
    return this.#messages.start(extent, { pieceOf, ...(extent === 'slice' ? placeOf(source.key) : {}) });
  }

  /** RFC 9051 §2.3.1.1: mailbox, UIDVALIDITY and UID stand for the same octets for ever. */
  #identityOf(uid: number | undefined): string | undefined {
    if (uid === undefined || this.#mailbox === undefined || this.#uidValidity === undefined) return undefined;
    return [this.#mailbox, this.#uidValidity, uid].join(' ');
  }

  /** What an item stands for, where the client's was taken out of the command. */
  #plan(source: ContentSource): Plan | undefined {
    const substitute = this.#run?.substituteFor(source.key);
    if (!substitute) return undefined;
    const { name, origin, count } = substitute;
    if (substitute.source === 'part') return { kind: 'cut', name, origin, count };
    const whole = this.#keptOf(source);
    if (!whole) return { kind: 'unknown', name };
    const begin = (substitute.source === 'text' ? whole.bodyAt : 0) + origin;
    const from = Math.min(begin, whole.sizeBytes);
    return { kind: 'stretch', name, whole, from, to: Math.min(begin + count, whole.sizeBytes) };
  }

  /** The whole message that content should be a part of, if we fetched it and it may leave. */
  #keptOf(source: ContentSource): KeptWhole | undefined {
    const { number, uid, role } = source;
    if (number === 0 || (role === 'whole' && this.#run?.captures)) return undefined;
    const kept = (uid === undefined ? undefined : this.#wholes.byUid(uid)) ?? this.#wholes.bySequence(number);
    if (!kept || (uid !== undefined && kept.uid !== undefined && kept.uid !== uid)) return undefined;
    return this.#messages.state(kept.message) === 'deliver' ? kept : undefined;
  }

  /** False: what comes behind it is not to be read. */
  #response(response: ServerResponse): boolean {
    switch (response.kind) {
      case 'status':
        this.#toClient(this.#offered(response.line));
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
    if (ok && (command.name === 'LOGIN' || command.name === 'AUTHENTICATE')) this.#signInKnown = true;
    if (command.name === 'COMPRESS' && ok) this.#compress(line);
    else if (command.own) this.#run?.answered(ok, line);
    else this.#reply(command, line, ok);
    this.#goOn();
    return !this.#actions.closed;
  }

  /** The tagged answer to a command of the client. */
  #reply({ tag, failing }: Command, line: Uint8Array, ok: boolean): void {
    const bytes = this.#offered(line);
    this.#queue.push(ok ? { kind: 'tagged-ok', bytes, tag, failing } : { kind: 'bytes', bytes });
  }

  /** A status line with what may be offered. */
  #offered(line: Uint8Array): Uint8Array {
    this.#uidValidity = uidValidityOf(line) ?? this.#uidValidity;
    this.#nonSyncBytes = nonSyncLiteralBytes(line) ?? this.#nonSyncBytes;
    if (!this.#signInKnown && leavesNoSignIn(line, this.#tls)) {
      this.#signInKnown = true;
      this.#actions.emit({ kind: 'no-sign-in' });
    }
    return filterCapabilityLine(line, this.#tls);
  }

  /** The server compresses from here on; the client's leg follows behind the answer. */
  #compress(reply: Uint8Array): void {
    this.#compressed = true;
    this.#actions.emit({ kind: 'compress', side: 'server', rest: this.#responses.takeRest() });
    this.#queue.push({ kind: 'compress', reply });
  }

  #data(response: ServerResponse & { readonly kind: 'data' }): void {
    const { word, number, rest, parts } = response;
    if (word === 'EXPUNGE') this.#wholes.expunged(number);
    if (word === 'VANISHED' && this.#wholes.size > 0 && !/^\(EARLIER\) /i.test(rest)) {
      const uids = rest.length <= imapLineBytes ? parseNumberSet(rest) : undefined;
      if (uids) this.#wholes.vanished(uids);
      else this.#wholes.trim(0);
    }
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
    if (word === 'EXPUNGE' || word === 'VANISHED') this.#goOn();
  }

  #fetchResponse(response: FetchResponse): void {
    const { number, uid, parts } = response;
    const { segments, messages, probes, keys } = parts;
    const forClient = this.#run?.capture(response, (message) => this.#measures.get(message));
    for (const message of messages) this.#measures.delete(message);
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

const partial = /<([0-9]+)>$/;

/**
 * A section is a stretch of the message, and so is what is cut out of one: on its own it may be half of something, or
 * be read in another way. Selected fields of a header and what the server decodes stand nowhere as they are.
 */
function extentOf({ key, role }: ContentSource): Extent {
  if (role === 'whole') return 'whole';
  const made = key.startsWith('BINARY[') || key.includes('HEADER.FIELDS');
  return role === 'piece' && (!made || partial.test(key)) ? 'slice' : 'piece';
}

/** Of the key of a section: its name, and where in it its octets begin. */
function placeOf(key: string): { readonly section: string; readonly origin: number } {
  return { section: key.replace(partial, ''), origin: Number(partial.exec(key)?.[1] ?? 0) };
}

/** Of the answers to SELECT: `* OK [UIDVALIDITY n]`. */
function uidValidityOf(line: Uint8Array): string | undefined {
  return /^\* OK \[UIDVALIDITY ([0-9]+)\]/i.exec(latin1(line, 0, Math.min(line.length, 64)))?.[1];
}

function asksElsewhere(name: string, text: string, names: number): boolean {
  return (name === 'APPEND' || name.endsWith('REPLACE')) && asksCatenate(text, names);
}
