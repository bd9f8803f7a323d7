// Makes constant expressions of VBA readable: `"She" & Chr(108) & "l"` becomes `"Shell"`, so that words are found that
// were cut up. One pass over the text; comments are left out.

/** Functions within each other. */
const maxNesting = 4;
/** Characters of one constant; longer ones are data. */
const maxConstantCharacters = 16_384;
/** Characters that come out for each that goes in: Replace can multiply. */
const growthFactor = 4;

interface Constant {
  readonly value: string;
  readonly end: number;
}

const blank = /[ \t]*(?:_\r?\n[ \t]*)*/y;
const operator = /[&+]/y;
const stringLiteral = /"([^"\r\n]*(?:""[^"\r\n]*)*)"/y;
const call =
  /(?:vba\s*\.\s*|strings\s*\.\s*)?(chrw?b?|strreverse|replace|lcase|ucase|trim|cstr)\$?[ \t]*\(/iy;
const number = /(?:&h([0-9a-f]{1,6})|(\d{1,7}))&?/iy;
const arithmetic = /[ \t]*([-+*^]|xor\b)[ \t]*/iy;

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function skipBlank(text: string, at: number): number {
  return at + (matchAt(blank, text, at)?.[0].length ?? 0);
}

function numberAt(text: string, at: number): { value: number; end: number } | undefined {
  const match = matchAt(number, text, at);
  if (!match) return undefined;
  const value = match[1] === undefined ? Number(match[2]) : Number.parseInt(match[1], 16);
  return { value, end: at + match[0].length };
}

/** Sums and differences of whole numbers, from left to right. */
function sumAt(text: string, from: number): { value: number; end: number } | undefined {
  let left = numberAt(text, skipBlank(text, from));
  while (left) {
    const sign = matchAt(arithmetic, text, left.end);
    const right = sign && numberAt(text, left.end + sign[0].length);
    if (!sign || !right) break;
    const kind = sign[1]?.toLowerCase();
    let value = left.value;
    if (kind === '+') value += right.value;
    else if (kind === '-') value -= right.value;
    else if (kind === '*') value *= right.value;
    else if (kind === 'xor') value ^= right.value;
    else break;
    left = { value, end: right.end };
  }
  return left;
}

function applied(name: string, values: readonly string[]): string | undefined {
  const [first = '', second = '', third = ''] = values;
  switch (name) {
    case 'strreverse':
      return [...first].reverse().join('');
    case 'replace': {
      if (values.length < 3 || second === '') return undefined;
      const pieces = first.split(second);
      const grown = first.length + (pieces.length - 1) * third.length;
      return grown > maxConstantCharacters ? undefined : pieces.join(third);
    }
    default:
      return first;
  }
}

function callAt(text: string, at: number, nesting: number): Constant | undefined {
  const match = matchAt(call, text, at);
  if (!match || nesting >= maxNesting) return undefined;
  const name = (match[1] ?? '').toLowerCase();
  let end = at + match[0].length;
  if (name.startsWith('chr')) {
    const code = sumAt(text, end);
    end = skipBlank(text, code?.end ?? end);
    if (!code || text[end] !== ')') return undefined;
    return { value: String.fromCharCode(code.value & 0xffff), end: end + 1 };
  }
  const values: string[] = [];
  for (;;) {
    const value = constantAt(text, skipBlank(text, end), nesting + 1);
    if (!value) return undefined;
    values.push(value.value);
    end = skipBlank(text, value.end);
    if (text[end] === ')') break;
    if (text[end] !== ',' || values.length >= 3) return undefined;
    end++;
  }
  const value = applied(name, values);
  return value === undefined ? undefined : { value, end: end + 1 };
}

function operandAt(text: string, at: number, nesting: number): Constant | undefined {
  const literal = matchAt(stringLiteral, text, at);
  if (literal) return { value: (literal[1] ?? '').replaceAll('""', '"'), end: at + literal[0].length };
  return callAt(text, at, nesting);
}

/** A constant string at `at`, with all that is joined to it. */
function constantAt(text: string, at: number, nesting: number): Constant | undefined {
  const first = operandAt(text, at, nesting);
  if (!first) return undefined;
  const values = [first.value];
  let length = first.value.length;
  let { end } = first;
  while (length < maxConstantCharacters) {
    const sign = skipBlank(text, end);
    if (!matchAt(operator, text, sign)) break;
    const next = operandAt(text, skipBlank(text, sign + 1), nesting);
    if (!next) break;
    values.push(next.value);
    length += next.value.length;
    end = next.end;
  }
  return { value: values.join(''), end };
}

/** Where something stands that has to be looked at: a string, a comment, a function. */
const interesting = /["']|\b(?:rem[ \t]|(?:chrw?b?|strreverse|replace|lcase|ucase|trim|cstr)\$?[ \t]*\()/gi;

/** `code` with its constant expressions worked out and its comments gone. */
export function foldConstants(code: string): string {
  const pieces: string[] = [];
  let left = code.length * growthFactor;
  let from = 0;
  for (interesting.lastIndex = 0; left > 0; ) {
    const match = interesting.exec(code);
    if (!match) break;
    const at = match.index;
    pieces.push(code.slice(from, at));
    if (match[0] === "'" || /^rem/i.test(match[0])) {
      const end = code.indexOf('\n', at);
      from = end === -1 ? code.length : end;
    } else {
      const constant = constantAt(code, at, 0);
      from = constant?.end ?? at + match[0].length;
      pieces.push(constant ? `"${constant.value}"` : match[0]);
      left -= constant?.value.length ?? 0;
    }
    interesting.lastIndex = from;
  }
  pieces.push(code.slice(from));
  return pieces.join('');
}
