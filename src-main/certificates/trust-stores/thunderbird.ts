// The profiles of Thunderbird and its kin: those that profiles.ini lists, however it was installed, and those that a
// running one was told on its command line. Each has an NSS database of its own.
import { readlink } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import type { Machine, OpenStore, RunningProcess, StoreKind } from './found-store.ts';
import { openNssDatabase } from './nss-database.ts';
import { followOwn, readSmallFile, statOf } from './own-files.ts';
import { parseProfilesIni } from './profiles-ini.ts';

interface Family {
  readonly program: string;
  /** Below the home directory, where profiles.ini lies. */
  readonly directory: string;
  /** Its processes have numbers of their own (pid_namespaces(7)). */
  readonly isSandboxed: boolean;
}

const families: readonly Family[] = [
  { program: 'Thunderbird', directory: '.thunderbird', isSandboxed: false },
  { program: 'Thunderbird', directory: 'snap/thunderbird/common/.thunderbird', isSandboxed: true },
  { program: 'Thunderbird', directory: '.var/app/org.mozilla.Thunderbird/.thunderbird', isSandboxed: true },
  { program: 'Betterbird', directory: '.var/app/eu.betterbird.Betterbird/.thunderbird', isSandboxed: true },
];

/** Of the ids of these stores; the path follows. */
const idPrefix = 'thunderbird:';

/** Where profiles.ini lies or will lie. */
export const profileDirectories = (homeDir: string): string[] =>
  families.map(({ directory }) => join(homeDir, directory));

const maxProfilesIniBytes = 1024 * 1024;

/** People start two or three with a profile of their own. */
const maxNamedProfiles = 20;

const programPattern = /^(thunderbird|betterbird)(-bin|-esr)?$/;

const programOf = ({ argv }: RunningProcess) =>
  programPattern.exec(basename(argv[0] ?? ''))?.[1] === 'betterbird' ? 'Betterbird' : 'Thunderbird';

/** The profile that a process was told by `--profile DIR` or `-profile DIR`. */
function namedProfile({ argv }: RunningProcess): string | undefined {
  const at = argv.findIndex((argument) => /^--?profile$/i.test(argument));
  const path = at < 0 ? undefined : argv[at + 1];
  return path !== undefined && isAbsolute(path) && !path.includes('\0') ? join(path, '.') : undefined;
}

/** Mozilla's lock: a link to `address:+pid` as long as the profile is in use, and after a crash. */
async function lockHolder(profile: string): Promise<number | undefined> {
  const target = await readlink(join(profile, 'lock')).catch(() => undefined);
  const pid = /:\+?(\d{1,10})$/.exec(target ?? '')?.[1];
  return pid === undefined ? undefined : Number(pid);
}

interface Profile {
  readonly family: Family;
  readonly name: string | undefined;
  readonly path: string;
}

async function listedProfiles(machine: Machine): Promise<Profile[]> {
  const profiles: Profile[] = [];
  for (const family of families) {
    const directory = join(machine.homeDir, family.directory);
    const place = await followOwn(join(directory, 'profiles.ini'), machine.uid);
    if (!place) continue;
    const file = await readSmallFile(place.path, maxProfilesIniBytes);
    if (file.kind === 'unreadable')
      machine.log('trust-store-skipped', { path: directory, detail: file.detail });
    if (file.kind !== 'text') continue;
    const listed = parseProfilesIni(file.bytes.toString('utf8'), directory);
    profiles.push(...listed.map((profile) => ({ ...profile, family })));
  }
  return profiles;
}

function runningProfiles(processes: readonly RunningProcess[]): Profile[] {
  const named = processes.flatMap((process) => {
    const path = namedProfile(process);
    const family: Family = { program: programOf(process), directory: '', isSandboxed: false };
    return path === undefined ? [] : [{ family, name: undefined, path }];
  });
  return named.slice(0, maxNamedProfiles);
}

/** Profiles that no list names any more: they were changed while a program had them open. */
async function journalledProfiles({ journal }: Machine): Promise<Profile[]> {
  const family: Family = { program: 'Thunderbird', directory: '', isSandboxed: false };
  const stores = await journal.stores();
  return stores.flatMap((store) =>
    store.startsWith(idPrefix) ? [{ family, name: undefined, path: store.slice(idPrefix.length) }] : [],
  );
}

export function thunderbirdStores(machine: Machine): StoreKind {
  async function isRunning(
    { family, path }: Profile,
    processes: readonly RunningProcess[],
  ): Promise<boolean> {
    if (processes.some((process) => namedProfile(process) === path)) return true;
    const pid = await lockHolder(path);
    if (pid === undefined) return false;
    // After a crash the link stays, and another program may have the number by now.
    return family.isSandboxed ? processes.length > 0 : processes.some((process) => process.pid === pid);
  }

  async function open(profile: Profile, processes: readonly RunningProcess[]): Promise<OpenStore[]> {
    const { family, name, path } = profile;
    // Listed, but not on the disk: a profile that was deleted by hand.
    if (!(await statOf(path))) return [];
    const id = `${idPrefix}${path}`;
    return [
      {
        id,
        kind: 'thunderbird',
        programs: [family.program],
        name: name ?? basename(path),
        path,
        running: await isRunning(profile, processes),
        ...openNssDatabase(machine, id, path),
      },
    ];
  }

  return {
    async find(looking) {
      const processes = looking.processes.filter(
        ({ uid, argv }) => uid === machine.uid && programPattern.test(basename(argv[0] ?? '')),
      );
      const profiles = [
        ...(await listedProfiles(machine)),
        ...runningProfiles(processes),
        ...(await journalledProfiles(machine)),
      ];
      const once = profiles.filter(
        ({ path }, at) => profiles.findIndex((other) => other.path === path) === at,
      );
      return (await Promise.all(once.map((profile) => open(profile, processes)))).flat();
    },
  };
}
