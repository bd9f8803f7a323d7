import { describe, expect, it } from 'vitest';
import { contextOf } from '../contents.fixture.ts';
import { compoundFile } from './compound-file.fixture.ts';
import { decryptPackage as decrypt } from './office-encryption.ts';
import { unpackOle } from './ole.ts';

const decryptPackage = (
  info: Buffer,
  content: Buffer,
  passwords: () => readonly string[],
  { budget } = contextOf(),
) => decrypt(info, content, { budget, passwords });

const inside = 'PK\x03\x04 what was inside';

// Both were written by an independent program.
const agileXml = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<encryption xmlns="http://schemas.microsoft.com/office/2006/encryption" xmlns:p="http://schemas.microsoft.com/office/2006/keyEncryptor/password">
<keyData saltSize="16" blockSize="16" keyBits="256" hashSize="64" cipherAlgorithm="AES" cipherChaining="ChainingModeCBC" hashAlgorithm="SHA512" saltValue="mZWkPlk3b1y2UA/VXNmqjA=="/>
<keyEncryptors><keyEncryptor uri="http://schemas.microsoft.com/office/2006/keyEncryptor/password">
<p:encryptedKey spinCount="100000" saltSize="16" blockSize="16" keyBits="256" hashSize="64" cipherAlgorithm="AES" cipherChaining="ChainingModeCBC" hashAlgorithm="SHA512" saltValue="NJ9LMJnaW6Q9OeRuNrhrZA==" encryptedVerifierHashInput="LzwG50jcQ3jaoJ0x5vWqbA==" encryptedVerifierHashValue="5zq5lzRy5eLypJxqzF7yQi9Yz+uMPgqqvNvCEtcVz/d9WywI0qL/nKIa8rR6Ugp5+PETy0ED6uV0ZJgE+MPU/g==" encryptedKeyValue="mSjglI0BLYft6wzs+SeXmlfXuPMV/7r5ERHACrzITMM="/>
</keyEncryptor></keyEncryptors></encryption>`;
const agileInfo = (xml = agileXml) =>
  Buffer.concat([Buffer.from('0400040040000000', 'hex'), Buffer.from(xml)]);
const agileContent = Buffer.from('FAAAAAAAAAA5MOkJ2rnHprOTcPKXEF6vX1wHYEbo/lMJwJjMzZXIpw==', 'base64');
const standardInfo = Buffer.from(
  'BAACACQAAACMAAAAJAAAAAAAAAAOZgAABIAAAIAAAAAYAAAAAAAAAAAAAABNAGkAYwByAG8AcwBvAGYAdAAgAEUAbgBoAGEAbgBjAGUAZAAg' +
    'AFIAUwBBACAAYQBuAGQAIABBAEUAUwAgAEMAcgB5AHAAdABvAGcAcgBhAHAAaABpAGMAIABQAHIAbwB2AGkAZABlAHIAIAAQAAAAkiuTG8e1' +
    'zBqPAlZkATuf26N22bm5tgMXYXlfGccssacUAAAAHpYbWsmLQ1ObGFZBdBSapYAp4a+aDElfvOEdszAZuOw=',
  'base64',
);
const standardContent = Buffer.from('FAAAAAAAAABNx78Vo+VJUJL5QpZh40OhLCnJIUxl6jRIoOZBWAQMeQ==', 'base64');

describe('decryptPackage', () => {
  it('opens with a word of the message (agile)', () => {
    expect(decryptPackage(agileInfo(), agileContent, () => ['word', '1234'])).toEqual({
      kind: 'opened',
      bytes: Buffer.from(inside, 'latin1'),
      isDefaultPassword: false,
    });
  });

  it("opens with Office's own password (standard)", () => {
    expect(decryptPackage(standardInfo, standardContent, () => [])).toEqual({
      kind: 'opened',
      bytes: Buffer.from(inside, 'latin1'),
      isDefaultPassword: true,
    });
  });

  it('stays closed when no password is right', () => {
    const quick = agileInfo(agileXml.replace('100000', '1000'));
    expect(decryptPackage(quick, agileContent, () => ['wrong'])).toEqual({ kind: 'closed' });
  });

  it('asks for no more passwords than it may try', () => {
    const quick = agileInfo(agileXml.replace('100000', '1000'));
    const context = contextOf();
    context.budget.takeHashes(1_997_500);
    const given: string[] = [];
    const passwords = new Proxy(
      Array.from({ length: 9 }, (_, index) => `word ${index}`),
      {
        get: (words, key) => {
          if (typeof key === 'string' && /^\d/.test(key)) given.push(key);
          return Reflect.get(words, key);
        },
      },
    );
    expect(decryptPackage(quick, agileContent, () => passwords, context)).toEqual({ kind: 'closed' });
    // Two million hashes in all: two passwords here, of which Office's own is the first; the third is only looked at.
    expect(given).toEqual(['0', '1']);
  });

  it.each([
    ['millions of rounds', agileXml.replace('100000', '900000000')],
    ['no number of rounds', agileXml.replace('100000', 'x')],
    ['an unknown cipher', agileXml.replaceAll('AES', 'ROT13')],
    ['an odd key', agileXml.replaceAll('keyBits="256"', 'keyBits="7"')],
    ['no salt', agileXml.replaceAll(/saltValue="[^"]*"/g, '').replace('100000', '1')],
    ['no key', agileXml.replace(/encryptedKeyValue="[^"]*"/, '')],
    ['nothing', ''],
  ])('stays closed with %s', (_, xml) => {
    expect(decryptPackage(agileInfo(xml), agileContent, () => ['1234'])).toEqual({ kind: 'closed' });
  });
});

describe('unpackOle of encrypted documents', () => {
  const streams = (info: Buffer, content: Buffer) => ({ EncryptionInfo: info, EncryptedPackage: content });

  it('gives what was inside, and says that a word opened it', () => {
    const file = compoundFile(streams(agileInfo(), agileContent));
    expect([...unpackOle(file, contextOf({ passwords: ['1234'] }))]).toEqual([
      { kind: 'trait', trait: 'encrypted-document' },
      { kind: 'trait', trait: 'opened-by-password' },
      { kind: 'member', name: 'decrypted.zip', bytes: Buffer.from(inside, 'latin1') },
    ]);
  });

  it('says that it could not look inside', () => {
    const file = compoundFile(streams(agileInfo(agileXml.replace('100000', '1000')), agileContent));
    expect([...unpackOle(file, contextOf())]).toEqual([
      { kind: 'trait', trait: 'encrypted-document' },
      { kind: 'limit', code: 'encrypted' },
    ]);
  });
});
