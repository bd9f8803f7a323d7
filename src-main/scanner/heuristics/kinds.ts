// Kinds of content and of names that several rules tell apart.
import type { FileType } from '../file-types.ts';

/** What a computer runs or installs as it stands. */
export const programTypes: ReadonlySet<FileType> = new Set([
  'program',
  'elf',
  'mach-o',
  'java-class',
  'java-archive',
  'installer',
  'help',
  'hta',
  'shortcut',
  'desktop-entry',
]);

/** Those of them that nothing else reads: called a document, they are in disguise. */
export const nativeTypes: ReadonlySet<FileType> = new Set(['program', 'elf', 'mach-o', 'installer', 'help']);

/** Scripts that hardly have any use but to run on Windows. */
export const windowsScriptTypes: ReadonlySet<FileType> = new Set(['jscript', 'vbscript', 'windows-script']);

/** Scripts that developers mail. */
export const scriptTypes: ReadonlySet<FileType> = new Set([
  'javascript',
  'batch',
  'powershell',
  'shell-script',
  'registry',
]);

/** What a double click starts, for whoever has the right system. */
export const startedTypes: ReadonlySet<FileType> = new Set([
  ...programTypes,
  ...windowsScriptTypes,
  ...scriptTypes,
  'internet-shortcut',
]);

/** What runs as soon as a file with its content and the right name is opened. */
export const runningTypes: ReadonlySet<FileType> = new Set([
  ...nativeTypes,
  ...windowsScriptTypes,
  'java-class',
  'java-archive',
  'hta',
  'batch',
  'powershell',
  'registry',
]);

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** What Windows or a desktop runs on a double click, and hardly anybody mails. */
export const programExtensions = words(`
  exe scr pif cpl msi msp mst msc jse vbs vbe wsf wsh wsc sct hta lnk scf hlp chm vhd vhdx jar
  application appref-ms gadget settingcontent-ms library-ms search-ms searchconnector-ms
  xll wll msix msixbundle appx appinstaller diagcab desktop appimage shb shs psc1 xnk ade mde
`);

/** The same, but mailed among developers and administrators, or ordinary words at the end of a name (`.com`). */
export const runnableExtensions = words(`
  com bat cmd ps1 psm1 ps1xml js reg url webloc rdp iqy slk one iso img dmg pkg apk deb rpm run command
`);

/** What people open without a second thought. */
export const documentExtensions = words(`
  pdf doc docx docm xls xlsx xlsm xlsb ppt pptx pps ppsx odt ods odp rtf csv
  jpg jpeg png gif bmp tif tiff webp heic svg mp3 mp4 avi mov wav mkv
`);

/** What was given another name on the way through mail filters, too. */
export const plainExtensions = words('txt htm html xml zip rar 7z gz eml msg log md json');

/** What documents are: what is in them is no file of its own to whoever gets them. */
export const documentTypes: ReadonlySet<FileType> = new Set(['ole', 'office-xml', 'rtf', 'one-note', 'pdf']);

/** Pages, in which scripts and packed files are the author's own. */
export const pageTypes: ReadonlySet<FileType> = new Set(['html', 'svg', 'xml']);

/** What nobody hides in a page, or behind a password that stands beside it, but to get it past a scanner. */
export const hiddenTypes: ReadonlySet<FileType> = new Set([
  ...nativeTypes,
  'windows-script',
  'hta',
  'shortcut',
  'disk-image',
]);
