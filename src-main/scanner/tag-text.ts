// The words that mark a message: what stands before its subject and what names the detections, as they may stand in a
// header field.

/** What stands for the name of the detection in the text before a subject. */
const namePlaceholder = '%DETECTIONNAME%';

/** Characters of a name: those of real engines stay below. */
const nameCharacters = 100;

/** Characters of the text before a subject: more leaves no room for the subject on any screen. */
const textCharacters = 200;

/** RFC 2047 §2 has 75 for a word and 76 for its line, on which `Subject: ` stands too. */
const encodedWordCharacters = 66;

/** RFC 2047 §2: characters of a line with an encoded word. */
const encodedLineCharacters = 76;

/** RFC 5322 §2.1.1: 998 octets, less the blanks that make up for what a fill field is too long for. */
const lineCharacters = 998 - 20;

/** A text as it stands in a field, whose lines may need to be shorter than others. */
interface FieldText {
  readonly text: string;
  readonly isEncoded: boolean;
}

/** The name of a detection in characters that mean nothing to any header. */
export function headerName(name: string): string {
  return name.replace(/[^A-Za-z0-9._:/-]+/g, '.').slice(0, nameCharacters);
}

/** `text` with the name in it, without controls, line ends and halves of characters; empty when nothing is left. */
export function subjectText(text: string, detectionName: string): string {
  const named = text.replaceAll(namePlaceholder, () => headerName(detectionName));
  const tidy = named.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  // By characters: half of one is none.
  return [...tidy].slice(0, textCharacters).join('').trim();
}

/** RFC 2047 §5: whole characters in each word. */
function encodedWords(text: string): string[] {
  const before = '=?UTF-8?B?';
  const wordBytes = Math.floor((encodedWordCharacters - before.length - 2) / 4) * 3;
  const words: string[] = [];
  let word = '';
  for (const character of [...text, '']) {
    if (character !== '' && Buffer.byteLength(word + character) <= wordBytes) word += character;
    else {
      words.push(`${before}${Buffer.from(word).toString('base64')}?=`);
      word = character;
    }
  }
  return words;
}

/**
 * `text` as it may stand in a field of unstructured text (RFC 5322 §2.2.1).
 * @param next what follows in the field: blanks between two encoded words are not shown (RFC 2047 §6.2)
 */
function fieldText(text: string, next: string, lineEnd: string): FieldText {
  if (/^[ -~]*$/.test(text) && !text.includes('=?')) return { text, isEncoded: false };
  const words = encodedWords(next.trimStart().startsWith('=?') ? `${text} ` : text);
  return { text: words.join(`${lineEnd} `), isEncoded: true };
}

/** A subject field with `text` before its value, which stays as it was. `field`: with its line ends. */
export function markSubject(field: string, text: string, lineEnd: string): string {
  const colon = field.indexOf(':');
  const name = field.slice(0, colon);
  const value = field.slice(colon + 1);
  const mark = fieldText(text, value, lineEnd);
  const rest = /^[ \t\r\n]/.test(value) ? value : ` ${value}`;
  const marked = `${name}: ${mark.text}`;
  const firstLine = rest.slice(0, rest.indexOf(lineEnd));
  const lineLength = marked.length - (marked.lastIndexOf('\n') + 1) + firstLine.length;
  const isTooLong = lineLength > (mark.isEncoded ? encodedLineCharacters : lineCharacters);
  // A line of nothing but blanks would end the header for some.
  return isTooLong && firstLine.trim() !== '' ? `${marked}${lineEnd}${rest}` : `${marked}${rest}`;
}
