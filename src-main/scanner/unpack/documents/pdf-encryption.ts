// The standard security handler of PDF (ISO 32000-2 §7.6): most encrypted documents open without any password.
import { createCipheriv, createDecipheriv, createHash, hash } from 'node:crypto';
import type { UnpackContext } from '../unpacker.ts';
import type { PdfDictionary, PdfValue } from './pdf-tokens.ts';

/** §7.6.4.3.2: what a shorter password is filled up with. */
const padding = Buffer.from('28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a', 'hex');

/** Passwords that are tried; from revision 6 on each costs some milliseconds. */
const maxPasswords = 200;
const maxSlowPasswords = 50;

/** What one password costs, in hashes: by revision, the others as the third. */
const hashesOfRevision: Readonly<Record<number, number>> = { 2: 10, 5: 10, 6: 2_500 };
const hashesOfOthers = 150;

export interface PdfCipher {
  /** Whether a password was needed. */
  readonly byPassword: boolean;
  /** Decrypts a string or a stream of the given object; octets that are cut short are decrypted as far as they go. */
  readonly decrypt: (
    what: 'string' | 'stream' | 'file',
    bytes: Buffer,
    object: number,
    generation: number,
  ) => Buffer;
}

type Method = 'none' | 'rc4' | 'aes' | 'aes-256';

const md5 = (...pieces: readonly Uint8Array[]): Buffer => {
  const digest = createHash('md5');
  for (const piece of pieces) digest.update(piece);
  return digest.digest();
};

/** Node's OpenSSL has no RC4 any more. */
function rc4(key: Buffer, bytes: Buffer): Buffer {
  const state = new Uint8Array(256);
  for (let i = 0; i < 256; i++) state[i] = i;
  const swap = (i: number, j: number) => {
    const held = state[i] ?? 0;
    state[i] = state[j] ?? 0;
    state[j] = held;
  };
  for (let i = 0, j = 0; i < 256; i++) {
    j = (j + (state[i] ?? 0) + (key[i % key.length] ?? 0)) & 255;
    swap(i, j);
  }
  const out = Buffer.allocUnsafe(bytes.length);
  for (let at = 0, i = 0, j = 0; at < bytes.length; at++) {
    i = (i + 1) & 255;
    j = (j + (state[i] ?? 0)) & 255;
    swap(i, j);
    out[at] = (bytes[at] ?? 0) ^ (state[((state[i] ?? 0) + (state[j] ?? 0)) & 255] ?? 0);
  }
  return out;
}

/** The first block is the initialisation vector; the padding at the end is left where it is. */
function aesCbc(key: Buffer, bytes: Buffer): Buffer {
  const whole = bytes.length - (bytes.length % 16);
  if (whole < 32) return Buffer.alloc(0);
  const decipher = createDecipheriv(
    key.length === 32 ? 'aes-256-cbc' : 'aes-128-cbc',
    key,
    bytes.subarray(0, 16),
  );
  decipher.setAutoPadding(false);
  const plain = decipher.update(bytes.subarray(16, whole));
  const pad = plain.at(-1) ?? 0;
  return whole === bytes.length && pad >= 1 && pad <= 16 ? plain.subarray(0, plain.length - pad) : plain;
}

/** Algorithm 2.B; of revision 5: SHA-256 alone. */
function hash256(password: Buffer, salt: Buffer, revision: number): Buffer {
  let key: Buffer = hash('sha256', Buffer.concat([password, salt]), 'buffer');
  if (revision < 6) return key;
  for (let round = 0, last = 0; round < 64 || last > round - 32; round++) {
    const block = Buffer.concat([password, key]);
    const cipher = createCipheriv('aes-128-cbc', key.subarray(0, 16), key.subarray(16, 32));
    cipher.setAutoPadding(false);
    const encrypted = cipher.update(Buffer.concat(Array<Buffer>(64).fill(block)));
    const sum = encrypted.subarray(0, 16).reduce((total, octet) => total + octet, 0);
    key = hash(['sha256', 'sha384', 'sha512'][sum % 3] ?? 'sha256', encrypted, 'buffer');
    last = encrypted.at(-1) ?? 0;
  }
  return key.subarray(0, 32);
}

interface Parameters {
  readonly revision: number;
  readonly keyBytes: number;
  readonly owner: Buffer;
  readonly user: Buffer;
  readonly userKey: Buffer;
  readonly permissions: number;
  readonly encryptsMetadata: boolean;
  readonly id: Buffer;
}

