// The settings in force, and their one file. What can't be used falls back alone and is kept beside; a change that can't
// be stored is not made.
import { constants, copyFile, open as openFile, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { assertNever } from '../contract/assert-never.ts';
import { applyPatch, defaultSettings, type Settings, settingsPatchSchema } from '../contract/settings.ts';
import { type LoadedSettings, loadSettings } from '../contract/settings-migrations.ts';
import type { State } from '../contract/state.ts';
import {
  type OpenFile,
  placeFile,
  syncDirectory,
  type WritableFile,
  writeAll,
} from '../storage/durable-file.ts';
import type { Log } from './ports.ts';

type Patch = z.output<typeof settingsPatchSchema>;

export type SettingsResult =
  | { readonly ok: true; readonly settings: Settings }
  /** Nothing was changed. */
  | { readonly ok: false; readonly code: 'settings-not-saved' };

export interface SettingsService {
  current(): Settings;
  /** What went wrong when they were loaded. */
  problems(): State['settingsProblems'];
  /** Stores a patch, then puts it in force; one after the other. */
  update(patch: Patch): Promise<SettingsResult>;
  /** Stores the defaults of all sections. */
  reset(): Promise<SettingsResult>;
  /** Calls back with each change, when it is stored; `update` resolves when what comes back has. */
  onChange(callback: (settings: Settings) => Promise<void>): void;
}

export type OpenSettingsResult =
  | { readonly ok: true; readonly settings: SettingsService }
  /** The document of the command line can't be used; `detail` names the fields. */
  | { readonly ok: false; readonly code: 'invalid-input'; readonly detail: string };

export interface SettingsOptions {
  readonly directory: string;
  /** Merged over the stored settings, in force and stored; undefined for none. */
  readonly overrides: unknown;
  readonly now: () => Date;
  readonly log: Log;
  readonly open?: OpenFile<WritableFile>;
}

const fileName = 'settings.json';

/** Two full lists of the longest entries are some 9 MB. */
const maxFileBytes = 32 * 1024 * 1024;

type Found =
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly error: unknown }
  | { readonly kind: 'document'; readonly document: unknown };

async function readDocument(path: string): Promise<Found> {
  try {
    const { size } = await stat(path);
    if (size > maxFileBytes) throw new Error(`${size} octets`);
    return { kind: 'document', document: JSON.parse(await readFile(path, 'utf8')) };
  } catch (error) {
    const absent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return absent ? { kind: 'absent' } : { kind: 'unreadable', error };
  }
}

function loaded(found: Found): LoadedSettings {
  switch (found.kind) {
    case 'absent':
      return { settings: defaultSettings, problems: [] };
    case 'unreadable':
      return { settings: defaultSettings, problems: [{ code: 'settings-unreadable' }] };
    case 'document':
      return loadSettings(found.document);
    default:
      return assertNever(found);
  }
}

type ParsedOverrides =
  | { readonly ok: true; readonly patch: Patch }
  | { readonly ok: false; readonly detail: string };

/** A settings document whose keys may be missing; its version, when it has one, must be today's. */
function parseOverrides(document: unknown): ParsedOverrides {
  if (document === undefined) return { ok: true, patch: {} };
  const { version } =
    typeof document === 'object' && document !== null && 'version' in document ? document : defaultSettings;
  if (version !== defaultSettings.version) return { ok: false, detail: 'version' };
  const parsed = settingsPatchSchema.safeParse(document);
  if (parsed.success) return { ok: true, patch: parsed.data };
  return { ok: false, detail: parsed.error.issues.map((issue) => issue.path.join('.')).join(', ') };
}

