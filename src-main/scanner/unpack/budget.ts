// What unpacking one message may cost in all, whatever its archives say of their sizes.
import type { LimitCode } from '../../contract/verdict.ts';
import type { ScanLimits } from '../limits.ts';

/** Input that is read, as a multiple of what may come out: empty deflate blocks cost time too, and tiny ones most. */
const inputFactor = 2;

/** Members that are damaged or too large and of which a first piece is given; one costs up to 20 ms. */
const maxPieces = 24;

/** Keys that are derived from passwords (PBKDF2); one costs half a millisecond. */
const maxKeyDerivations = 600;

/** Hashes for passwords of documents (MS-OFFCRYPTO asks for 100,000 each): some two seconds. */
const maxHashes = 2_000_000;

/** Requests to the unpacking process; one takes some three milliseconds, however small the archive is. */
const maxRequests = 300;

/** Words that it tries on the archives of one message; one costs some fifteen milliseconds (7z hashes half a million times). */
const maxTriedWords = 180;

/** Steps of all programs of one message that unpack themselves in an emulated processor: some seconds. */
const emulatedSteps = 45_000_000;

export interface Allowance {
  readonly octets: number;
  readonly code: LimitCode;
}

export class UnpackBudget {
  readonly #limits: ScanLimits;
  #members = 0;
  #output = 0;
  #input = 0;
  #steps = 0;
  #pieces = 0;
  #keyDerivations = 0;
  #hashes = 0;
  #requests = 0;
  #wordsLeft = maxTriedWords;

  constructor(limits: ScanLimits) {
    this.#limits = limits;
  }

  get maxMembers(): number {
    return this.#limits.archiveMembers;
  }

  get membersLeft(): number {
    return Math.max(0, this.#limits.archiveMembers - this.#members);
  }

  /** Counts one more member. */
  takeMember(): LimitCode | undefined {
    return ++this.#members > this.#limits.archiveMembers ? 'archive-members' : undefined;
  }

  /** Whether so many octets may still come out of archives; then they are counted. */
  takeOutput(octets: number): LimitCode | undefined {
    this.#output += octets;
    return this.#output > this.#limits.unpackedBytes ? 'unpacked-size' : undefined;
  }

  /** Whether so many octets may still be read by decompressors; then they are counted. */
  takeInput(octets: number): LimitCode | undefined {
    this.#input += octets;
    return this.#input > this.#limits.unpackedBytes * inputFactor ? 'unpacked-size' : undefined;
  }

  /** Whether a first piece of one more member that can't be unpacked whole may be given; then it is counted. */
  takePiece(): boolean {
    return ++this.#pieces <= maxPieces;
  }

  /** Whether one more key may be derived from a password; then it is counted. */
  takeKeyDerivation(): boolean {
    return ++this.#keyDerivations <= maxKeyDerivations;
  }

  /** Whether the unpacking process may be asked once more; then it is counted. */
  takeRequest(): boolean {
    return ++this.#requests <= maxRequests;
  }

  /** How many of so many words it may try: most of what is left, so that the next archive has some too. */
  takeWords(wanted: number): number {
    const words = Math.min(wanted, Math.ceil((this.#wordsLeft * 2) / 3));
    this.#wordsLeft -= words;
    return words;
  }

  /** Whether so many hashes may still be worked out for a password; then they are counted. */
  takeHashes(count: number): boolean {
    this.#hashes += count;
    return this.#hashes <= maxHashes;
  }

  /** Whether another program may still be run to unpack itself; then its steps are counted. */
  takeSteps(steps: number): LimitCode | undefined {
    this.#steps += steps;
    return this.#steps > emulatedSteps ? 'scan-time' : undefined;
  }

  /** Whether the output is out of proportion to the input that gave it. */
  isBomb(inputBytes: number, outputBytes: number): boolean {
    const { unpackRatio, unpackRatioFromBytes } = this.#limits;
    return outputBytes > unpackRatioFromBytes && outputBytes > inputBytes * unpackRatio;
  }

  /** Octets that may come out of `inputBytes` as one member, with the limit that the next one would reach. */
  allowance(inputBytes: number): Allowance {
    const all = this.allowanceOfAll(inputBytes);
    const { partBytes } = this.#limits;
    return partBytes < all.octets ? { octets: partBytes, code: 'part-size' } : all;
  }

  /** The same for all members together. */
  allowanceOfAll(inputBytes: number): Allowance {
    const { unpackedBytes, unpackRatio, unpackRatioFromBytes } = this.#limits;
    const ofRatio = Math.max(unpackRatioFromBytes, inputBytes * unpackRatio);
    const left = Math.max(0, unpackedBytes - this.#output);
    return left < ofRatio
      ? { octets: left, code: 'unpacked-size' }
      : { octets: ofRatio, code: 'unpack-ratio' };
  }
}
