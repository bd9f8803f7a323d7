// Names of streams in Windows Installer packages: two characters of a set of 64 in one code unit.

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._';
const firstPair = 0x3800;
const firstSingle = 0x4800;
const tablePrefix = 0x4840;

/** The name as the installer knows it; tables begin with "!". undefined: it is not written so. */
export function decodeInstallerName(name: string): string | undefined {
  let decoded = '';
  let isMangled = false;
  for (const unit of name) {
    const code = unit.charCodeAt(0);
    if (code === tablePrefix) decoded += '!';
    else if (code >= firstPair && code < firstSingle)
      decoded += (digits[(code - firstPair) & 63] ?? '') + (digits[(code - firstPair) >> 6] ?? '');
    else if (code >= firstSingle && code < tablePrefix) decoded += digits[code - firstSingle] ?? '';
    else {
      decoded += unit;
      continue;
    }
    isMangled = true;
  }
  return isMangled ? decoded : undefined;
}
