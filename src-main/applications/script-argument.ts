// Which of an interpreter's arguments is the script that it runs. Pure: what the interpreters' manuals say of their options.
import { basename } from 'node:path';

/** How an interpreter reads the options before its script. */
interface Grammar {
  /** Single letters may be joined, with a value at the end (`-Ic CODE`, `-Wignore`); else a dash begins a whole word. */
  readonly joined: boolean;
  /** The program is no file: it is given here, or is a module, or comes from the standard input. */
  readonly noFile: string;
  /** Take a value: the rest of the word, else the next word. */
  readonly value: string;
  /** Take the rest of the word alone. */
  readonly rest: string;
  /** Whole words that take the next word, unless they hold a `=`. */
  readonly valueWords: readonly string[];
  readonly noFileWords: readonly string[];
  /** The next word is the script. */
  readonly fileWords: readonly string[];
  /** Without a file word, the first word that is no option is a script only if it ends so. */
  readonly ending?: string;
}

const plain: Grammar = {
  joined: true,
  noFile: '',
  value: '',
  rest: '',
  valueWords: [],
  noFileWords: [],
  fileWords: [],
};

/** Manuals: python(1), perlrun(1), ruby(1), bash(1), dash(1), node(1), java(1), php(1), lua(1), tclsh(1). */
const grammars: readonly (readonly [RegExp, Grammar])[] = [
  [/^python/, { ...plain, noFile: 'cm', value: 'WX', valueWords: ['--check-hash-based-pycs'] }],
  [/^perl/, { ...plain, noFile: 'eE', value: 'I', rest: 'CDFMVimx' }],
  [
    /^ruby/,
    {
      ...plain,
      noFile: 'e',
      value: 'CEIXr',
      rest: 'FKTWix',
      valueWords: ['--encoding', '--external-encoding', '--internal-encoding', '--enable', '--disable'],
    },
  ],
  [/^(?:ba|da)?sh$/, { ...plain, noFile: 'cs', value: 'oO', valueWords: ['--rcfile', '--init-file'] }],
  [
    /^node$/,
    {
      ...plain,
      noFile: 'ep',
      value: 'Cr',
      valueWords: [
        '--conditions',
        '--env-file',
        '--env-file-if-exists',
        '--experimental-loader',
        '--import',
        '--input-type',
        '--inspect-port',
        '--loader',
        '--require',
        '--title',
        '--watch-path',
      ],
      noFileWords: ['--eval', '--print', '--run'],
    },
  ],
  [
    /^java$/,
    {
      ...plain,
      joined: false,
      valueWords: [
        '-cp',
        '-classpath',
        '--class-path',
        '-p',
        '--module-path',
        '--upgrade-module-path',
        '--add-modules',
        '--add-exports',
        '--add-opens',
        '--add-reads',
        '--limit-modules',
        '--patch-module',
        '--enable-native-access',
        '--source',
      ],
      noFileWords: ['-m', '--module'],
      fileWords: ['-jar'],
      // Else it is the name of a class.
      ending: '.java',
    },
  ],
  [
    /^php/,
    {
      ...plain,
      noFile: 'BEFRSr',
      value: 'cdtz',
      noFileWords: ['--run', '--server'],
      fileWords: ['-f', '--file'],
    },
  ],
  [/^lua/, { ...plain, value: 'el' }],
  [/^tclsh/, { ...plain, joined: false, valueWords: ['-encoding'] }],
];

type Option = 'flag' | 'takes-next' | 'no-file' | 'file-next';

/** What an option makes of the words after it. */
function readOption(word: string, grammar: Grammar): Option {
  if (grammar.fileWords.includes(word)) return 'file-next';
  if (grammar.noFileWords.some((each) => word === each || word.startsWith(`${each}=`))) return 'no-file';
  if (grammar.valueWords.includes(word)) return 'takes-next';
  if (!grammar.joined || word.startsWith('--')) return 'flag';
  for (let i = 1; i < word.length; i++) {
    const letter = word.charAt(i);
    if (grammar.noFile.includes(letter)) return 'no-file';
    if (grammar.value.includes(letter)) return i + 1 === word.length ? 'takes-next' : 'flag';
    if (grammar.rest.includes(letter)) return 'flag';
  }
  return 'flag';
}

/**
 * The script in the arguments of an interpreter, as it was typed; undefined when none is given: code on the command line, a
 * module, a class, the standard input. `argv[0]` is the interpreter's own word and does not count.
 */
export function scriptArgument(interpreter: string, argv: readonly string[]): string | undefined {
  const name = basename(interpreter);
  const grammar = grammars.find(([pattern]) => pattern.test(name))?.[1];
  if (!grammar) return undefined;
  let isFile = false;
  for (let i = 1; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '' || word === '-') return undefined;
    if (word === '--') return argv[i + 1] || undefined;
    if (!/^[-+]/.test(word)) {
      return isFile || grammar.ending === undefined || word.endsWith(grammar.ending) ? word : undefined;
    }
    const option = readOption(word, grammar);
    if (option === 'no-file') return undefined;
    if (option === 'takes-next') i++;
    // More options may stand between the option and its file.
    if (option === 'file-next') isFile = true;
  }
  return undefined;
}
