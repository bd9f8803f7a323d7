// The Java installations of the machine and of this user, and which of them have authorities of their own.
import { readdir, readlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Machine } from './found-store.ts';
import { followOwn, statOf } from './own-files.ts';

export interface JavaHome {
  readonly path: string;
  readonly name: string;
  /** Its `cacerts`, all links followed. */
  readonly cacerts: string;
}

export interface JavaHomes {
  readonly own: readonly JavaHome[];
  /** Whether there is one that reads what the machine's store makes for Java. */
  readonly hasSystem: boolean;
}

/** A developer's machine has ten. */
const maxHomes = 40;

/** Where distributions keep what their tools make of the machine's store. */
const systemPlaces = ['/etc/ssl/certs/', '/etc/pki/', '/etc/ca-certificates/', '/var/lib/ca-certificates/'];

/** Since Java 9, and before. */
const cacertsPlaces = ['lib/security/cacerts', 'jre/lib/security/cacerts'];

async function subdirectories(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch(() => []);
  return names.map((name) => join(directory, name)).sort();
}

/** Whether a link on the way leads into the machine's store. */
async function isSystems(machine: Machine, path: string): Promise<boolean> {
  const target = await readlink(path).catch(() => undefined);
  const place = target === undefined ? path : resolve(dirname(path), target);
  return systemPlaces.some((start) => place.startsWith(start) || place.startsWith(machine.inRoot(start)));
}

/** `homes`: also below the home directory, which must be this user's. */
export async function findJavaHomes(machine: Machine, includesHome: boolean): Promise<JavaHomes> {
  const places = [
    machine.inRoot('/usr/lib/jvm'),
    machine.inRoot('/opt'),
    ...(includesHome ? [join(machine.homeDir, '.sdkman/candidates/java')] : []),
  ];
  const candidates = (await Promise.all(places.map(subdirectories))).flat().slice(0, maxHomes);
  const own: JavaHome[] = [];
  let hasSystem = false;
  for (const home of candidates) {
    for (const cacerts of cacertsPlaces.map((place) => join(home, place))) {
      if (!(await statOf(cacerts))) continue;
      const place = await followOwn(cacerts, machine.uid);
      if ((await isSystems(machine, cacerts)) || (place && (await isSystems(machine, place.path))))
        hasSystem = true;
      // `current` and `default-java` are second names of others.
      else if (place && !own.some((other) => other.cacerts === place.path)) {
        own.push({ path: home, name: home.slice(dirname(home).length + 1), cacerts: place.path });
      }
    }
  }
  return { own, hasSystem };
}
