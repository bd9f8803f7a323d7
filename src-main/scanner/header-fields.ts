// Reads the header block of a message strictly: a block that mail programs could read in two ways is none at all, so
// that nothing is ever rewritten on a guess. For the tolerant reading see mime/walker.ts.

/** One field with its folded lines and its line ends, as it stands: ASCII, so a character is an octet. */
export interface Field {
  /** In lower case. */
  readonly name: string;
  readonly text: string;
}

export interface FieldBlock {
  readonly fields: readonly Field[];
  /** The one that the whole block uses. */
  readonly lineEnd: string;
  /** Octets of the block with the empty line that ends it. */
  readonly sizeBytes: number;
}

/** RFC 5322 §3.6.8, with the blanks before the colon of §4.5; the walker follows names of this length. */
const fieldStart = /^([!-9;-~]{1,76})[ \t]*:/;

/** Everything else in a header is either wrong or, above ASCII, in a charset that nobody names. */
const plainLine = /^[\t -~]*$/;

/**
 * The fields of the block at the beginning of `message`, in order.
 * @returns undefined unless all of its lines are fields in plain ASCII with one kind of line end, and the empty line
 * comes within `maxBytes`
 */
export function readFields(message: Buffer, maxBytes: number): FieldBlock | undefined {
  const head = message.toString('latin1', 0, Math.min(message.length, maxBytes));
  const lineEnd = /^[^\r\n]*(\r?\n)/.exec(head)?.[1];
  if (lineEnd === undefined) return undefined;
  const lastLineEnd = head.indexOf(lineEnd + lineEnd);
  if (lastLineEnd === -1) return undefined;
  const fields: { name: string; text: string }[] = [];
  for (const line of head.slice(0, lastLineEnd).split(lineEnd)) {
    if (!plainLine.test(line)) return undefined;
    const name = fieldStart.exec(line)?.[1];
    const last = fields.at(-1);
    if (name !== undefined) fields.push({ name: name.toLowerCase(), text: line + lineEnd });
    // Some mail programs end the header at a line of blanks.
    else if (last && /^[ \t]+[!-~]/.test(line)) last.text += line + lineEnd;
    else return undefined;
  }
  return { fields, lineEnd, sizeBytes: lastLineEnd + 2 * lineEnd.length };
}
