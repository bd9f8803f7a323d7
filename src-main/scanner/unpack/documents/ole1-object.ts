// Objects of OLE 1 (MS-OLEDS §2.2): a class, and native data or the name of a file.

/** Octets of a class, a topic or an item. */
const maxTextBytes = 4096;
const linkedFormat = 1;
const embeddedFormat = 2;

export type Ole1Object =
  | { readonly kind: 'embedded'; readonly className: string; readonly data: Buffer }
  | { readonly kind: 'linked'; readonly className: string; readonly target: string };

/** §2.1.4: a length, then so many octets with a NUL at the end. */
function textAt(bytes: Buffer, at: number): { text: string; end: number } | undefined {
  if (at + 4 > bytes.length) return undefined;
  const length = bytes.readUInt32LE(at);
  if (length > maxTextBytes || at + 4 + length > bytes.length) return undefined;
  const text = bytes.toString('latin1', at + 4, at + 4 + length).split('\0', 1)[0] ?? '';
  return { text, end: at + 4 + length };
}

/** undefined: it is none. What is cut off at the end does not matter, nor which version it says. */
export function readOle1(bytes: Buffer): Ole1Object | undefined {
  if (bytes.length < 12) return undefined;
  const format = bytes.readUInt32LE(4);
  const name = textAt(bytes, 8);
  const topic = name && textAt(bytes, name.end);
  const item = topic && textAt(bytes, topic.end);
  if (!name || !item || (format !== linkedFormat && format !== embeddedFormat)) return undefined;
  if (format === linkedFormat) return { kind: 'linked', className: name.text, target: topic.text };
  if (item.end + 4 > bytes.length) return undefined;
  const size = bytes.readUInt32LE(item.end);
  const from = item.end + 4;
  return { kind: 'embedded', className: name.text, data: bytes.subarray(from, from + size) };
}
