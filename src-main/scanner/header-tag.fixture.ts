// Marks messages for the tests of it, and reads what came out of it in a way of its own.
import { type Tagging, tagHeader } from './header-tag.ts';
import { testInspector } from './inspector.fixture.ts';
import { neutralise } from './neutralise.ts';
import { type Inspector, inspect } from './pipeline.ts';

const inspector = testInspector();

export const tagging: Tagging = { subject: '[detection %DETECTIONNAME%]', header: true };

/** A message in both forms. */
export interface Forms {
  readonly harmless: Buffer;
  readonly tagged: Buffer;
  readonly tags: number;
}

/**
 * @param change of the tools for the marks; the clock of the default ones stands still
 * @param treat whether the message is made harmless
 */
export function formsOf(
  original: Buffer,
  asked: Tagging = tagging,
  change: Partial<Inspector> = {},
  treat = true,
): Forms {
  const tools = { ...inspector, ...change };
  const found = inspect(original, inspector, 1);
  const overwrites = treat ? neutralise(original, found, inspector, 1) : [];
  const tags = tagHeader(original, { found, overwrites }, asked, tools, 1);
  const harmless = Buffer.from(original);
  for (const { offset, bytes } of overwrites) harmless.set(bytes, offset);
  const tagged = Buffer.from(harmless);
  for (const { offset, bytes } of tags) tagged.set(bytes, offset);
  return { harmless, tagged, tags: tags.length };
}

/** The fields of a header, folded lines and all, without the empty line. */
export function fieldsOf(message: Buffer): string[] {
  const text = message.toString('latin1');
  const header = text.slice(0, text.search(/(?<=\n)\r?\n/));
  return header.match(/^[^ \t].*(?:\r?\n[ \t].*)*\r?\n/gm) ?? [];
}

export function bodyOf(message: Buffer): Buffer {
  return message.subarray(message.toString('latin1').search(/(?<=\n)\r?\n/));
}
