// Parts of binary workbooks (MS-XLSB §2.1.4): formulas of macro sheets, and names that Excel runs.
import type { Trait } from '../../heuristics/traits.ts';
import { MacroText, readFormula } from './excel-formulas.ts';

/** Each takes two octets at least; a sheet of a million rows has more cells than anybody hides a macro in. */
const maxRecords = 5_000_000;

const beginBook = 131;
const beginSheet = 129;
const externalLink = 360;
/** Its kind (§2.4.187). */
const ddeLink = 1;
const nameRecord = 39;
const autoName = /auto_?(?:open|close|activate|deactivate)/i;
/** Value of each kind of formula's result, before the formula: in octets. */
const valueBytes = new Map([
  [9, 8],
  [10, 1],
  [11, 1],
]);
const textFormula = 8;
/** Column, style. */
const cellBytes = 8;

export interface BinaryPart {
  readonly traits: ReadonlySet<Trait>;
  readonly macroText: string;
}

/** Whether `bytes` begin as a part of a binary workbook: BrtBeginBook, BrtBeginSheet, BrtBeginSupBook. */
export function isBinaryPart(bytes: Buffer): boolean {
  if (bytes.length < 3) return false;
  const second = bytes[1] ?? 0;
  return (
    ((bytes[0] === beginBook || bytes[0] === beginSheet) && second === 1 && bytes[2] === 0) ||
    (bytes[0] === ((externalLink & 0x7f) | 0x80) && second === externalLink >> 7)
  );
}

/** §2.1.4: seven bits an octet; ids have two octets at most, sizes four. */
function numberAt(bytes: Buffer, at: number, most: number): { value: number; end: number } {
  let value = 0;
  for (let index = 0; index < most; index++) {
    const octet = bytes[at + index] ?? 0;
    value |= (octet & 0x7f) << (7 * index);
    if (octet < 0x80) return { value, end: at + index + 1 };
  }
  return { value, end: at + most };
}

function formulaOf(id: number, data: Buffer): Buffer | undefined {
  let at = cellBytes;
  const bytes = valueBytes.get(id);
  if (bytes !== undefined) at += bytes;
  else if (id === textFormula && data.length >= at + 4) at += 4 + 2 * data.readUInt32LE(at);
  else return undefined;
  // grbitFlags, then the formula's size.
  return at + 6 <= data.length ? data.subarray(at + 6, at + 6 + data.readUInt32LE(at + 2)) : undefined;
}

/**
 * Reads the records one after the other.
 * @param isMacroSheet as the place of the part in its package says; functions that only macro sheets have say it too
 */
export function readBinaryPart(bytes: Buffer, isMacroSheet: boolean): BinaryPart {
  const traits = new Set<Trait>();
  const macros = new MacroText();
  const isBook = bytes[0] === beginBook;
  let at = 0;
  for (let count = 0; at < bytes.length && count < maxRecords; count++) {
    const id = numberAt(bytes, at, 2);
    const size = numberAt(bytes, id.end, 4);
    const data = bytes.subarray(size.end, size.end + size.value);
    at = size.end + size.value;
    const tokens = isBook ? undefined : formulaOf(id.value, data);
    if (tokens) macros.add(readFormula(tokens, 'biff12'));
    else if (isBook && id.value === nameRecord) {
      if (autoName.test(data.toString('latin1', 0, 256).replaceAll('\0', ''))) traits.add('xlm-auto-run');
    } else if (id.value === externalLink && data.length >= 2 && data.readUInt16LE(0) === ddeLink)
      traits.add('dde-link');
  }
  if (isMacroSheet || macros.acts) traits.add('xlm-macros');
  if (macros.acts) traits.add('xlm-acting-words');
  return { traits, macroText: traits.has('xlm-macros') ? macros.text : '' };
}
