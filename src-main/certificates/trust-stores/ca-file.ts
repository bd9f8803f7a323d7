// Programs whose configuration names the file of authorities that they trust, or the fingerprint of their server. Reported,
// never edited.
import { isAbsolute, join } from 'node:path';
import { type Configuration, configurations, type Requirement } from './configurations.ts';
import {
  failed,
  type Machine,
  type OpenStore,
  type StoreKind,
  type StoreState,
  stateOf,
  unchanged,
} from './found-store.ts';
import { followOwn, readSmallFile } from './own-files.ts';
import { holdsRoot } from './root-certificate.ts';
import type { Root } from './store.ts';
import { bundlePaths, readSystemBundle } from './system-bundle.ts';

const maxConfigurationBytes = 1024 * 1024;
const maxAuthorityFileBytes = 8 * 1024 * 1024;

/** Longer lines are no option of ours, and would let a pattern take its time. */
const maxLineLength = 4_096;

/** A person has some ten accounts; each names a file that is read. */
const maxRequirements = 50;

export function caFileStores(machine: Machine): StoreKind {
  async function requirementsOf({ read }: Configuration, path: string): Promise<Requirement[]> {
    const file = await readSmallFile(path, maxConfigurationBytes);
    if (file.kind === 'unreadable') machine.log('trust-store-skipped', { path, detail: file.detail });
    if (file.kind !== 'text') return [];
    const lines = file.bytes.toString('utf8').split(/\r?\n/);
    return read(lines.filter((line) => line.length <= maxLineLength && !/^\s*#|\0/.test(line))).slice(
      0,
      maxRequirements,
    );
  }

  /** `~` and `$HOME` as the programs take them. A bundle of the machine lies below its root. */
  function placeOf(named: string): string {
    const path = named.replace(/^(?:~|\$HOME|\$\{HOME\})(?=\/)/, machine.homeDir);
    if (bundlePaths.some((bundle) => bundle === path)) return machine.inRoot(path);
    return isAbsolute(path) ? path : join(machine.homeDir, path);
  }

  async function readAuthorities(named: string): Promise<Buffer | undefined> {
    const place = await followOwn(placeOf(named), machine.uid);
    const file = place && (await readSmallFile(place.path, maxAuthorityFileBytes));
    return file?.kind === 'text' ? file.bytes : undefined;
  }

  /** The files in question, each with the authorities in it. */
  async function authoritiesOf(requirement: Requirement): Promise<Buffer[]> {
    if (requirement.kind !== 'authorities') return [];
    const files = await Promise.all(requirement.files.map(readAuthorities));
    const { file } = await readSystemBundle(machine);
    if (requirement.system && file.kind === 'text') files.push(file.bytes);
    return files.filter((bytes) => bytes !== undefined);
  }

  async function state(requirements: readonly Requirement[], roots: readonly Root[]): Promise<StoreState> {
    const pins = requirements.filter(({ kind }) => kind === 'pinned');
    if (pins.length > 0) return { state: 'pinned', detail: optionsOf(pins), fix: 'by-hand' };
    const missing = new Set<Requirement>();
    const trusted = roots.map(() => true);
    for (const requirement of requirements) {
      if (requirement.kind !== 'authorities') continue;
      const authorities = await authoritiesOf(requirement);
      for (const [at, root] of roots.entries()) {
        if (authorities.some((bytes) => holdsRoot(bytes, root))) continue;
        trusted[at] = false;
        missing.add(requirement);
      }
    }
    const state = stateOf(trusted);
    const unchecked = requirements.filter(({ kind }) => kind === 'unchecked');
    const detail = unchecked.length > 0 ? { detail: optionsOf(unchecked) } : {};
    if (state === 'trusted') return { state, ...detail, fix: 'by-hand' };
    return { state, detail: [...missing].map(wanted).join('; ').slice(0, maxLineLength), fix: 'by-hand' };
  }

  function open({ program }: Configuration, path: string, requirements: readonly Requirement[]): OpenStore {
    return {
      id: `ca-file:${path}`,
      kind: 'ca-file',
      programs: [program],
      path,
      running: false,
      state: (roots) => state(requirements, roots),
      async install(root) {
        const { state: now, detail } = await state(requirements, [root]);
        return now === 'trusted' ? unchanged : failed('trust-denied', detail);
      },
      remove: async () => unchanged,
    };
  }

  async function lookFor(configuration: Configuration): Promise<OpenStore[]> {
    for (const place of configuration.places) {
      const found = await followOwn(join(machine.homeDir, place), machine.uid);
      if (!found) continue;
      const requirements = await requirementsOf(configuration, found.path);
      // Without a word on certificates the program asks the machine's store, which is another entry.
      const path = join(machine.homeDir, place);
      return requirements.length === 0 ? [] : [open(configuration, path, requirements)];
    }
    return [];
  }

  return { find: async () => (await Promise.all(configurations.map(lookFor))).flat() };
}

const optionsOf = (requirements: readonly Requirement[]) =>
  [...new Set(requirements.map(({ option }) => option))].join(', ');

/** What a person has to do, in the words of the configuration. */
function wanted(requirement: Requirement): string {
  const { option } = requirement;
  const [file] = requirement.kind === 'authorities' ? requirement.files : [];
  if (file === undefined) return `${option}: name the exported certificate`;
  return `${option} ${file.replaceAll(/\p{Cc}/gu, '')}: append the exported certificate to this file`;
}
