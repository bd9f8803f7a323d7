// What a name that an engine gives to what it found means. The names are ClamAV's (manual, "Signature naming");
// those of others are malware unless they say otherwise.
import type { LimitCode } from '../../contract/verdict.ts';
import { cleanName } from '../names.ts';
import type { RemoteAnswer } from './remote-engine.ts';

/** Characters of a name that are kept: ClamAV's end at about 100. */
const nameCharacters = 200;

/** ClamAV says under these names that it stopped (AlertExceedsMax, AlertEncrypted); the first one that fits counts. */
const limitNames: readonly (readonly [prefix: string, code: LimitCode])[] = [
  ['Heuristics.Encrypted.', 'encrypted'],
  ['Heuristics.Limits.Exceeded.MaxRecursion', 'archive-depth'],
  ['Heuristics.Limits.Exceeded.MaxFileSize', 'part-size'],
  ['Heuristics.Limits.Exceeded.MaxFiles', 'archive-members'],
  ['Heuristics.Limits.Exceeded.MaxScanTime', 'engine-timeout'],
  ['Heuristics.Limits.Exceeded.EmailHeader', 'header-size'],
  ['Heuristics.Limits.Exceeded.EmailMIME', 'mime-parts'],
  ['Heuristics.Limits.Exceeded', 'unpacked-size'],
];

/** Worth a warning, and nothing that is known to do harm. */
const suspiciousPrefixes = [
  'Heuristics.OLE2.ContainsMacros',
  'Heuristics.Phishing.',
  'Heuristics.Structured.',
  'Heuristics.Broken.',
  'PUA.',
];

/** The answer of an engine that found `name`. */
export function answerFor(name: string): RemoteAnswer {
  const limit = limitNames.find(([prefix]) => name.startsWith(prefix));
  if (limit) return { kind: 'incomplete', limits: [limit[1]] };
  const clean = detailOf(name) ?? 'Unnamed';
  if (suspiciousPrefixes.some((prefix) => name.startsWith(prefix)))
    return { kind: 'found', name: clean, category: 'suspicious' };
  return { kind: 'found', name: clean, category: /eicar/i.test(name) ? 'test' : 'malware' };
}

/** What a server says, as it may stand in a report; undefined when nothing is left. */
export function detailOf(text: string): string | undefined {
  return cleanName(text.slice(0, nameCharacters));
}
