// What becomes of the messages of one connection: spooled as they come, scanned when they are whole, and kept in
// quarantine before a changed form may leave. Knows no protocol and no socket.
import { createHash, type Hash } from 'node:crypto';
import { assertNever } from '../contract/assert-never.ts';
import type { MessageEvent, NotScannedReason } from '../contract/state.ts';
import type { EngineReport } from '../contract/verdict.ts';
import type { EngineAction, MessageId, Release } from '../protocols/engine.ts';
import type { Tagging } from '../scanner/header-tag.ts';
import type { Following, Overwrite, Scanner, ScanResult } from '../scanner/pool.ts';
import type { Quarantine } from '../storage/quarantine.ts';
import type { Spool, SpoolStore } from '../storage/spool.ts';
import type { VerdictCache } from '../storage/verdict-cache.ts';
import { findPiece, sameAt, sectionBases } from './piece-search.ts';

/** What a page is told of one message; the proxy adds the connection to it. */
export type MessageOutcome = Omit<MessageEvent, 'id' | 'at' | 'server' | 'program'>;

/** What becomes of an engine that does not answer. One that does not take so much is no fault of that kind. */
const lostEngines: readonly EngineReport['status'][] = ['down', 'timeout', 'failed'];

/** What is done with messages. */
export interface Treatment {
  /** The infected parts of a message are made harmless; else it is delivered as it came. */
  readonly neutralise: boolean;
  /** A message that an engine in use could not be asked about stays on the server. */
  readonly needsEngines: boolean;
  /** How its header tells of it, if at all. */
  readonly tag: Tagging | undefined;
}

/** What people know a message by. */
interface Summary {
  readonly sender?: string;
  readonly subject?: string;
}

export interface DeliveryOptions {
  readonly spools: SpoolStore;
  readonly scanner: Scanner;
  readonly quarantine: Pick<Quarantine, 'put'>;
  readonly verdicts: Pick<VerdictCache, 'isClean' | 'revision' | 'addClean'>;
  readonly treatment: Treatment;
  /** Sender and subject for people, from the first octets of a message; never throws. */
  readonly summarise: (head: Uint8Array) => Promise<Summary>;
  /** Name of the server, for the quarantine. */
  readonly server: string;
  readonly onRelease: (message: MessageId, release: Release) => void;
  readonly onOutcome: (outcome: MessageOutcome) => void;
  /** The disk is behind: the server is not read from meanwhile. */
  readonly onBacklog: (waiting: boolean) => void;
}

/** Octets of a spool that wait for the disk before reading from the server pauses: some reads of a fast network. */
const spoolBacklogBytes = 8 * 1024 * 1024;

/** Octets read back from a spool at once. */
const chunkBytes = 256 * 1024;

/** The scanner is told of a message each time that so much more has come: less is scanned in no time at the end. */
const followBytes = 1024 * 1024;

/** What mailparser is given to find sender and subject: the largest header that is looked at. */
const summaryBytes = 256 * 1024;

/** What the engine says of a message that begins. */
export type StartedMessage = Omit<Extract<EngineAction, { kind: 'message-start' }>, 'kind'>;

/** A whole that parts are taken from: its octets, and where the sections begin of which slices were found in it. */
interface Sections {
  readonly sha256: string;
  readonly bases: Map<string, readonly number[]>;
}

/** Wholes that are remembered when they are gone, should more of their parts be asked for. */
const rememberedWholes = 1_000;

interface Held {
  readonly spool: Spool;
  /** Goes along with the octets, so that the scan need not begin with it. */
  readonly sha256: Hash;
  readonly started: StartedMessage;
  following: Following | undefined;
  /** The size from which on the scanner is told of it again. */
  followAtBytes: number;
  sections: Sections | undefined;
  /** Octets at its beginning that have left already, as they came. */
  begunBytes: number;
  overwrites: readonly Overwrite[];
  dropped: boolean;
  /** Resolves when nothing of a decision is under way. */
  decided: Promise<void>;
}

/** Octets `from` to `to` of a message, with what its overwrites change in them. */
async function delivered(held: Held, from: number, to: number): Promise<Uint8Array> {
  const original = await held.spool.read(from, to);
  const touching = held.overwrites.filter(({ offset, bytes }) => offset < to && offset + bytes.length > from);
  if (touching.length === 0) return original;
  const changed = new Uint8Array(original);
  for (const { offset, bytes } of touching) {
    const start = Math.max(offset, from);
    const end = Math.min(offset + bytes.length, to);
    changed.set(bytes.subarray(start - offset, end - offset), start - from);
  }
  return changed;
}

