// The mail programs that are installed, for the picker of "Excluded applications".
import { basename } from 'node:path';
import type { Application } from '../contract/api.ts';
import type { DesktopEntry } from './desktop-entry.ts';
import { launchedBy } from './launched-program.ts';
import { iconField, loadLaunchers, type ProgramSources, systemSources } from './program-names.ts';

/** Programs that fetch or read mail and have no desktop entry. */
const commandLineClients = [
  'aerc',
  'alpine',
  'fetchmail',
  'getmail',
  'mbsync',
  'mpop',
  'mutt',
  'neomutt',
  'offlineimap',
];

function isMailProgram(entry: DesktopEntry): boolean {
  return (
    !entry.noDisplay &&
    (entry.categories.includes('Email') || entry.mimeTypes.includes('x-scheme-handler/mailto'))
  );
}

/** Lists them by name, each with the name under which a rule will find it running. */
export async function listInstalled(sources: ProgramSources = {}): Promise<Application[]> {
  const { binDirs, libDirs } = { ...systemSources, ...sources };
  const found = [
    ...(await loadLaunchers(sources))
      .filter(({ entry }) => isMailProgram(entry))
      .map((launcher) => ({ name: launcher.entry.name, program: launcher.program, launcher })),
    ...commandLineClients.flatMap((name) => {
      const program = launchedBy(name, { binDirs, libDirs });
      return program === undefined ? [] : [{ name, program, launcher: undefined }];
    }),
  ];
  const applications = new Map<string, Application>();
  for (const { name, program, launcher } of found) {
    // Two scripts of one interpreter are two programs to people, though one to a rule.
    const key = program.interpreter ? `${program.application} ${name}` : program.application;
    if (applications.has(key)) continue;
    applications.set(key, {
      ...program,
      name: name === '' ? basename(program.path) : name,
      ...iconField(launcher, sources),
      users: [],
      processes: 0,
      connections: [],
    });
  }
  return [...applications.values()].sort((a, b) => a.name.localeCompare(b.name, 'en'));
}
