// How members of a zip are encrypted: PKWARE's traditional cipher (APPNOTE 6.3.10 §6) and WinZip's AES
// (https://www.winzip.com/en/support/aes-encryption/). Finds the password among given ones.
import { createCipheriv, createHmac, pbkdf2Sync } from 'node:crypto';
import type { UnpackBudget } from '../budget.ts';
import { maxPasswords } from '../passwords.ts';
import type { AesExtra } from './zip-records.ts';

/** Data that a password may open. */
export interface Locked {
  readonly data: Buffer;
  readonly aes: AesExtra | undefined;
  /** What the last octet of the cipher's header may be. */
  readonly checks: readonly number[];
}

/** Octets before data in the traditional cipher. */
const headerBytes = 12;

/** WinZip AES: octets of the verifier of the password, and of the code behind the data. */
const verifierBytes = 2;
const codeBytes = 10;
const keyRounds = 1_000;

/** Octets of the key stream that are made at once. */
const streamBytes = 64 * 1024;
const aesBlockBytes = 16;

/** Octets of the compressed data that tell whether a password fits, before all are decrypted. */
const probeBytes = 1_024;

/** Decrypting an octet costs as much as inflating so many. */
const decryptFactor = 4;

const crcTable = Uint32Array.from({ length: 256 }, (_, octet) => {
  let value = octet;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** The three keys of the traditional cipher. */
type Keys = readonly [number, number, number];

/** Runs the cipher over `bytes`; they are plain, or become so in `output`. */
function run(keys: Keys, bytes: Uint8Array, output?: Uint8Array): Keys {
  let [first, second, third] = keys;
  for (let i = 0; i < bytes.length; i++) {
    let octet = bytes[i] as number;
    if (output) {
      const mask = (third & 0xffff) | 2;
      octet ^= (Math.imul(mask, mask ^ 1) >>> 8) & 0xff;
      output[i] = octet;
    }
    first = (first >>> 8) ^ (crcTable[(first ^ octet) & 0xff] as number);
    second = (Math.imul((second + (first & 0xff)) | 0, 134775813) + 1) | 0;
    third = (third >>> 8) ^ (crcTable[(third ^ (second >>> 24)) & 0xff] as number);
  }
  return [first, second, third];
}

function traditionalKeys(password: Uint8Array): Keys {
  return run([0x12345678, 0x23456789, 0x34567890], password);
}

/** AES in counter mode as WinZip has it: the counter's first octet is its lowest, and it begins with 1. */
function decryptAes(key: Buffer, data: Buffer): Buffer {
  const cipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
  const output = Buffer.allocUnsafe(data.length);
  const counters = Buffer.alloc(streamBytes);
  for (let at = 0; at < data.length; at += streamBytes) {
    for (let block = 0; block < streamBytes; block += aesBlockBytes)
      counters.writeUInt32LE((at + block) / aesBlockBytes + 1, block);
    const stream = cipher.update(counters);
    const end = Math.min(streamBytes, data.length - at);
    for (let i = 0; i < end; i++) output[at + i] = (data[at + i] as number) ^ (stream[i] as number);
  }
  return output;
}

/** The octets that programs make of a password: UTF-8, or Latin-1. */
function octetsOf(password: string): Buffer[] {
  const utf8 = Buffer.from(password, 'utf8');
  const latin = Buffer.from(password, 'latin1');
  return utf8.equals(latin) || latin.toString('latin1') !== password ? [utf8] : [utf8, latin];
}

interface Opened {
  readonly plain: Buffer;
  readonly isSure: boolean;
}

interface Candidate {
  readonly octets: Buffer;
  readonly keys: Keys;
}

/** Tries the passwords of a message on one archive; the one that fitted last comes first. */
export class PasswordOpener {
  readonly #passwords: () => readonly string[];
  readonly #budget: UnpackBudget;
  #candidates: Candidate[] | undefined;

  constructor(passwords: () => readonly string[], budget: UnpackBudget) {
    this.#passwords = passwords;
    this.#budget = budget;
  }

  /**
   * The data without their encryption.
   * @param fits whether octets may be the whole data, or the beginning of them; wrong passwords pass the check of
   * the cipher's header once in 256 times
   * @returns undefined when no password opens them
   */
  open(locked: Locked, fits: (plain: Buffer, isWhole: boolean) => boolean): Buffer | undefined {
    this.#candidates ??= this.#passwords()
      .slice(0, maxPasswords)
      .flatMap(octetsOf)
      .map((octets) => ({ octets, keys: traditionalKeys(octets) }));
    const { aes } = locked;
    let doubtful: Buffer | undefined;
    for (const [index, candidate] of this.#candidates.entries()) {
      if (aes && !this.#budget.takeKeyDerivation()) break;
      const opened = aes
        ? this.#openAes(candidate, locked.data, aes)
        : this.#openOld(candidate, locked, fits);
      if (opened === undefined) continue;
      if (!opened.isSure) {
        doubtful ??= opened.plain;
        continue;
      }
      this.#candidates.splice(index, 1);
      this.#candidates.unshift(candidate);
      return opened.plain;
    }
    return doubtful;
  }

  #openOld(
    { keys }: Candidate,
    { data, checks }: Locked,
    fits: (plain: Buffer, isWhole: boolean) => boolean,
  ): Opened | undefined {
    if (data.length < headerBytes) return undefined;
    const header = Buffer.allocUnsafe(headerBytes);
    const after = run(keys, data.subarray(0, headerBytes), header);
    if (!checks.includes(header[headerBytes - 1] ?? 0)) return undefined;
    const content = data.subarray(headerBytes);
    const probe = Buffer.allocUnsafe(Math.min(probeBytes, content.length));
    run(after, content.subarray(0, probe.length), probe);
    if (!fits(probe, probe.length === content.length)) return undefined;
    if (probe.length === content.length) return { plain: probe, isSure: true };
    if (this.#budget.takeInput(content.length * decryptFactor) !== undefined) return undefined;
    const plain = Buffer.allocUnsafe(content.length);
    run(after, content, plain);
    return fits(plain, true) ? { plain, isSure: true } : undefined;
  }

  #openAes({ octets }: Candidate, data: Buffer, { keyBytes }: AesExtra): Opened | undefined {
    const saltBytes = keyBytes / 2;
    const start = saltBytes + verifierBytes;
    if (data.length < start) return undefined;
    const derived = pbkdf2Sync(
      octets,
      data.subarray(0, saltBytes),
      keyRounds,
      keyBytes * 2 + verifierBytes,
      'sha1',
    );
    if (derived.compare(data, saltBytes, start, keyBytes * 2) !== 0) return undefined;
    if (this.#budget.takeInput(data.length * decryptFactor) !== undefined) return undefined;
    const end = Math.max(start, data.length - codeBytes);
    const content = data.subarray(start, end);
    const code = createHmac('sha1', derived.subarray(keyBytes, keyBytes * 2))
      .update(content)
      .digest();
    // Wrong passwords pass the verifier once in 65,536 times; or the code is damaged, which some programs only mention.
    const isSure = code.subarray(0, codeBytes).equals(data.subarray(end));
    return { plain: decryptAes(derived.subarray(0, keyBytes), content), isSure };
  }
}
