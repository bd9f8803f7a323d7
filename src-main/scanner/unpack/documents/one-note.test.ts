import { describe, expect, it } from 'vitest';
import { contextOf } from '../contents.fixture.ts';
import { int32 } from './office.fixture.ts';
import { isOneNote, unpackOneNote } from './one-note.ts';

const section = Buffer.from('e4525c7b8cd8a74daeb15378d02996d3', 'hex');
const fileHeader = Buffer.from('e716e3bd65261145a4c48d4d0b7a9eac', 'hex');
const fileFooter = Buffer.from('22a7fb71790f0b4abb13899256426b24', 'hex');
const id = { text: '{01020304-0506-0708-090A-0B0C0D0E0F10}', octets: '0403020106050807090a0b0c0d0e0f10' };

function fileOf(content: string, declared = content.length): Buffer {
  return Buffer.concat([
    fileHeader,
    int32(declared),
    Buffer.alloc(16),
    Buffer.from(content),
    Buffer.alloc(5),
    fileFooter,
  ]);
}

function named(extension: string): Buffer {
  const reference = Buffer.from(`<ifndf>${id.text}`, 'utf16le');
  return Buffer.concat([reference, int32(extension.length), Buffer.from(extension, 'utf16le')]);
}

/** A node that names the file at `place`: four octets each for it and for its size. */
function node(place: number): Buffer {
  return Buffer.concat([int32(0x94 | (1 << 23)), int32(place), int32(99), Buffer.from(id.octets, 'hex')]);
}

const found = (bytes: Buffer) =>
  [...unpackOneNote(bytes, contextOf())].map((each) => {
    if (each.kind === 'limit') return each.code;
    return each.kind === 'trait' ? `[${each.trait}]` : `${each.name}=${each.bytes.toString('latin1')}`;
  });

describe('OneNote', () => {
  it('is known by its first octets', () => {
    expect(isOneNote(section)).toBe(true);
    expect(isOneNote(section.subarray(0, 15))).toBe(false);
    expect(isOneNote(Buffer.alloc(40))).toBe(false);
  });

  it('gives every file', () => {
    const bytes = Buffer.concat([
      section,
      Buffer.alloc(99),
      fileOf('MZ one'),
      Buffer.alloc(7),
      fileOf('two'),
    ]);
    expect(found(bytes)).toEqual(['[one-note-file]', 'file-1=MZ one', '[one-note-file]', 'file-2=two']);
  });

  it('says nothing without files', () => {
    expect(found(Buffer.concat([section, Buffer.alloc(2_000)]))).toEqual([]);
  });

  it('knows by which extension a file is opened', () => {
    const before = Buffer.concat([section, named('.hta')]);
    const place = before.length + 28;
    const bytes = Buffer.concat([before, node(place), fileOf('<script>')]);
    expect(found(bytes)).toContain('file-1.hta=<script>');
  });

  it('gives what is there where a length lies', () => {
    const bytes = Buffer.concat([section, fileOf('echo off', 0xfffffff0)]);
    expect(found(bytes)).toEqual(['[one-note-file]', 'file-1=echo off\0\0\0\0\0', 'damaged-archive']);
  });

  it('says that a file is cut off', () => {
    expect(found(Buffer.concat([section, fileHeader, Buffer.alloc(4)]))).toEqual(['damaged-archive']);
  });
});
