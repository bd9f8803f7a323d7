// Rules about names, and about content that its name belies.
import {
  documentExtensions,
  nativeTypes,
  programExtensions,
  programTypes,
  runnableExtensions,
  runningTypes,
} from './kinds.ts';
import { type NameFacts, readName } from './name-facts.ts';
import type { Judgement, Subject } from './subject.ts';

const group = 'attachments';

const disguised: Judgement = { name: 'Postern.Attachment.Disguised', severity: 'harmful', group };
const turned: Judgement = { name: 'Postern.Name.TurnedAround', severity: 'suspicious', group };
const padded: Judgement = { name: 'Postern.Name.Padded', severity: 'suspicious', group };
const double: Judgement = { name: 'Postern.Name.DoubleExtension', severity: 'suspicious', group };
const program: Judgement = { name: 'Postern.Name.Program', severity: 'suspicious', group };
const runnable: Judgement = { name: 'Postern.Name.Runnable', severity: 'note', group };
const marked: Judgement = { name: 'Postern.Name.DirectionMark', severity: 'note', group };
const odd: Judgement = { name: 'Postern.Name.Odd', severity: 'note', group };

/** Whether what runs is called something that does not run, so that it is opened. */
function isDisguise({ type }: Subject, { extension, isDouble, isPadded, isTurned }: NameFacts): boolean {
  if (nativeTypes.has(type) && documentExtensions.has(extension)) return true;
  // A text is not told so surely that its name alone could make it a disguise.
  return runningTypes.has(type) && (isDouble || isPadded || isTurned);
}

function* judgeName(subject: Subject, facts: NameFacts): Generator<Judgement> {
  const { extension, isDouble, isDoublePlain, isPadded, isTurned, isMarked, isOdd } = facts;
  if (isDisguise(subject, facts)) yield disguised;
  else if (isTurned) yield turned;
  else if (isPadded) yield padded;
  else if (isDouble || isDoublePlain) yield double;
  // Where the content says so itself, its own rule does.
  else if (programExtensions.has(extension) && !programTypes.has(subject.type)) yield program;
  else if (runnableExtensions.has(extension) && isWorthNoting(subject, extension)) yield runnable;
  if (isMarked && !isTurned) yield marked;
  if (isOdd) yield odd;
}

/** Archives of web pages are full of JavaScript. */
function isWorthNoting({ type, around }: Subject, extension: string): boolean {
  return extension !== 'js' || type === 'jscript' || around.length <= 1;
}

/** What is in a program is its own affair; of a file on a disk only a disguise is worth a word. */
export function nameRules(subject: Subject): readonly Judgement[] {
  const { names, around } = subject;
  if (names.length === 0 || programTypes.has(around[0] ?? 'unknown')) return [];
  const found = new Set<Judgement>();
  for (const name of names) for (const judgement of judgeName(subject, readName(name))) found.add(judgement);
  if (found.has(disguised)) return [disguised];
  return around.length === 0 ? [] : [...found];
}
