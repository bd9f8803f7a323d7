// Icons of programs, from the icon themes of the data directories, as data URLs.
import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/** A 48-pixel icon has some 5 KB; a list shows hundreds. */
const maxIconBytes = 64 * 1024;

/** Sizes of the hicolor theme, the fittest first. */
const sizes = ['48x48', '64x64', '128x128', '32x32'];

function dataUrlOf(path: string): string | undefined {
  try {
    const { size } = statSync(path);
    if (size > maxIconBytes) return undefined;
    const bytes = readFileSync(path);
    // The name does not decide: an entry may name any file of the machine.
    if (bytes.toString('latin1', 0, 8) === '\x89PNG\r\n\x1a\n')
      return `data:image/png;base64,${bytes.toString('base64')}`;
    const isSvg =
      path.endsWith('.svg') &&
      /^\s*(?:<\?xml[^>]*>|<!--[\s\S]*?-->|<!DOCTYPE[^>]*>|\s)*<svg[\s>]/.test(
        bytes.toString('latin1', 0, 4_096),
      );
    return isSvg ? `data:image/svg+xml;base64,${bytes.toString('base64')}` : undefined;
  } catch {
    return undefined;
  }
}

/** The icon that a desktop entry names, by path or by name; undefined when there is none of a fit size. */
export function iconOf(icon: string, dataDirs: readonly string[]): string | undefined {
  if (isAbsolute(icon)) return dataUrlOf(icon);
  if (icon.includes('/')) return undefined;
  for (const dataDir of dataDirs) {
    const theme = join(dataDir, 'icons/hicolor');
    const candidates = [
      join(theme, '48x48/apps', `${icon}.png`),
      join(theme, 'scalable/apps', `${icon}.svg`),
      ...sizes.slice(1).map((size) => join(theme, size, 'apps', `${icon}.png`)),
      join(dataDir, 'pixmaps', `${icon}.png`),
      join(dataDir, 'pixmaps', `${icon}.svg`),
    ];
    for (const candidate of candidates) {
      const url = dataUrlOf(candidate);
      if (url !== undefined) return url;
    }
  }
  return undefined;
}