/** The file's key, if `password` is the user's (algorithms 2, 6 and 2.A). */
function fileKey(password: Buffer, parameters: Parameters): Buffer | undefined {
  const { revision, keyBytes, owner, user, userKey, permissions, encryptsMetadata, id } = parameters;
  if (revision >= 5) {
    if (user.length < 48 || userKey.length < 32) return undefined;
    const proof = hash256(password, user.subarray(32, 40), revision);
    if (!proof.equals(user.subarray(0, 32))) return undefined;
    const key = hash256(password, user.subarray(40, 48), revision);
    const decipher = createDecipheriv('aes-256-cbc', key, Buffer.alloc(16));
    decipher.setAutoPadding(false);
    return decipher.update(userKey.subarray(0, 32));
  }
  const padded = Buffer.concat([password, padding]).subarray(0, 32);
  const flags = Buffer.alloc(4);
  flags.writeInt32LE(permissions | 0);
  const rest = revision >= 4 && !encryptsMetadata ? [Buffer.alloc(4, 0xff)] : [];
  let key = md5(padded, owner.subarray(0, 32), flags, id, ...rest).subarray(0, keyBytes);
  if (revision < 3) return rc4(key, padding).equals(user.subarray(0, 32)) ? key : undefined;
  for (let round = 0; round < 50; round++) key = md5(key).subarray(0, keyBytes);
  let proof = md5(padding, id);
  for (let round = 0; round < 20; round++) proof = rc4(Buffer.from(key.map((octet) => octet ^ round)), proof);
  return proof.equals(user.subarray(0, 16)) ? key : undefined;
}

const numberOf = (value: PdfValue | undefined, otherwise: number) =>
  value?.kind === 'number' ? value.value : otherwise;
const stringOf = (value: PdfValue | undefined) => (value?.kind === 'string' ? value.bytes : Buffer.alloc(0));
const nameOf = (value: PdfValue | undefined, otherwise: string) =>
  value?.kind === 'name' ? value.name : otherwise;

/** How a crypt filter encrypts (§7.6.6). */
function methodOf({ entries }: PdfDictionary, use: string, otherwise: string): Method {
  const filter = nameOf(entries.get(use), otherwise);
  if (filter === 'Identity') return 'none';
  const filters = entries.get('CF');
  const found = filters?.kind === 'dictionary' ? filters.entries.get(filter) : undefined;
  const method = found?.kind === 'dictionary' ? nameOf(found.entries.get('CFM'), 'V2') : 'V2';
  if (method === 'AESV2') return 'aes';
  if (method === 'AESV3') return 'aes-256';
  return method === 'None' ? 'none' : 'rc4';
}

/**
 * Opens an encrypted document by the empty password, or one of the message's words, as far as the budget has hashes.
 * @param dictionary the encryption dictionary
 * @param id the first of the document's identifiers
 * @returns undefined where none opens it, or it is encrypted in another way
 */
export function openPdf(
  dictionary: PdfDictionary,
  id: Buffer,
  { passwords, budget }: Pick<UnpackContext, 'passwords' | 'budget'>,
): PdfCipher | undefined {
  const { entries } = dictionary;
  const version = numberOf(entries.get('V'), 0);
  const revision = numberOf(entries.get('R'), 0);
  if (nameOf(entries.get('Filter'), '') !== 'Standard' || revision < 2 || revision > 6) return undefined;
  const bits = numberOf(entries.get('Length'), version >= 4 ? 128 : 40);
  const encryptsMetadata = entries.get('EncryptMetadata');
  const parameters: Parameters = {
    revision,
    keyBytes: version === 1 ? 5 : Math.min(16, Math.max(5, bits >= 40 ? Math.floor(bits / 8) : bits)),
    owner: stringOf(entries.get('O')),
    user: stringOf(entries.get('U')),
    userKey: stringOf(entries.get('UE')),
    permissions: numberOf(entries.get('P'), 0),
    encryptsMetadata: encryptsMetadata?.kind !== 'keyword' || encryptsMetadata.word !== 'false',
    id,
  };
  const asBytes = (password: string) =>
    Buffer.from(password, revision >= 5 ? 'utf8' : 'latin1').subarray(0, 127);
  const tried = (password: string) =>
    budget.takeHashes(hashesOfRevision[revision] ?? hashesOfOthers)
      ? fileKey(asBytes(password), parameters)
      : undefined;
  let key = tried('');
  const byPassword = key === undefined;
  if (byPassword)
    for (const password of passwords().slice(0, revision >= 6 ? maxSlowPasswords : maxPasswords))
      key ??= tried(password);
  if (key === undefined) return undefined;
  return { byPassword, decrypt: decryptWith(key, dictionary, version) };
}

function decryptWith(key: Buffer, dictionary: PdfDictionary, version: number): PdfCipher['decrypt'] {
  const stream = nameOf(dictionary.entries.get('StmF'), 'Identity');
  const methods =
    version < 4
      ? ({ string: 'rc4', stream: 'rc4', file: 'rc4' } as const)
      : {
          string: methodOf(dictionary, 'StrF', 'Identity'),
          stream: methodOf(dictionary, 'StmF', 'Identity'),
          file: methodOf(dictionary, 'EFF', stream),
        };
  return (what, bytes, object, generation) => {
    const method = methods[what];
    if (method === 'none' || bytes.length === 0) return bytes;
    if (method === 'aes-256') return key.length === 32 ? aesCbc(key, bytes) : bytes;
    const salt = Buffer.from([object, object >> 8, object >> 16, generation, generation >> 8]);
    const pieces = method === 'aes' ? [key, salt, Buffer.from('sAlT')] : [key, salt];
    const objectKey = md5(...pieces).subarray(0, Math.min(16, key.length + 5));
    if (method === 'rc4') return rc4(objectKey, bytes);
    return objectKey.length === 16 ? aesCbc(objectKey, bytes) : bytes;
  };
}
