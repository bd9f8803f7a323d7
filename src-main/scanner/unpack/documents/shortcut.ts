// Windows shortcuts (MS-SHLLINK): what they start, with which arguments, and what is appended to them.
import { utf16Text } from '../../utf16.ts';
import type { UnpackContext, Unpacked } from '../unpacker.ts';
import { memberOf } from './members.ts';

/** Size and class of the header (§2.1). */
const signature = Buffer.from('4c0000000114020000000000c000000000000046', 'hex');
const headerBytes = 76;

/** §2.1.1, from the lowest bit. */
const flags = {
  hasIdList: 1 << 0,
  hasLinkInfo: 1 << 1,
  hasName: 1 << 2,
  hasRelativePath: 1 << 3,
  hasWorkingDir: 1 << 4,
  hasArguments: 1 << 5,
  hasIcon: 1 << 6,
  isUnicode: 1 << 7,
} as const;

const stringFlags = [
  ['name', flags.hasName],
  ['relativePath', flags.hasRelativePath],
  ['workingDir', flags.hasWorkingDir],
  ['arguments', flags.hasArguments],
  ['icon', flags.hasIcon],
] as const;
type StringName = (typeof stringFlags)[number][0];

/** §2.5.1: EnvironmentVariableDataBlock, whose ANSI and Unicode targets stand here. */
const environmentSignature = 0xa0000001;
const environmentAnsi = 8;
const environmentUnicode = 268;
const environmentBytes = 788;

/** Blocks of extra data; each kind comes once (§2.5). */
const maxBlocks = 64;

/** Blanks and control characters in a row before or in the arguments, so that nobody sees what follows. */
const hiddenCharacters = 250;

/** Octets behind the structure that are no padding. */
const appendedBytes = 16;

/** Programs that run what stands in their arguments, or fetch it. */
const interpreters =
  'cmd command powershell pwsh powershell_ise mshta wscript cscript rundll32 regsvr32 certutil bitsadmin msiexec curl wget conhost forfiles bash wsl scriptrunner pcalua installutil regasm regsvcs msbuild hh schtasks wmic ftp ssh python pythonw perl java javaw autoit3 odbcconf cmstp control ie4uinit finger syncappvpublishingserver mavinject presentationhost'.replaceAll(
    ' ',
    '|',
  );
