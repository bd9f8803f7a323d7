// Marks an infected message in its own header: a text before the subject, and a field that names what was found. The
// octets for it come from fields that people don't read, so that the header keeps its size and the body its place.
import { isDeepStrictEqual } from 'node:util';
import type { Detection } from '../contract/verdict.ts';
import { isHarmful } from './findings.ts';
import { type Field, type FieldBlock, readFields } from './header-fields.ts';
import { walk } from './mime/walker.ts';
import { differences, isEverywhere, isHarmless, type Overwrite } from './neutralise.ts';
import { type Inspection, type Inspector, inspect } from './pipeline.ts';
import { headerName, markSubject, subjectText } from './tag-text.ts';

/** How infected messages are marked. */
export interface Tagging {
  /** Put before the subject; `%DETECTIONNAME%` stands for what was found. Absent: the subject stays. */
  readonly subject?: string;
  /** Whether an `X-Postern-Detection` field is added. */
  readonly header: boolean;
}

/** The marks themselves, each as it stands in the header. */
interface Marks {
  readonly subject: string | undefined;
  readonly detection: string | undefined;
}

/** Names in the field: more of them say nothing new, and would not fit on a line. */
const maxNames = 8;

/** Octets on a line of the fill. */
const fillLineBytes = 60;

const fillStart = 'X-Postern-Fill: ';

/** Fields of other programs that a mail program works with. */
const kept = /^x-(?:postern-.*|priority|mailer|gm-.*|mozilla-.*|uidl|tuid)$/;

/** Who pays, in this order; what a junk filter may look at comes behind its like. */
const payers: readonly RegExp[] = [
  /^dkim-signature$/,
  /^arc-(?:seal|message-signature|authentication-results)$/,
  /^x-(?!spam-)/,
  /^x-spam-/,
];

/** Words that the walker reads in any field: without them the message could be read differently. */
const structural = /boundary|base64|quoted-printable|(?:message|multipart)\s*\/|[;\s](?:file)?name/i;

/** The fields that can pay, the first to go first. */
function payersOf(fields: readonly Field[]): Field[] {
  const free = fields.filter(({ name, text }) => !kept.test(name) && !structural.test(text));
  const newest = fields.find(({ name }) => name === 'received');
  const received = free.filter((field) => field.name === 'received' && field !== newest);
  return [
    ...payers.flatMap((payer) => free.filter(({ name }) => payer.test(name))),
    // The oldest is the last (RFC 5321 §4.4).
    ...received.reverse(),
  ];
}

function sizeOf(fields: readonly Field[]): number {
  return fields.reduce((sum, { text }) => sum + text.length, 0);
}

/** A field of exactly `sizeBytes` that says nothing; undefined when it can't be so small. */
function fillField(sizeBytes: number, lineEnd: string): Field | undefined {
  let left = sizeBytes - fillStart.length - lineEnd.length;
  if (left < 1) return undefined;
  const fold = `${lineEnd} `;
  let text = fillStart;
  while (left > fillLineBytes) {
    // A line of nothing but blanks would end the header for some: one octet is left for the next.
    const taken = Math.min(fillLineBytes, left - fold.length - 1);
    text += `${'_'.repeat(taken)}${fold}`;
    left -= taken + fold.length;
  }
  return { name: 'x-postern-fill', text: `${text}${'_'.repeat(left)}${lineEnd}` };
}

/** A field with more blanks before its value. */
function widened(text: string, blanks: number): string {
  return text.replace(':', `:${' '.repeat(blanks)}`);
}

