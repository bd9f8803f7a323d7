// Knows by their content what octets can be unpacked as; there may be several ways.
import { isBuried, unpackBuried } from './archives/buried.ts';
import { isForeign, unpackForeign } from './archives/foreign.ts';
import { isGzip, unpackGzip } from './archives/gzip.ts';
import { isSelfExtracting, unpackSelfExtracting } from './archives/self-extracting.ts';
import { isSevenZip, unpackSevenZip } from './archives/seven-zip.ts';
import { isSzdd, unpackSzdd } from './archives/szdd.ts';
import { isTar, unpackTar } from './archives/tar.ts';
import { unpackZip } from './archives/zip.ts';
import { holdsZip, isZip } from './archives/zip-directory.ts';
import { isZstd, unpackZstd } from './archives/zstd.ts';
import { isHtml, unpackHtml } from './documents/html.ts';
import { isOfficeXml, unpackOfficeXml } from './documents/office-xml.ts';
import { isOle, unpackOle } from './documents/ole.ts';
import { isOneNote, unpackOneNote } from './documents/one-note.ts';
import { isPdf, unpackPdf } from './documents/pdf.ts';
import { isRtf, unpackRtf } from './documents/rtf.ts';
import { isShortcut, unpackShortcut } from './documents/shortcut.ts';
import { isBinHex, unpackBinHex } from './mail/binhex.ts';
import { isCalendar, unpackCalendar } from './mail/calendar.ts';
import { isCms, unpackCms } from './mail/cms.ts';
import { isMacFile, unpackMacFile } from './mail/mac-file.ts';
import { isPgp, unpackPgp } from './mail/pgp.ts';
import { isSis, unpackSis } from './mail/sis.ts';
import { isTnef, unpackTnef } from './mail/tnef.ts';
import { isAutoIt, unpackAutoIt } from './programs/autoit.ts';
import { isInstallShield, unpackInstallShield } from './programs/install-shield.ts';
import { isPackedProgram, unpackPackedProgram } from './programs/packed-program.ts';
import type { Unpacker } from './unpacker.ts';

const archive = { object: 'archives' } as const;
const installer = { object: 'selfExtracting' } as const;
const always = { object: 'always' } as const;

/** All that there are; each is fuzzed by itself. */
export const unpackers: readonly Unpacker[] = [
  {
    ...archive,
    kind: 'zip',
    is: (bytes) => isZip(bytes) || (!isTar(bytes) && holdsZip(bytes)),
    unpack: unpackZip,
  },
  { ...archive, kind: 'tar', is: isTar, unpack: unpackTar },
  { ...archive, kind: 'gzip', is: isGzip, unpack: unpackGzip },
  { ...archive, kind: 'zstd', is: isZstd, unpack: unpackZstd },
  { ...archive, kind: 'szdd', is: isSzdd, unpack: unpackSzdd },
  { ...archive, kind: 'sis', is: isSis, unpack: unpackSis },
  { ...archive, kind: '7-zip', is: isSevenZip, unpack: unpackSevenZip },
  { ...archive, kind: 'foreign', is: isForeign, unpack: unpackForeign },
  { ...archive, kind: 'buried', is: isBuried, unpack: unpackBuried },
  {
    kind: 'self-extracting',
    object: 'selfExtracting',
    is: isSelfExtracting,
    unpack: unpackSelfExtracting,
  },
  { ...always, kind: 'ole', is: isOle, unpack: unpackOle },
  { ...always, kind: 'office-xml', is: isOfficeXml, unpack: unpackOfficeXml },
  { ...always, kind: 'rtf', is: isRtf, unpack: unpackRtf },
  { ...always, kind: 'one-note', is: isOneNote, unpack: unpackOneNote },
  { ...always, kind: 'pdf', is: isPdf, unpack: unpackPdf },
  { ...always, kind: 'html', is: isHtml, unpack: unpackHtml },
  { ...always, kind: 'shortcut', is: isShortcut, unpack: unpackShortcut },
  { ...installer, kind: 'autoit', is: isAutoIt, unpack: unpackAutoIt },
  { ...installer, kind: 'install-shield', is: isInstallShield, unpack: unpackInstallShield },
  { ...always, kind: 'packed-program', is: isPackedProgram, unpack: unpackPackedProgram },
  { ...always, kind: 'tnef', is: isTnef, unpack: unpackTnef },
  { ...always, kind: 'mac-file', is: isMacFile, unpack: unpackMacFile },
  { ...always, kind: 'calendar', is: isCalendar, unpack: unpackCalendar },
  { ...always, kind: 'binhex', is: isBinHex, unpack: unpackBinHex },
  { ...always, kind: 'cms', is: isCms, unpack: unpackCms },
  { ...always, kind: 'pgp', is: isPgp, unpack: unpackPgp },
];

/** All ways to unpack `bytes`, in order; empty: none is known. */
export function unpackersOf(bytes: Buffer): readonly Unpacker[] {
  return unpackers.filter(({ is }) => is(bytes));
}
