// RTF (1.9.1): objects and what else is written in it as hexadecimal digits, fields, and a template elsewhere. Read as
// Word reads it, which takes nearly anything.
import type { UnpackBudget } from '../budget.ts';
import type { UnpackContext, Unpacked } from '../unpacker.ts';
import { beginsLikeFile, memberOf, programsIn } from './members.ts';
import { isEquationName, isRemote } from './object-classes.ts';
import { readPackage, unpackPackage } from './ole-package.ts';
import { readOle1 } from './ole1-object.ts';
import { type RtfPiece, readRtf } from './rtf-reader.ts';

/** Octets before "{\rt" that Word skips: a byte order mark, blanks. */
const maxLeadingBytes = 64;

export function isRtf(bytes: Buffer): boolean {
  let at = bytes[0] === 0xef && bytes[1] === 0xbb ? 3 : 0;
  while (at < maxLeadingBytes && at < bytes.length && (bytes[at] ?? 0) <= 0x20) at++;
  return bytes[at] === 0x7b && bytes.toString('latin1', at + 1, at + 4) === '\\rt';
}

export function* unpackRtf(bytes: Buffer, { budget }: UnpackContext): Generator<Unpacked> {
  for (const piece of readRtf(bytes)) yield* pieceOf(piece, budget);
}

function* pieceOf(piece: RtfPiece, budget: UnpackBudget): Generator<Unpacked> {
  switch (piece.kind) {
    case 'object':
      yield { kind: 'trait', trait: 'rtf-object' };
      if (piece.isHidden) yield { kind: 'trait', trait: 'rtf-hidden-object' };
      for (const reading of piece.readings) yield* objectOf(reading, budget);
      return;
    case 'control':
      yield { kind: 'trait', trait: 'activex-object' };
      return;
    case 'update':
      yield { kind: 'trait', trait: 'rtf-hidden-object' };
      return;
    case 'class':
      if (isEquationName(piece.text)) yield { kind: 'trait', trait: 'equation-object' };
      return;
    case 'field':
      if (/^\s*DDE(?:AUTO)?[\s"]/i.test(piece.text)) yield { kind: 'trait', trait: 'dde-link' };
      return;
    case 'template':
      if (isRemote(piece.text)) yield { kind: 'trait', trait: 'remote-template' };
      return;
    case 'data': {
      // Themes and lists of styles are files too, and pictures are none of ours.
      const object = readOle1(piece.bytes);
      if (object?.kind === 'embedded') yield memberOf(`${piece.name}.ole`, object.data, budget);
      else if (beginsLikeFile(piece.bytes)) yield memberOf(piece.name, piece.bytes, budget);
      for (const program of programsIn(piece.bytes)) yield memberOf(`${piece.name}.program`, program, budget);
      return;
    }
  }
}

const compoundSignature = Buffer.from('d0cf11e0a1b11ae1', 'hex');

/** What `\objdata` holds: an OLE 1 object (MS-OLEDS §2.2), or something that only looks a little like one. */
function* objectOf(data: Buffer, budget: UnpackBudget): Generator<Unpacked> {
  const object = readOle1(data);
  if (object && isEquationName(object.className)) yield { kind: 'trait', trait: 'equation-object' };
  if (object?.kind === 'linked') {
    if (isRemote(object.target)) yield { kind: 'trait', trait: 'remote-object' };
    return;
  }
  // Word finds a compound file wherever the header says that it is; where that lies, by its signature.
  const native = object?.data ?? data;
  const packaged = readPackage(native);
  if (packaged && packaged.bytes.length > 0) {
    yield* unpackPackage(packaged, budget);
    return;
  }
  const compound = native.indexOf(compoundSignature);
  if (compound !== -1) yield memberOf('object.ole', native.subarray(compound), budget);
  else {
    yield memberOf('object', native, budget);
    for (const program of programsIn(native)) yield memberOf('object.program', program, budget);
  }
}