/** The block with `marks` in it, in as many octets; undefined when it has no room for them. */
function marked({ fields, lineEnd }: FieldBlock, marks: Marks): string | undefined {
  const { subject, detection } = marks;
  const added: Field[] = [];
  if (subject !== undefined && !fields.some(({ name }) => name === 'subject'))
    added.push({ name: 'subject', text: markSubject(`Subject:${lineEnd}`, subject, lineEnd) });
  if (detection !== undefined)
    added.push({ name: 'x-postern-detection', text: `X-Postern-Detection: ${detection}${lineEnd}` });
  // Mail programs differ in which of several subjects they show.
  const changed = new Map(
    subject === undefined
      ? []
      : fields
          .filter(({ name }) => name === 'subject')
          .map((field) => [field, { ...field, text: markSubject(field.text, subject, lineEnd) }] as const),
  );
  const needed = sizeOf(added) + sizeOf([...changed.values()]) - sizeOf([...changed.keys()]);
  const paying = new Set<Field>();
  let paid = 0;
  for (const payer of payersOf(fields)) {
    if (paid >= needed) break;
    paying.add(payer);
    paid += payer.text.length;
  }
  if (paid < needed) return undefined;
  const rest = paid - needed;
  const fill = fillField(rest, lineEnd);
  // Too few for a field: blanks before a value mean nothing (RFC 5322 §2.2).
  const wide = fill ? undefined : (added.at(-1) ?? [...changed.values()][0]);
  if (fill) added.push(fill);
  const firstPaying = fields.find((field) => paying.has(field));
  const all = fields.flatMap((field) => {
    if (field === firstPaying) return added;
    return paying.has(field) ? [] : [changed.get(field) ?? field];
  });
  const texts = all.map((field) => (field === wide ? widened(field.text, rest) : field.text));
  return `${texts.join('')}${lineEnd}`;
}

/** The marks to try, the best first. */
function marksFor(tagging: Tagging, detections: readonly Detection[]): Marks[] {
  const names = [...new Set(detections.filter(isHarmful).map(({ name }) => name))];
  const text = subjectText(tagging.subject ?? '', names[0] ?? '');
  const subject = text === '' ? undefined : text;
  const detection = tagging.header ? names.slice(0, maxNames).map(headerName).join(', ') : undefined;
  const tries = [
    { subject, detection },
    { subject, detection: undefined },
    { subject: undefined, detection },
  ];
  return tries.filter((marks) => marks.subject !== undefined || marks.detection !== undefined);
}

/** What was done to a message before it is marked. */
export interface Treated {
  readonly found: Inspection;
  /** None where it stays as it is. */
  readonly overwrites: readonly Overwrite[];
}

/** Nothing is found that was not found before, and the scan that says so saw no less. */
function findsNoMore(now: Inspection, found: Inspection): boolean {
  const isKnown = ({ name, part }: Detection) =>
    found.detections.some((other) => other.name === name && other.part === part);
  return now.detections.every(isKnown) && [...now.limits].every((code) => found.limits.has(code));
}

/**
 * The overwrites that mark an infected message in its header, apart from those that made it harmless. None where the
 * header is not a plain one, has no room, or holds what was found; or where the marked message, scanned once more, is
 * not as harmless and of the same structure as without the marks.
 * @param deadline on the inspector's clock; after it nothing can be proven, so nothing is marked
 */
export function tagHeader(
  original: Buffer,
  { found, overwrites }: Treated,
  tagging: Tagging,
  inspector: Inspector,
  deadline: number,
): Overwrite[] {
  const { limits } = inspector;
  const block = readFields(original, limits.headerBytes);
  if (!block) return [];
  const { sizeBytes } = block;
  const places = [...overwrites, ...found.rawHits.filter((hit) => !isEverywhere(hit, original.length))];
  if (places.some(({ offset }) => offset < sizeBytes)) return [];
  let header: string | undefined;
  for (const marks of marksFor(tagging, found.detections)) header ??= marked(block, marks);
  if (header === undefined) return [];
  const tags = differences(original.subarray(0, sizeBytes), Buffer.from(header, 'latin1'));

  const message = Buffer.from(original);
  for (const { offset, bytes } of overwrites) message.set(bytes, offset);
  const before = walk(message, limits);
  const [first] = before.spans;
  if (first?.kind !== 'header' || first.start !== 0 || first.end !== sizeBytes) return [];
  for (const { offset, bytes } of tags) message.set(bytes, offset);
  const now = inspect(message, inspector, deadline);
  const isProven = overwrites.length > 0 ? isHarmless(now, found) : findsNoMore(now, found);
  return isProven && isDeepStrictEqual(before, now.walk) ? tags : [];
}