class StoredSettings implements SettingsService {
  readonly #options: SettingsOptions;
  readonly #path: string;
  readonly #listeners: ((settings: Settings) => Promise<void>)[] = [];
  #current: Settings = defaultSettings;
  #problems: State['settingsProblems'] = [];
  /** The file holds something of the user's that is not in `#current`, and no copy of it could be made yet. */
  #keepFirst = false;
  /** One change at a time, in the order of the calls. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: SettingsOptions) {
    this.#options = options;
    this.#path = join(options.directory, fileName);
  }

  current(): Settings {
    return this.#current;
  }

  problems(): State['settingsProblems'] {
    return this.#problems;
  }

  onChange(callback: (settings: Settings) => Promise<void>): void {
    this.#listeners.push(callback);
  }

  update(patch: Patch): Promise<SettingsResult> {
    return this.#change((settings) => applyPatch(settings, patch));
  }

  reset(): Promise<SettingsResult> {
    return this.#change(() => defaultSettings);
  }

  async load(overrides: Patch): Promise<void> {
    const found = await readDocument(this.#path);
    if (found.kind === 'unreadable') this.#options.log('settings-unreadable', { error: found.error });
    const { settings, problems } = loaded(found);
    const sectionsAlone = problems.every(({ code }) => code === 'settings-section-invalid');
    this.#keepFirst = problems.length > 0;
    const keptAs = this.#keepFirst ? await this.#keep(sectionsAlone) : undefined;
    this.#problems = problems.map((problem) => ({
      code: problem.code,
      ...(problem.code === 'settings-section-invalid'
        ? { section: problem.section, fields: [...problem.fields] }
        : {}),
      ...(keptAs === undefined ? {} : { keptAs }),
    }));
    this.#current = applyPatch(settings, overrides);
    // What fell back is stored as it is now in force, or each start would keep one more copy of the same file.
    const stored = problems.length === 0 && isDeepStrictEqual(this.#current, settings);
    if (!stored && !(await this.#save(this.#current))) {
      this.#problems = [...this.#problems, { code: 'settings-not-saved' }];
    }
  }

  async #change(from: (settings: Settings) => Settings): Promise<SettingsResult> {
    const storing = this.#queue.then(async () => {
      const settings = from(this.#current);
      if (!(await this.#save(settings))) return undefined;
      this.#current = settings;
      // Not waited for in the queue: of several changes the latest is in force soonest.
      return { settings, inForce: this.#listeners.map((listener) => listener(settings)) };
    });
    this.#queue = storing.catch(() => undefined);
    const stored = await storing;
    if (!stored) return { ok: false, code: 'settings-not-saved' };
    await Promise.all(stored.inForce);
    return { ok: true, settings: stored.settings };
  }

  async #save(settings: Settings): Promise<boolean> {
    if (this.#keepFirst && (await this.#keep(true)) === undefined) return false;
    try {
      const bytes = Buffer.from(`${JSON.stringify(settings, undefined, 2)}\n`);
      await placeFile(this.#path, (file) => writeAll(file, bytes), this.#options.open);
      return true;
    } catch (error) {
      this.#options.log('settings-not-saved', { error });
      return false;
    }
  }

  /** Keeps the file beside under a name of its own, which is given: as a copy where some of it is in force. */
  async #keep(asCopy: boolean): Promise<string | undefined> {
    const keptAs = `${fileName}.bad-${this.#options.now().toISOString().replace(/[-:.]/g, '')}`;
    const to = join(this.#options.directory, keptAs);
    try {
      if (asCopy) {
        await copyFile(this.#path, to, constants.COPYFILE_EXCL);
        const copy = await openFile(to, 'r');
        await copy.sync().finally(() => copy.close());
      } else {
        await rename(this.#path, to);
      }
      await syncDirectory(this.#options.directory);
      this.#keepFirst = false;
      return keptAs;
    } catch (error) {
      this.#options.log('settings-not-kept', { error });
      return undefined;
    }
  }
}

/** Loads the settings. Whatever the file holds, there are settings in force afterwards. */
export async function openSettings(options: SettingsOptions): Promise<OpenSettingsResult> {
  const overrides = parseOverrides(options.overrides);
  if (!overrides.ok) return { ok: false, code: 'invalid-input', detail: overrides.detail };
  const settings = new StoredSettings(options);
  await settings.load(overrides.patch);
  return { ok: true, settings };
}
