// The WordDocument stream of Word 97 to 2003 (MS-DOC §2.5.1): encryption, and fields that start programs.
import { utf16Text } from '../../utf16.ts';

const wordSignature = 0xa5ec;
/** fEncrypted (§2.5.2); with fObfuscated it is XOR obfuscation, which hides the text as well. */
const encryptedFlag = 0x0100;
/** Begins a field (§2.8.25). */
const fieldBegin = 0x13;
/** A field's code begins with some blanks at most. */
const fieldProbeBytes = 64;
const ddeField = /^DDE(?:AUTO)?[\s"]/i;

export function isEncryptedWord(stream: Buffer): boolean {
  return (
    stream.length >= 12 &&
    stream.readUInt16LE(0) === wordSignature &&
    (stream.readUInt16LE(10) & encryptedFlag) !== 0
  );
}

/** Whether there is a DDE or DDEAUTO field, in text of either width. */
export function hasDdeField(stream: Buffer): boolean {
  for (let at = stream.indexOf(fieldBegin); at !== -1; at = stream.indexOf(fieldBegin, at + 1))
    if (isDdeAt(stream, at + 1, 1) || (stream[at + 1] === 0 && isDdeAt(stream, at + 2, 2))) return true;
  return false;
}

/** Whether there are only blanks between `from` and the name of a DDE field. */
function isDdeAt(stream: Buffer, from: number, width: 1 | 2): boolean {
  let at = from;
  while (at - from < fieldProbeBytes && stream[at] === 0x20) at += width;
  if (((stream[at] ?? 0) | 0x20) !== 0x64) return false;
  return ddeField.test(width === 1 ? stream.toString('latin1', at, at + 10) : utf16Text(stream, at, at + 20));
}
