// Reads `profiles.ini`, where Mozilla's programs list their profiles: tolerantly, since people edit it by hand.
import { isAbsolute, join, relative, sep } from 'node:path';

export interface ListedProfile {
  readonly name: string | undefined;
  /** Absolute. */
  readonly path: string;
}

/** A profile is a person's mail; nobody has more, and each costs a look into its database. */
const maxProfiles = 100;

/** The longest path of Linux (PATH_MAX), with its key. */
const maxLineLength = 4_200;

const maxNameLength = 200;

/** `directory`: where the file lies, which relative paths start from. One that leads out of it is left out. */
export function parseProfilesIni(text: string, directory: string): ListedProfile[] {
  const sections: Map<string, string>[] = [];
  let section: Map<string, string> | undefined;
  for (const raw of text.split(/\r\n|\r|\n/)) {
    const line = raw.trim();
    if (line.length > maxLineLength || line.includes('\0')) continue;
    const header = /^\[(.*)\]$/.exec(line);
    if (header) {
      section = /^Profile\d+$/i.test(header[1] ?? '') ? new Map() : undefined;
      if (section) sections.push(section);
      if (sections.length > maxProfiles) break;
      continue;
    }
    const equals = line.indexOf('=');
    if (equals > 0) section?.set(line.slice(0, equals).trim().toLowerCase(), line.slice(equals + 1).trim());
  }
  const profiles = sections.slice(0, maxProfiles).flatMap((values) => {
    const path = placeOf(values.get('path') ?? '', values.get('isrelative') !== '0', directory);
    const name = values.get('name')?.slice(0, maxNameLength) || undefined;
    return path === undefined ? [] : [{ name, path }];
  });
  return profiles.filter(({ path }, at) => profiles.findIndex((other) => other.path === path) === at);
}

function placeOf(path: string, isRelative: boolean, directory: string): string | undefined {
  if (path === '') return undefined;
  if (!isRelative) return isAbsolute(path) ? join(path, '.') : undefined;
  if (isAbsolute(path)) return undefined;
  const place = join(directory, path);
  const inside = relative(directory, place);
  return inside === '' || inside === '..' || inside.startsWith(`..${sep}`) ? undefined : place;
}
