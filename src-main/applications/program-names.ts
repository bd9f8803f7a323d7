// How programs are shown: name and icon by the desktop entry that starts them.
import { basename } from 'node:path';
import { isInterpreter } from '../contract/application-rule.ts';
import { type DesktopEntry, loadDesktopEntries } from './desktop-entry.ts';
import { iconOf } from './icons.ts';
import { type LaunchedProgram, launchedByEntry } from './launched-program.ts';

/** Where the system keeps what we look at. */
export interface ProgramSources {
  /** As in XDG_DATA_DIRS, the first one counting most. */
  readonly dataDirs?: readonly string[];
  /** As in PATH. */
  readonly binDirs?: readonly string[];
  readonly libDirs?: readonly string[];
}

export const systemSources: Required<ProgramSources> = {
  dataDirs: ['/usr/local/share', '/usr/share', '/var/lib/flatpak/exports/share', '/var/lib/snapd/desktop'],
  binDirs: ['/usr/local/bin', '/usr/bin', '/bin', '/snap/bin'],
  libDirs: ['/usr/local/lib', '/usr/lib', '/usr/lib64'],
};

export interface Launcher {
  readonly entry: DesktopEntry;
  readonly program: LaunchedProgram;
}

/** All desktop entries that start a program of this machine; those that menus show come first. */
export async function loadLaunchers(sources: ProgramSources): Promise<Launcher[]> {
  const { dataDirs, binDirs, libDirs } = { ...systemSources, ...sources };
  const entries = await loadDesktopEntries(dataDirs);
  return entries
    .toSorted((a, b) => Number(a.noDisplay) - Number(b.noDisplay))
    .flatMap((entry) => {
      const program = launchedByEntry(entry, { binDirs, libDirs });
      return program === undefined ? [] : [{ entry, program }];
    });
}

/** The icon of a launcher, in the form of the contract. */
export function iconField(launcher: Launcher | undefined, sources: ProgramSources): { icon?: string } {
  const { dataDirs } = { ...systemSources, ...sources };
  const named = launcher?.entry.icon;
  const icon = named === undefined ? undefined : iconOf(named, dataDirs);
  return icon === undefined ? {} : { icon };
}

/** Finds the launcher of a running program: by what it starts, else by the name of the executable. */
export function createLauncherIndex(
  launchers: readonly Launcher[],
): (application: string, path: string) => Launcher | undefined {
  const byApplication = new Map<string, Launcher>();
  const byName = new Map<string, Launcher>();
  for (const launcher of launchers) {
    const { application, path, interpreter } = launcher.program;
    // An interpreter's name must not be that of one script that it runs.
    if (interpreter) continue;
    if (!byApplication.has(application)) byApplication.set(application, launcher);
    if (!byName.has(basename(path))) byName.set(basename(path), launcher);
  }
  return (application, path) =>
    byApplication.get(application) ??
    (application === path && !isInterpreter(path) ? byName.get(basename(path)) : undefined);
}
