// What a file's name looks like, and what it is.
import { documentExtensions, plainExtensions, programExtensions, runnableExtensions } from './kinds.ts';

export interface NameFacts {
  /** What stands behind the last dot, in lower case; empty: there is none. */
  readonly extension: string;
  /** A document's extension before that of a program, as in `invoice.pdf.exe`. */
  readonly isDouble: boolean;
  /** The same with what is no document, as in `photos.zip.exe`: self-extracting archives are called so, too. */
  readonly isDoublePlain: boolean;
  /** So many blanks before the extension that it is out of sight. */
  readonly isPadded: boolean;
  /** Characters that turn what follows around: `annexe‮fdp.exe` is shown as `annexeexe.pdf`. */
  readonly isTurned: boolean;
  /** Other marks of the direction of writing, which names in Arabic or Hebrew have no need of either. */
  readonly isMarked: boolean;
  /** What Windows drops from the end of names, reads as another stream or as a device. */
  readonly isOdd: boolean;
}

/** Blanks and what looks like one, ten or more, before the last extension. */
const padding = /[\s_\u{a0}\u{2000}-\u{200b}\u{2800}\u{3000}\u{3164}]{10,}\.?[^.\s]{1,20}$/u;
const turning = /[\u{202d}\u{202e}]/u;
const marks = /[\u{202a}-\u{202c}\u{2066}-\u{2069}]/u;
const device = /^(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:\.|$)/i;
const stream = /::?\$data$|\.\w{1,10}:[\w.]{1,80}$/i;

/** Whether a double click on a file of this name may run it. */
export function isRunnable(extension: string): boolean {
  return programExtensions.has(extension) || runnableExtensions.has(extension);
}

/** Links to documents and pages are called like them. */
const isLink = (extension: string) => extension === 'url' || extension === 'webloc';

export function readName(name: string): NameFacts {
  const base = name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1);
  // The marks stand in the extension, too.
  const plain = base.replace(/[\u{202a}-\u{202e}\u{2066}-\u{2069}]/gu, '').replace(/[.\s]+$/u, '');
  const [extension = '', before = ''] = plain
    .toLowerCase()
    .split('.')
    .slice(1)
    .reverse()
    .map((piece) => piece.replace(/^[\s_]+|[\s_]+$/gu, ''));
  const runs = isRunnable(extension);
  return {
    extension,
    isDouble: runs && !isLink(extension) && documentExtensions.has(before),
    isDoublePlain: programExtensions.has(extension) && plainExtensions.has(before),
    isPadded: runs && padding.test(plain),
    isTurned: turning.test(base),
    isMarked: marks.test(base),
    isOdd: /[.\s]$/u.test(base) || device.test(plain) || stream.test(base),
  };
}
