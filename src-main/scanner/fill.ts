// Fills stretches of a message with a notice without changing its size: each CR and LF stays where it is, and the text
// reads as a notice in the encoding in which a mail program will decode it.
import type { Encoding } from './mime/regions.ts';

const cr = 0x0d;
const lf = 0x0a;
const equalsSign = 0x3d;
const blank = 0x20;
const tab = 0x09;
const hexDigits = Buffer.from('0123456789ABCDEF', 'latin1');

/** Fill where a blank at the end of a line would mean something: quoted-printable, yEnc, header fields. */
const visibleFill = 0x5f;

/** A stretch to be filled, as octets [start, end). */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** "[Removed by Postern: NAME]" in ASCII that means nothing to any encoding. */
export function noticeFor(name: string): Buffer {
  return Buffer.from(`[Removed by Postern: ${name.replace(/[^A-Za-z0-9.]+/g, '.').slice(0, 100)}]`, 'latin1');
}

function isLineEnd(octet: number | undefined): boolean {
  return octet === cr || octet === lf;
}

function isBlank(octet: number | undefined): boolean {
  return octet === blank || octet === tab;
}

function isHexDigit(octet: number | undefined): boolean {
  return octet !== undefined && hexDigits.includes(octet & (octet > 0x40 ? 0xdf : 0xff));
}

/** Replaces all octets of the stretches but CR and LF (and those that `keep` names) by `text`, then `fill`. */
function fillWith(
  message: Buffer,
  stretches: readonly Stretch[],
  text: Buffer,
  fill: number,
  keep?: (octet: number) => boolean,
): void {
  let used = 0;
  for (const { start, end } of stretches) {
    for (let at = start; at < end; at++) {
      const octet = message[at] ?? 0;
      if (isLineEnd(octet) || keep?.(octet) === true) continue;
      message[at] = text[used++] ?? fill;
    }
  }
}

/** Padding and blanks stay where they are, so that the decoded size stays too. */
function fillBase64(message: Buffer, stretches: readonly Stretch[], notice: Buffer): void {
  const isKept = (octet: number) => octet === equalsSign || isBlank(octet);
  let characters = 0;
  for (const { start, end } of stretches) {
    for (let at = start; at < end; at++) {
      const octet = message[at] ?? 0;
      if (!isLineEnd(octet) && !isKept(octet)) characters++;
    }
  }
  const text = Buffer.alloc(Math.floor((characters * 3) / 4), blank);
  notice.copy(text);
  // One character can be left over where the original was no whole group.
  fillWith(
    message,
    stretches,
    Buffer.from(text.toString('base64').replaceAll('=', ''), 'latin1'),
    0x41,
    isKept,
  );
}

/** Fills octets [at, end) of a line without its line end and the blanks before that; answers with the octets used. */
function fillQuotedLine(message: Buffer, start: number, end: number, text: Buffer): number {
  let used = 0;
  for (let at = start; at < end; at++) {
    const isEquals = message[at] === equalsSign;
    // A soft break.
    if (isEquals && at === end - 1) break;
    const octet = text[used++] ?? visibleFill;
    if (isEquals && at + 2 < end && isHexDigit(message[at + 1]) && isHexDigit(message[at + 2])) {
      message[++at] = hexDigits[octet >> 4] ?? visibleFill;
      message[++at] = hexDigits[octet & 0x0f] ?? visibleFill;
    } else {
      message[at] = octet === blank && at === end - 1 ? visibleFill : octet;
    }
  }
  return used;
}

/**
 * Escapes stay escapes, soft breaks stay, and so do blanks at the ends of lines, which do not count (RFC 2045 §6.7
 * rule 3), so that the decoded size stays.
 */
function fillQuotedPrintable(message: Buffer, stretches: readonly Stretch[], notice: Buffer): void {
  let used = 0;
  for (const { start, end } of stretches) {
    for (let at = start; at < end; ) {
      let lineEnd = at;
      while (lineEnd < end && !isLineEnd(message[lineEnd])) lineEnd++;
      let textEnd = lineEnd;
      while (textEnd > at && isBlank(message[textEnd - 1])) textEnd--;
      used += fillQuotedLine(message, at, textEnd, notice.subarray(used));
      at = lineEnd + 1;
    }
  }
}

/** Each line keeps its count, so that the decoded size stays; '`' stands for zero bits, as a blank could be trimmed. */
function fillUuencode(message: Buffer, stretches: readonly Stretch[], notice: Buffer): void {
  let used = 0;
  const nextSextets = (): number[] => {
    const octets = [0, 1, 2].map((i) => notice[used + i] ?? blank);
    used += 3;
    const bits = ((octets[0] ?? 0) << 16) | ((octets[1] ?? 0) << 8) | (octets[2] ?? 0);
    return [18, 12, 6, 0]
      .map((shift) => ((bits >> shift) & 0x3f) + 0x20)
      .map((c) => (c === blank ? 0x60 : c));
  };
  for (const { start, end } of stretches) {
    let group: number[] = [];
    let isFirst = true;
    for (let at = start; at < end; at++) {
      if (isLineEnd(message[at])) {
        isFirst = true;
        group = [];
      } else if (isFirst) {
        isFirst = false;
      } else {
        if (group.length === 0) group = nextSextets();
        message[at] = group.shift() ?? blank;
      }
    }
  }
}

/** Overwrites stretches of `message` in place, as content in `encoding`. */
export function fillContent(
  message: Buffer,
  stretches: readonly Stretch[],
  encoding: Encoding,
  notice: Buffer,
): void {
  switch (encoding) {
    case 'base64':
      fillBase64(message, stretches, notice);
      return;
    case 'uuencode':
      fillUuencode(message, stretches, notice);
      return;
    case 'quoted-printable':
      fillQuotedPrintable(message, stretches, notice);
      return;
    case 'yenc':
      // An escape stands for one octet with the one behind it.
      fillWith(message, stretches, notice, visibleFill, (octet) => octet === equalsSign);
      return;
    case 'utf-7':
    case 'utf-16':
    case 'identity':
      fillWith(message, stretches, notice, blank);
      return;
  }
}

/** Overwrites the values of all header fields with a line in `stretch`, in place; names and folding stay. */
export function fillFields(message: Buffer, { start, end }: Stretch, notice: Buffer): void {
  let at = start;
  while (at > 0 && !isLineEnd(message[at - 1])) at--;
  while (at < end) {
    let lineEnd = at;
    while (lineEnd < message.length && !isLineEnd(message[lineEnd])) lineEnd++;
    const isFolded = isBlank(message[at]);
    const colon = message.subarray(at, lineEnd).indexOf(0x3a);
    let from = isFolded || colon === -1 ? at : at + colon + 1;
    while (from < lineEnd && isBlank(message[from])) from++;
    fillWith(message, [{ start: from, end: lineEnd }], notice, visibleFill);
    at = lineEnd;
    while (at < message.length && isLineEnd(message[at])) at++;
  }
}

/** Overwrites everything but line ends: nothing of the original is left. */
export function fillAll(message: Buffer, stretch: Stretch, notice: Buffer): void {
  fillWith(message, [stretch], notice, visibleFill);
}
