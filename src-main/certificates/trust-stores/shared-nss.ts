// The NSS database that programs of one user share: `~/.pki/nssdb`, and the one that the Chromium Snap has in its place.
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createCertutil } from './certutil.ts';
import { failed, type Machine, type OpenStore, type StoreKind, unchanged } from './found-store.ts';
import { openNssDatabase } from './nss-database.ts';
import { followOwn, statOf } from './own-files.ts';

/** Programs that read it, by a file that each of them brings. */
const readers = [
  [
    'Chromium',
    ['/usr/share/applications/chromium.desktop', '/usr/share/applications/chromium-browser.desktop'],
  ],
  ['Google Chrome', ['/usr/share/applications/google-chrome.desktop', '/opt/google/chrome/chrome']],
  ['Evolution', ['/usr/share/applications/org.gnome.Evolution.desktop', '/usr/bin/evolution']],
] as const;

/** Where the databases lie or will lie. */
export const sharedDatabases = (homeDir: string): string[] => [
  join(homeDir, '.pki/nssdb'),
  join(homeDir, 'snap/chromium/current/.pki/nssdb'),
];

export function sharedNssStores(machine: Machine): StoreKind {
  async function installedReaders(): Promise<string[]> {
    const found: string[] = [];
    for (const [program, paths] of readers) {
      const stats = await Promise.all(paths.map((path) => statOf(machine.inRoot(path))));
      if (stats.some(Boolean)) found.push(program);
    }
    return found;
  }

  /** As those programs make it: for this user alone. */
  async function makeDirectory(path: string): Promise<string | undefined> {
    try {
      await mkdir(path, { recursive: true, mode: 0o700 });
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : 'no directory';
    }
  }

  function open(path: string, programs: readonly string[], isThere: boolean): OpenStore {
    const id = `shared-nss:${path}`;
    const database = openNssDatabase(machine, id, path);
    return {
      id,
      kind: 'shared-nss',
      programs: [...programs],
      path,
      running: false,
      ...database,
      async state(roots) {
        if (isThere) return await database.state(roots);
        const hindrance = await createCertutil(machine.run, path).probe();
        return hindrance ? { state: 'unavailable', ...hindrance } : { state: 'not-trusted', fix: 'own' };
      },
      async install(root) {
        // What lies in the way may be another's link: then it is not followed, nor made anything in.
        const parent = await nearestParent(path);
        const place = isThere ? { stat: { uid: machine.uid } } : await followOwn(parent, machine.uid);
        if (place?.stat.uid !== machine.uid)
          return failed('trust-store-failed', `${parent} is not this user's`);
        const problem = isThere ? undefined : await makeDirectory(path);
        return problem === undefined ? await database.install(root) : failed('trust-store-failed', problem);
      },
      remove: async (root) => (isThere ? await database.remove(root) : unchanged),
    };
  }

  return {
    async find() {
      const [own = '', snap = ''] = sharedDatabases(machine.homeDir);
      const programs = await installedReaders();
      const stores: OpenStore[] = [];
      const hasOwn = (await statOf(own)) !== undefined;
      if (hasOwn || programs.length > 0) {
        stores.push(open(own, programs.length > 0 ? programs : ['Chromium', 'Evolution'], hasOwn));
      }
      if (await statOf(snap)) stores.push(open(snap, ['Chromium'], true));
      return stores;
    },
  };
}

async function nearestParent(path: string): Promise<string> {
  let at = dirname(path);
  while (at !== dirname(at) && !(await statOf(at))) at = dirname(at);
  return at;
}
