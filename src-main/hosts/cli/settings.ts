// `postern settings …`: reads and changes the settings of the running core.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { assertNever } from '../../contract/assert-never.ts';
import {
  defaultSettings,
  type SectionName,
  type Settings,
  type SettingsPatch,
  settingsPatchSchema,
} from '../../contract/settings.ts';
import { loadSettings } from '../../contract/settings-migrations.ts';
import { CommandFailure } from '../failure.ts';
import { withCore } from './core-client.ts';
import { printLine } from './output.ts';

const formatted = (value: unknown) => JSON.stringify(value, undefined, 2);

function isSection(name: string): name is SectionName {
  return name !== 'version' && Object.hasOwn(defaultSettings, name);
}

/** The value under `section.field`, or `undefined` when there is no such setting. */
function lookUp(settings: Settings, key: string): unknown {
  const [section = '', field = '', ...rest] = key.split('.');
  if (!isSection(section) || rest.length > 0 || !Object.hasOwn(settings[section], field)) return undefined;
  return new Map<string, unknown>(Object.entries(settings[section])).get(field);
}

const noSuchSetting = (key: string) => new CommandFailure('invalid-input', `no such setting: ${key}`);

/** What the words on a command line stand for: the kind of the setting's default decides. */
function parseWords(key: string, words: string): unknown {
  const likeThis = lookUp(defaultSettings, key);
  if (likeThis === undefined) throw noSuchSetting(key);
  if (typeof likeThis === 'string') return words;
  try {
    return JSON.parse(words);
  } catch {
    throw new CommandFailure('invalid-input', `${key}: ${words}`);
  }
}

/** The patch for one setting; fails with the words for what is wrong with it. */
export function patchOf(key: string, words: string): SettingsPatch {
  const [section = '', field = ''] = key.split('.');
  const parsed = settingsPatchSchema.safeParse({ [section]: { [field]: parseWords(key, words) } });
  if (parsed.success) return parsed.data;
  throw new CommandFailure(
    'invalid-input',
    `${key}: ${parsed.error.issues.map((issue) => issue.message).join(', ')}`,
  );
}

/** Settings out of a file's text; anything in it that can't be used refuses all of it. */
export function settingsOf(fileText: string): Settings {
  let document: unknown;
  try {
    document = JSON.parse(fileText);
  } catch {
    throw new CommandFailure('invalid-input', 'not a settings file');
  }
  const { settings, problems } = loadSettings(document);
  const [problem] = problems;
  if (problem === undefined) return settings;
  switch (problem.code) {
    case 'settings-unreadable':
      throw new CommandFailure('invalid-input', 'not a settings file');
    case 'settings-newer-version':
      throw new CommandFailure('invalid-input', `settings of a newer version: ${problem.found}`);
    case 'settings-section-invalid':
      throw new CommandFailure('invalid-input', `${problem.section}: ${problem.fields.join(', ')}`);
    default:
      return assertNever(problem);
  }
}

export async function getSetting(dataDir: string, key: string | undefined): Promise<void> {
  const settings = await withCore(dataDir, (core) => core.settings.get());
  if (key === undefined) return printLine(formatted(settings));
  const value = isSection(key) ? settings[key] : lookUp(settings, key);
  if (value === undefined) throw noSuchSetting(key);
  printLine(typeof value === 'string' ? value : formatted(value));
}

export async function setSetting(dataDir: string, key: string, words: string): Promise<void> {
  const patch = patchOf(key, words);
  await withCore(dataDir, (core) => core.settings.update(patch));
}

export async function resetSettings(dataDir: string): Promise<void> {
  await withCore(dataDir, (core) => core.settings.reset());
}

/** Writes all settings to `file`, whole or not at all, or to standard output for `-`. */
export async function exportSettings(dataDir: string, file: string): Promise<void> {
  const document = formatted(await withCore(dataDir, (core) => core.settings.get()));
  if (file === '-') return printLine(document);
  const draft = `${file}.${process.pid}.part`;
  writeFileSync(draft, `${document}\n`, { mode: 0o600, flag: 'wx' });
  renameSync(draft, file);
}

export async function importSettings(dataDir: string, file: string): Promise<void> {
  // Of the version they are all of; the core knows its own.
  const { version: _, ...sections } = settingsOf(
    file === '-' ? await text(process.stdin) : readFileSync(file, 'utf8'),
  );
  await withCore(dataDir, (core) => core.settings.update(sections));
}
