// All names that mail programs could give to a part, the likeliest first: the worst of them is what counts.
import { judgedName } from '../names.ts';
import { decodeWords } from './encoded-words.ts';
import { headerTexts, parameterPattern, parameterTexts } from './parameters.ts';

/** Readings of the names of one part. */
const maxNames = 8;

const fileName = parameterPattern('filename');
/** Not the end of another parameter's name. */
const plainName = parameterPattern('(?:^|[^a-z])name');

/** Fields that some programs take a name from when there is no other; what is no file name is a text of some kind. */
const otherFields =
  /^content-(?:location|description)[ \t]*:[ \t]*(.{1,1000}(?:\r?\n[ \t].{1,1000}){0,4})/gim;

function otherNames(text: string): string[] {
  return [...text.matchAll(otherFields)].slice(0, maxNames).flatMap(([, value = '']) => {
    return headerTexts(value.replace(/[\r\n]+[ \t]*/g, ' ')).flatMap((each) => {
      const whole = decodeWords(each)
        .trim()
        .replace(/^"(.*)"$/, '$1');
      const name = whole.replace(/[?#].*$/, '').replace(/^.*[\\/]/, '');
      return /^.+\.[A-Za-z0-9]{1,10}$/.test(name) ? [name] : [];
    });
  });
}

/** A name as it reads when its encoded words are decoded, and as it stands. */
function decoded(name: string): string[] {
  return name.includes('=?') ? [decodeWords(name), name] : [name];
}

/**
 * The names in the text of one block: at most 8, without doubles.
 * @param text Latin-1 for octets
 * @param lower the same in lower case
 */
export function namesIn(text: string, lower: string): string[] {
  const files = lower.includes('filename') ? parameterTexts(text, fileName) : [];
  const plain = lower.includes('name') ? parameterTexts(text, plainName) : [];
  const others =
    lower.includes('content-location') || lower.includes('content-description') ? otherNames(text) : [];
  // None of them is left out for the many readings of another.
  const all = [files.slice(0, 3), plain.slice(0, 2), others.slice(0, 1), files, plain, others].flat();
  const names = new Set<string>();
  for (const name of all.flatMap(decoded)) {
    const judged = judgedName(name);
    if (judged !== undefined) names.add(judged);
    if (names.size >= maxNames) break;
  }
  return [...names];
}