/** What a piece takes over from the whole message in which it lies at `at`. */
function overwritesWithin(overwrites: readonly Overwrite[], at: number, sizeBytes: number): Overwrite[] {
  return overwrites.flatMap(({ offset, bytes }) => {
    const start = Math.max(offset, at);
    const end = Math.min(offset + bytes.length, at + sizeBytes);
    return start < end ? [{ offset: start - at, bytes: bytes.subarray(start - offset, end - offset) }] : [];
  });
}

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #held = new Map<MessageId, Held>();
  readonly #abort = new AbortController();
  /** By what the server calls them; the one used last stands last. */
  readonly #remembered = new Map<string, Sections>();
  #waiting = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  start(started: StartedMessage): void {
    this.#held.set(started.message, {
      spool: this.#options.spools.create(),
      sha256: createHash('sha256'),
      started,
      following: undefined,
      // What is a whole is scanned for sure; a part is mostly found in one that was.
      followAtBytes: started.extent === 'whole' ? followBytes : Number.POSITIVE_INFINITY,
      sections: undefined,
      begunBytes: 0,
      overwrites: [],
      dropped: false,
      decided: Promise.resolve(),
    });
  }

  append(message: MessageId, bytes: Uint8Array): void {
    const held = this.#held.get(message);
    if (!held) return;
    held.spool.append(bytes);
    held.sha256.update(bytes);
    if (held.spool.sizeBytes > held.followAtBytes) this.#follow(held);
    if (this.#waiting || held.spool.backlogBytes <= spoolBacklogBytes) return;
    this.#waiting = true;
    this.#options.onBacklog(true);
    void held.spool.drained().then(() => {
      this.#waiting = false;
      this.#options.onBacklog(false);
    });
  }

  /** Octets before `to` have left: they can't be changed any more. */
  begun(message: MessageId, to: number): void {
    const held = this.#held.get(message);
    if (held) held.begunBytes = to;
  }

  /** Decides on a complete message and calls `onRelease`, unless it is dropped or stopped meanwhile. */
  end(message: MessageId): void {
    const held = this.#held.get(message);
    if (!held) return;
    const decision = this.#decide(held).finally(() => held.following?.drop());
    held.decided = decision.then(
      () => undefined,
      () => undefined,
    );
    decision.then(
      (release) => {
        if (!held.dropped) this.#options.onRelease(message, release);
      },
      () => {
        if (!held.dropped) this.#refuse(message, 'scan-failed');
      },
    );
  }

  /** All octets of a small message at once, when they are in memory and unchanged; else they are streamed. */
  inMemory(message: MessageId, from: number, to: number): Uint8Array | undefined {
    const held = this.#held.get(message);
    if (!held || held.overwrites.length > 0 || to - from > chunkBytes) return undefined;
    // A copy: it may wait in the socket for longer than the spool lives.
    return held.spool.bytes()?.slice(from, to);
  }

  /** The delivered form of a released message, from its spool. The spool lives until the iteration ends. */
  async *read(message: MessageId, from: number, to: number): AsyncGenerator<Uint8Array> {
    const held = this.#held.get(message);
    if (!held) throw new Error(`message ${message} is not held`);
    for (let at = from; at < to; at += chunkBytes) {
      const end = Math.min(at + chunkBytes, to);
      const bytes = await delivered(held, at, end);
      if (bytes.length !== end - at) throw new Error('a spool ended early');
      yield bytes;
    }
  }

  drop(message: MessageId): void {
    const held = this.#held.get(message);
    if (!held) return;
    this.#held.delete(message);
    held.dropped = true;
    held.following?.drop();
    // What is kept in quarantine just now is read from it.
    void held.decided.then(() => held.spool.drop());
  }

  /** Gives everything up: the connection is gone. */
  stop(): void {
    this.#abort.abort();
    for (const message of [...this.#held.keys()]) this.drop(message);
  }

  get pending(): number {
    return this.#held.size;
  }

  async #decide(held: Held): Promise<Release> {
    const { spool } = held;
    const finished = await spool.finish();
    if (!finished.ok) return this.#unscanned('spool-failed');
    const { extent, pieceOf } = held.started;
    const whole = pieceOf === undefined ? undefined : this.#held.get(pieceOf);
    if (extent === 'probe') return (await this.#isThere(held, whole)) ? 'deliver' : 'refuse';
    if (whole) {
      const at = await (extent === 'slice'
        ? this.#placeOfSlice(held, whole)
        : findPiece(whole.spool, spool, whole.overwrites));
      if (at !== undefined) {
        held.overwrites = overwritesWithin(whole.overwrites, at, spool.sizeBytes);
        return 'deliver';
      }
    }
    if (extent === 'slice') return this.#unscanned('part-not-found');
    const sha256 = held.sha256.digest('hex');
    if (!this.#isAsBefore(held, sha256)) return this.#unscanned('part-not-found');
    const { verdicts } = this.#options;
    if (verdicts.isClean(sha256)) return this.#clean(held);
    const { revision } = verdicts;
    const { neutralise, tag } = this.#options.treatment;
    const result = await this.#options.scanner.scan(spool.source(), {
      signal: this.#abort.signal,
      neutralise,
      ...(tag && extent === 'whole' ? { tag } : {}),
      sha256,
      followed: held.following,
    });
    if (result.verdict.outcome === 'clean') verdicts.addClean(sha256, revision);
    return await this.#settle(held, result);
  }

  /** Lets the scanner work ahead on what is in memory. */
  #follow(held: Held): void {
    const bytes = held.spool.bytes();
    if (!bytes) {
      held.following?.drop();
      held.followAtBytes = Number.POSITIVE_INFINITY;
      return;
    }
    held.following ??= this.#options.scanner.follow();
    held.following.arrived(bytes);
    held.followAtBytes = bytes.length + followBytes;
  }

  async #isThere({ started, spool }: Held, whole: Held | undefined): Promise<boolean> {
    return whole !== undefined && started.at !== undefined && (await sameAt(whole.spool, spool, started.at));
  }

  /** Where a slice lies in its whole, as it follows from the other slices of its section. */
  async #placeOfSlice({ started, spool }: Held, whole: Held): Promise<number | undefined> {
    if (spool.sizeBytes === 0) return 0;
    const { section = '', origin = 0 } = started;
    const known = whole.sections?.bases;
    const found = await sectionBases(whole.spool, spool, origin, known?.get(section));
    // Another slice may have been found meanwhile.
    const bases = found.filter((base) => known?.get(section)?.includes(base) ?? true);
    known?.set(section, bases);
    const places = bases.map((base) => base + origin);
    const isTouched = (at: number) => overwritesWithin(whole.overwrites, at, spool.sizeBytes).length > 0;
    return places.find(isTouched) ?? places[0];
  }

  /** Whether a whole has the octets that it had when parts were taken from it before. */
  #isAsBefore(held: Held, sha256: string): boolean {
    const { extent, identity } = held.started;
    if (extent !== 'whole') return true;
    const before = identity === undefined ? undefined : this.#remembered.get(identity);
    held.sections = before ?? { sha256, bases: new Map() };
    if (identity === undefined) return true;
    this.#remembered.delete(identity);
    this.#remembered.set(identity, held.sections);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > rememberedWholes && oldest !== undefined) this.#remembered.delete(oldest);
    return held.sections.sha256 === sha256;
  }

  /** A part of a clean message is no message of its own. */
  #clean({ started }: Held): Release {
    if (started.extent === 'whole') this.#report({ outcome: 'clean', detections: [], limits: [] });
    return 'deliver';
  }

  async #settle(held: Held, { verdict, overwrites, tags }: ScanResult): Promise<Release> {
    const { outcome, detections, limits, engines } = verdict;
    if (held.dropped) return 'refuse';
    switch (outcome) {
      case 'clean':
        return this.#clean(held);
      case 'suspicious':
      case 'not-scanned':
        this.#report({ outcome, detections, limits, ...(await this.#summary(held)) });
        return this.#isWithheld(engines) ? 'refuse' : 'deliver';
      case 'infected': {
        const summary = await this.#summary(held);
        const kept = await this.#options.quarantine.put({
          read: (from, to) => held.spool.read(from, to),
          sizeBytes: held.spool.sizeBytes,
          verdict,
          server: this.#options.server,
          ...summary,
        });
        // Without the original kept safe the changed form must not leave: the message stays on the server.
        if (!kept.ok) {
          this.#report({ outcome, detections, limits, ...summary });
          return 'refuse';
        }
        const { begunBytes } = held;
        held.overwrites = begunBytes > 0 ? overwrites : [...tags, ...overwrites];
        this.#report({ outcome, detections, limits, ...summary, quarantineId: kept.id });
        return overwrites.some(({ offset }) => offset < begunBytes) ? 'refuse' : 'deliver';
      }
      default:
        return assertNever(outcome);
    }
  }

  #isWithheld(engines: readonly EngineReport[]): boolean {
    return this.#options.treatment.needsEngines && engines.some(({ status }) => lostEngines.includes(status));
  }

  async #summary({ spool }: Held): Promise<Summary> {
    const head = await spool.read(0, Math.min(spool.sizeBytes, summaryBytes));
    const { sender, subject } = await this.#options.summarise(head);
    return {
      ...(sender === undefined ? {} : { sender }),
      ...(subject === undefined ? {} : { subject }),
    };
  }

  #refuse(message: MessageId, reason: NotScannedReason): void {
    this.#options.onRelease(message, this.#unscanned(reason));
  }

  #unscanned(reason: NotScannedReason): Release {
    this.#report({ outcome: 'not-scanned', detections: [], limits: [reason] });
    return 'refuse';
  }

  #report(outcome: MessageOutcome): void {
    this.#options.onOutcome(outcome);
  }
}
