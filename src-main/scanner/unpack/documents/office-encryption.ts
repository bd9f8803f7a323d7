// Encrypted Office documents (MS-OFFCRYPTO §2.3.4.5 standard, §2.3.4.10 agile): opens them with Excel's own password,
// which Office tries by itself, and with words of the message.
import { createDecipheriv, createHash, hash } from 'node:crypto';
import type { UnpackContext } from '../unpacker.ts';

/** Office opens what has this password without asking (MS-XLS §2.4.191). */
const defaultPassword = 'VelvetSweatshop';

/** More rounds for one password than Office ever asks for: it writes 100,000. */
const maxSpin = 1_000_000;
const standardSpin = 50_000;
const segmentBytes = 4096;
const aesBlockBytes = 16;

export type Decrypted =
  | { readonly kind: 'opened'; readonly bytes: Buffer; readonly isDefaultPassword: boolean }
  | { readonly kind: 'closed' };

/** Knows whether a password is right, and decrypts with it. */
interface Scheme {
  readonly spin: number;
  readonly open: (password: string, content: Buffer) => Buffer | undefined;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

function spun(algorithm: string, salt: Buffer, password: string, spin: number): Buffer {
  let digest = hash(algorithm, Buffer.concat([salt, Buffer.from(password, 'utf16le')]), 'buffer');
  const block = Buffer.alloc(4 + digest.length);
  for (let index = 0; index < spin; index++) {
    block.writeUInt32LE(index);
    digest.copy(block, 4);
    digest = hash(algorithm, block, 'buffer');
  }
  return digest;
}

function decipher(mode: 'ecb' | 'cbc', key: Buffer, iv: Buffer | null, bytes: Buffer): Buffer {
  const whole = bytes.subarray(0, bytes.length - (bytes.length % aesBlockBytes));
  const cipher = createDecipheriv(`aes-${key.length * 8}-${mode}`, key, iv).setAutoPadding(false);
  return Buffer.concat([cipher.update(whole), cipher.final()]);
}

const isAesKey = (bytes: number) => bytes === 16 || bytes === 24 || bytes === 32;

/** §2.3.4.5 to §2.3.4.9. */
function standardScheme(info: Buffer): Scheme | undefined {
  if (info.length < 12) return undefined;
  const headerEnd = 12 + info.readUInt32LE(8);
  if (headerEnd + 4 + 16 + 16 + 4 + 32 > info.length || headerEnd < 32) return undefined;
  const keyBytes = info.readUInt32LE(12 + 16) / 8;
  if (!isAesKey(keyBytes)) return undefined;
  const salt = info.subarray(headerEnd + 4, headerEnd + 20);
  const verifier = info.subarray(headerEnd + 20, headerEnd + 36);
  const verifierHash = info.subarray(headerEnd + 40, headerEnd + 72);
  const keyOf = (password: string) => {
    const final = hash(
      'sha1',
      Buffer.concat([spun('sha1', salt, password, standardSpin), int32(0)]),
      'buffer',
    );
    const derived = [0x36, 0x5c].map((fill) => {
      const block = Buffer.alloc(64, fill);
      final.forEach((octet, index) => {
        block[index] = octet ^ fill;
      });
      return hash('sha1', block, 'buffer');
    });
    return Buffer.concat(derived).subarray(0, keyBytes);
  };
  return {
    spin: standardSpin,
    open: (password, content) => {
      const key = keyOf(password);
      const expected = decipher('ecb', key, null, verifierHash).subarray(0, 20);
      if (!hash('sha1', decipher('ecb', key, null, verifier), 'buffer').equals(expected)) return undefined;
      return decipher('ecb', key, null, content);
    },
  };
}

const hashNames = new Map([
  ['SHA1', 'sha1'],
  ['SHA-1', 'sha1'],
  ['SHA256', 'sha256'],
  ['SHA-256', 'sha256'],
  ['SHA384', 'sha384'],
  ['SHA-384', 'sha384'],
  ['SHA512', 'sha512'],
  ['SHA-512', 'sha512'],
]);

/** §2.3.4.11 and §2.3.4.13: what each key is for. */
const blockKeys = {
  verifierInput: Buffer.from('fea7d2763b4b9e79', 'hex'),
  verifierValue: Buffer.from('d7aa0f6d3061344e', 'hex'),
  keyValue: Buffer.from('146e0be7abacd0d6', 'hex'),
};

/** `bytes` cut or filled with 0x36 to a length (§2.3.4.11, §2.3.4.12). */
function fitted(bytes: Buffer, length: number): Buffer {
  const out = Buffer.alloc(length, 0x36);
  bytes.copy(out);
  return out;
}

/** Attributes of the element `name`, whatever its prefix. */
function attributesOf(xml: string, name: string): Map<string, string> {
  const from = xml.search(new RegExp(`<(?:\\w+:)?${name}\\s`));
  const end = xml.indexOf('>', from);
  const attributes = new Map<string, string>();
  if (from === -1 || end === -1) return attributes;
  for (const [, key = '', value = ''] of xml.slice(from, end).matchAll(/([\w:]+)\s*=\s*["']([^"']*)["']/g))
    attributes.set(key, value);
  return attributes;
}

/** §2.3.4.10. */
function agileScheme(info: Buffer): Scheme | undefined {
  const xml = info.toString('latin1', 8, 8 + 64 * 1024);
  const data = attributesOf(xml, 'keyData');
  const key = attributesOf(xml, 'encryptedKey');
  const bytesOf = (from: Map<string, string>, name: string) => Buffer.from(from.get(name) ?? '', 'base64');
  const algorithm = hashNames.get(key.get('hashAlgorithm') ?? '');
  const dataAlgorithm = hashNames.get(data.get('hashAlgorithm') ?? '');
  const keyBytes = Number(key.get('keyBits')) / 8;
  const spin = Number(key.get('spinCount'));
  const isAes = [data, key].every(
    (each) => each.get('cipherAlgorithm') === 'AES' && each.get('cipherChaining') === 'ChainingModeCBC',
  );
  if (!algorithm || !dataAlgorithm || !isAes || !isAesKey(keyBytes) || !(spin >= 0 && spin <= maxSpin))
    return undefined;
  const salt = bytesOf(key, 'saltValue');
  const dataSalt = bytesOf(data, 'saltValue');
  const iv = fitted(salt, aesBlockBytes);
  return {
    spin,
    open: (password, content) => {
      const base = spun(algorithm, salt, password, spin);
      const part = (name: string, block: Buffer) =>
        decipher(
          'cbc',
          fitted(hash(algorithm, Buffer.concat([base, block]), 'buffer'), keyBytes),
          iv,
          bytesOf(key, name),
        );
      const input = part('encryptedVerifierHashInput', blockKeys.verifierInput);
      const value = part('encryptedVerifierHashValue', blockKeys.verifierValue);
      const expected = hash(algorithm, input, 'buffer');
      if (input.length === 0 || !value.subarray(0, expected.length).equals(expected)) return undefined;
      const secret = part('encryptedKeyValue', blockKeys.keyValue).subarray(
        0,
        Number(data.get('keyBits')) / 8,
      );
      return isAesKey(secret.length) ? decryptSegments(secret, dataSalt, dataAlgorithm, content) : undefined;
    },
  };
}

/** §2.3.4.15: pieces of 4,096 octets, each with an initial vector of its own. */
function decryptSegments(key: Buffer, salt: Buffer, algorithm: string, content: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < content.length; at += segmentBytes) {
    const digest = createHash(algorithm)
      .update(salt)
      .update(int32(at / segmentBytes))
      .digest();
    const iv = fitted(digest, aesBlockBytes);
    pieces.push(decipher('cbc', key, iv, content.subarray(at, at + segmentBytes)));
  }
  return Buffer.concat(pieces);
}

/**
 * Opens an encrypted package with one of the message's words, or with Office's own password, as far as the budget has
 * hashes for them.
 * @param info the stream EncryptionInfo
 * @param content the stream EncryptedPackage: a size of eight octets, then what is encrypted
 */
export function decryptPackage(
  info: Buffer,
  content: Buffer,
  { passwords, budget }: Pick<UnpackContext, 'passwords' | 'budget'>,
): Decrypted {
  if (info.length < 8 || content.length < 8) return { kind: 'closed' };
  const isAgile = info.readUInt16LE(0) === 4 && info.readUInt16LE(2) === 4;
  const scheme = isAgile ? agileScheme(info) : standardScheme(info);
  if (!scheme) return { kind: 'closed' };
  const size = content.readUInt32LE(0);
  for (const list of [() => [defaultPassword], passwords])
    for (const password of list()) {
      if (!budget.takeHashes(scheme.spin + 1)) return { kind: 'closed' };
      const opened = scheme.open(password, content.subarray(8));
      if (opened)
        return { kind: 'opened', bytes: opened.subarray(0, size), isDefaultPassword: list !== passwords };
    }
  return { kind: 'closed' };
}