/** As the target itself, and as a word of the arguments. */
const interpreterPath = new RegExp(`(?:^|[\\\\/])(?:${interpreters})(?:\\.exe|\\.com|\\.vbs)?["']?$`, 'i');
const interpreterWord = new RegExp(
  `(?:^|[\\\\/\\s"'%@,])(?:${interpreters})(?:\\.exe|\\.com|\\.vbs)?(?=$|[\\s"'/,%^])`,
  'i',
);
const explorerWithAddress = /explorer(?:\.exe)?["']?\s+.*(?:https?:|\\\\|search-ms:|shell:)/i;

export function isShortcut(bytes: Buffer): boolean {
  return bytes.subarray(0, signature.length).equals(signature);
}

interface Shortcut {
  readonly strings: Readonly<Partial<Record<StringName, string>>>;
  /** Paths that it may start, the likeliest first. */
  readonly targets: readonly string[];
  /** Offset behind the structure. */
  readonly end: number;
  readonly complete: boolean;
}

/** Text up to a zero. */
function zeroEnded(bytes: Buffer, at: number, unicode: boolean): string {
  if (at <= 0 || at >= bytes.length) return '';
  const text = unicode ? utf16Text(bytes, at) : bytes.toString('latin1', at);
  const zero = text.indexOf('\0');
  return zero === -1 ? text : text.slice(0, zero);
}

function offsetAt(bytes: Buffer, at: number): number {
  return at + 4 <= bytes.length ? bytes.readUInt32LE(at) : 0;
}

/** §2.3: the path on a volume of this machine, or of another. */
function linkInfoTargets(info: Buffer): string[] {
  const headerSize = offsetAt(info, 4);
  const network = offsetAt(info, 20);
  const pieces = [zeroEnded(info, offsetAt(info, 16), false), zeroEnded(info, offsetAt(info, 24), false)];
  const unicode =
    headerSize >= 36
      ? [zeroEnded(info, offsetAt(info, 28), true), zeroEnded(info, offsetAt(info, 32), true)]
      : [];
  const share = network === 0 ? '' : zeroEnded(info, network + offsetAt(info, network + 8), false);
  return [pieces.join(''), unicode.join(''), share === '' ? '' : `${share}\\${pieces[1] ?? ''}`];
}

/** Names in the shell items of a target (§2.2), whose form is not described: what can be read in them. */
function idListTarget(list: Buffer): string {
  const names: string[] = [];
  for (let at = 0; at + 2 <= list.length; ) {
    const size = list.readUInt16LE(at);
    if (size < 3) break;
    const item = list.subarray(at + 2, at + size);
    const narrow = /[ -~]{3,}/.exec(item.toString('latin1', 1))?.[0];
    const wide = [...item.toString('latin1').matchAll(/(?:[ -~]\0){3,}/g)].map(([name]) =>
      name.replaceAll('\0', ''),
    );
    names.push(wide.at(-1) ?? narrow ?? '');
    at += size;
  }
  return names.filter((name) => name !== '').join('\\');
}

function readShortcut(bytes: Buffer): Shortcut {
  const strings: Partial<Record<StringName, string>> = {};
  const targets: string[] = [];
  const fail = (end: number): Shortcut => ({
    strings,
    targets,
    end: Math.min(end, bytes.length),
    complete: false,
  });
  if (bytes.length < headerBytes) return fail(bytes.length);
  const set = bytes.readUInt32LE(20);
  let at = headerBytes;
  if (set & flags.hasIdList) {
    if (at + 2 > bytes.length) return fail(at);
    const size = bytes.readUInt16LE(at);
    targets.push(idListTarget(bytes.subarray(at + 2, at + 2 + size)));
    at += 2 + size;
  }
  if (set & flags.hasLinkInfo) {
    const size = offsetAt(bytes, at);
    if (size < 4) return fail(at);
    targets.unshift(...linkInfoTargets(bytes.subarray(at, at + size)));
    at += size;
  }
  const isUnicode = (set & flags.isUnicode) !== 0;
  for (const [name, flag] of stringFlags) {
    if ((set & flag) === 0) continue;
    if (at + 2 > bytes.length) return fail(at);
    const size = bytes.readUInt16LE(at) * (isUnicode ? 2 : 1);
    strings[name] = isUnicode
      ? utf16Text(bytes, at + 2, at + 2 + size)
      : bytes.toString('latin1', at + 2, at + 2 + size);
    at += 2 + size;
  }
  for (let block = 0; block < maxBlocks; block++) {
    if (at + 4 > bytes.length)
      return { strings, targets, end: Math.min(at, bytes.length), complete: at === bytes.length };
    const size = bytes.readUInt32LE(at);
    // §2.5: a size below four ends the blocks.
    if (size < 4) return { strings, targets, end: at + 4, complete: true };
    if (size >= environmentBytes && offsetAt(bytes, at + 4) === environmentSignature) {
      const extra = bytes.subarray(at, at + environmentBytes);
      targets.push(zeroEnded(extra, environmentUnicode, true), zeroEnded(extra, environmentAnsi, false));
    }
    at += size;
  }
  return fail(at);
}

export function* unpackShortcut(bytes: Buffer, { budget }: UnpackContext): Generator<Unpacked> {
  const { strings, targets, end, complete } = readShortcut(bytes);
  const paths = [...new Set([...targets, strings.relativePath ?? ''])].filter((path) => path !== '');
  const given = strings.arguments ?? '';
  const command = [
    ...paths.map((path) => `${path} ${given}`),
    strings.workingDir,
    strings.icon,
    strings.name,
  ];
  const lines = command.filter((line) => line !== undefined && line !== '');
  if (lines.length > 0) yield memberOf('command.txt', Buffer.from(lines.join('\n'), 'utf8'), budget);
  const runs = paths.some((path) => interpreterPath.test(path.trim())) || interpreterWord.test(given);
  if (runs || paths.some((path) => explorerWithAddress.test(`${path} ${given}`)))
    yield { kind: 'trait', trait: 'shortcut-to-interpreter' };
  if (longestBlank(given) >= hiddenCharacters)
    yield { kind: 'trait', trait: 'shortcut-with-hidden-arguments' };
  if (!complete) yield { kind: 'limit', code: 'damaged-archive' };
  if (bytes.length - end > appendedBytes) yield memberOf('appended', bytes.subarray(end), budget);
}

/** The longest run of blanks and control characters. */
function longestBlank(text: string): number {
  let longest = 0;
  let length = 0;
  for (const character of text) {
    length = /[\s\p{Cc}\p{Cf}]/u.test(character) ? length + 1 : 0;
    longest = Math.max(longest, length);
  }
  return longest;
}
