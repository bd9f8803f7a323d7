// What unpacking one message may cost in all, whatever its archives say of their sizes.
import type { LimitCode } from '../../contract/verdict.ts';
import type { ScanLimits } from '../limits.ts';

/** A member of an archive, or why something in it was not looked into. */
export type Unpacked =
  | { readonly kind: 'member'; readonly name: string; readonly bytes: Buffer }
  | { readonly kind: 'limit'; readonly code: LimitCode };

/** Input that is read without giving any output: empty deflate blocks cost time too. */
const inputFactor = 4;

export class UnpackBudget {
  readonly #limits: ScanLimits;
  #members = 0;
  #output = 0;
  #input = 0;

  constructor(limits: ScanLimits) {
    this.#limits = limits;
  }

  get maxMembers(): number {
    return this.#limits.archiveMembers;
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

  /** Whether the output is out of proportion to the input that gave it. */
  isBomb(inputBytes: number, outputBytes: number): boolean {
    const { unpackRatio, unpackRatioFromBytes } = this.#limits;
    return outputBytes > unpackRatioFromBytes && outputBytes > inputBytes * unpackRatio;
  }

  /** Octets that may come out of `inputBytes`, with the limit that the next one would reach. */
  allowance(inputBytes: number): { readonly octets: number; readonly code: LimitCode } {
    const { partBytes, unpackedBytes, unpackRatio, unpackRatioFromBytes } = this.#limits;
    const choices = [
      { octets: Math.max(unpackRatioFromBytes, inputBytes * unpackRatio), code: 'unpack-ratio' },
      { octets: partBytes, code: 'part-size' },
      { octets: Math.max(0, unpackedBytes - this.#output), code: 'unpacked-size' },
    ] as const;
    return choices.reduce((least, choice) => (choice.octets < least.octets ? choice : least));
  }
}
