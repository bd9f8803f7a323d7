// Parsed formulas of Excel (MS-XLS §2.5.198, MS-XLSB §2.5.97): the functions that they call and the texts in them.
import { utf16Text } from '../../utf16.ts';

/** BIFF8 (xls) or BIFF12 (xlsb): their references have other widths. */
export type FormulaForm = 'biff8' | 'biff12';

/** Octets that follow each token; texts, functions and attributes are looked at on their own. */
const operandBytes: Record<FormulaForm, ReadonlyMap<number, number>> = {
  biff8: new Map([
    [0x01, 4],
    [0x02, 4],
    [0x1c, 1],
    [0x1d, 1],
    [0x1e, 2],
    [0x1f, 8],
    [0x20, 7],
    [0x23, 4],
    [0x24, 4],
    [0x25, 8],
    [0x26, 6],
    [0x27, 6],
    [0x28, 6],
    [0x29, 2],
    [0x2a, 4],
    [0x2b, 8],
    [0x2c, 4],
    [0x2d, 8],
    [0x39, 6],
    [0x3a, 6],
    [0x3b, 10],
    [0x3c, 6],
    [0x3d, 10],
  ]),
  biff12: new Map([
    [0x01, 4],
    [0x02, 4],
    [0x1c, 1],
    [0x1d, 1],
    [0x1e, 2],
    [0x1f, 8],
    [0x20, 14],
    [0x23, 4],
    [0x24, 6],
    [0x25, 12],
    [0x26, 6],
    [0x27, 6],
    [0x28, 6],
    [0x29, 2],
    [0x2a, 6],
    [0x2b, 12],
    [0x2c, 6],
    [0x2d, 12],
    [0x39, 6],
    [0x3a, 8],
    [0x3b, 14],
    [0x3c, 8],
    [0x3d, 14],
  ]),
};

/** Functions that reach outside the sheet, or write formulas (MS-XLS §2.5.198.17 and .4). */
const functionNames = new Map([
  [17, 'RUN'],
  [53, 'GOTO'],
  [96, 'FORMULA'],
  [110, 'EXEC'],
  [111, 'CHAR'],
  [132, 'FOPEN'],
  [136, 'FREAD'],
  [137, 'FWRITELN'],
  [138, 'FWRITE'],
  [149, 'REGISTER'],
  [150, 'CALL'],
  [153, 'FILE.DELETE'],
]);
const actingFunctions = new Set(['EXEC', 'CALL', 'REGISTER', 'FOPEN', 'FWRITE', 'FWRITELN']);

export interface FormulaContent {
  /** Texts, numbers of characters and functions, in the order in which they are worked out. */
  readonly words: readonly string[];
  readonly acts: boolean;
}

/** Words that act whatever function they stand in. */
export const actingText =
  /urldownloadtofile|shellexecute|createprocess|virtualalloc|wscript|powershell|mshta|rundll32|regsvr32|cmd(?:\.exe)? \//i;

/** Reads a formula's tokens up to its end, or up to one that is not known. */
export function readFormula(tokens: Buffer, form: FormulaForm): FormulaContent {
  const words: string[] = [];
  let at = 0;
  const called = (code: number) => {
    const name = functionNames.get(code & 0x7fff);
    if (name !== undefined) words.push(name);
  };
  while (at < tokens.length) {
    const token = tokens[at++] ?? 0;
    // References come in three classes, 0x20 apart.
    const base = token >= 0x60 ? token - 0x40 : token >= 0x40 ? token - 0x20 : token;
    if (base === 0x17) {
      const { text, end } = textAt(tokens, at, form);
      words.push(text);
      at = end;
    } else if (base === 0x21) {
      if (at + 2 <= tokens.length) called(tokens.readUInt16LE(at));
      at += 2;
    } else if (base === 0x22) {
      if (at + 3 <= tokens.length) called(tokens.readUInt16LE(at + 1));
      at += 3;
    } else if (base === 0x19) {
      // PtgAttrChoose has a table of jumps.
      const isChoose = ((tokens[at] ?? 0) & 4) !== 0 && at + 3 <= tokens.length;
      at += 3 + (isChoose ? 2 * (tokens.readUInt16LE(at + 1) + 1) : 0);
    } else if (base >= 0x03 && base <= 0x16) {
      // An operator, a bracket, a missing argument.
    } else {
      const bytes = operandBytes[form].get(base);
      if (bytes === undefined) break;
      if (base === 0x1e && at + 2 <= tokens.length) words.push(String(tokens.readUInt16LE(at)));
      at += bytes;
    }
  }
  const acts = words.some((word) => actingFunctions.has(word) || actingText.test(word));
  return { words, acts };
}

function textAt(tokens: Buffer, at: number, form: FormulaForm): { text: string; end: number } {
  if (form === 'biff12') {
    const end = at + 2 + (at + 2 <= tokens.length ? 2 * tokens.readUInt16LE(at) : 0);
    return { text: utf16Text(tokens, at + 2, end), end };
  }
  const characters = tokens[at] ?? 0;
  const isWide = ((tokens[at + 1] ?? 0) & 1) === 1;
  const end = at + 2 + characters * (isWide ? 2 : 1);
  return { text: isWide ? utf16Text(tokens, at + 2, end) : tokens.toString('latin1', at + 2, end), end };
}

/** Characters that are worked out one by one: nobody writes sheets so but to hide words. */
const hidingCharacters = 40;
/** Macro sheets have some thousand cells; more of them are data. */
const maxTextCharacters = 1024 * 1024;

/** What formulas of macro sheets say, as text: one formula a line. */
export class MacroText {
  readonly #lines: string[] = [];
  #length = 0;
  #characters = 0;
  #acts = false;

  add({ words, acts }: FormulaContent): void {
    this.#acts ||= acts;
    this.#characters += words.filter((word) => word === 'CHAR').length;
    if (words.length === 0 || this.#length > maxTextCharacters) return;
    const line = words.join(' ');
    this.#length += line.length + 1;
    this.#lines.push(line);
  }

  get acts(): boolean {
    return this.#acts || this.#characters >= hidingCharacters;
  }

  get text(): string {
    return this.#lines.join('\n');
  }
}
