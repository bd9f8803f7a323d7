// From any stored form to today's settings. Pure: it never throws, and it says what it could not use, so that
// the caller can keep the old file beside the new one. One bad section falls back alone.
import { z } from 'zod';
import {
  defaultSettings,
  type SectionName,
  type Settings,
  sectionSchemas,
  settingsVersion,
} from './settings.ts';

type SettingsProblem =
  | { readonly code: 'settings-unreadable' }
  | { readonly code: 'settings-newer-version'; readonly found: number }
  | {
      readonly code: 'settings-section-invalid';
      readonly section: SectionName;
      readonly fields: readonly string[];
    };

export interface LoadedSettings {
  readonly settings: Settings;
  readonly problems: readonly SettingsProblem[];
}

type Stored = Readonly<Record<string, unknown>>;

/** `migrations[n]` turns a file of version n into one of version n + 1. */
const migrations: Readonly<Record<number, (stored: Stored) => Stored>> = {};

const envelope = z.looseObject({ version: z.int().min(1) });

function loadSection<Name extends SectionName>(
  name: Name,
  stored: Stored,
  problems: SettingsProblem[],
): Settings[Name] {
  const defaults = defaultSettings[name];
  const found = stored[name];
  if (found === undefined) return defaults;
  // A key that is missing takes its default; a key that is wrong drops the section.
  const merged =
    typeof found === 'object' && found !== null && !Array.isArray(found) ? { ...defaults, ...found } : found;
  const parsed = sectionSchemas[name].safeParse(merged);
  if (parsed.success) return parsed.data as Settings[Name];
  const fields = [...new Set(parsed.error.issues.map((issue) => issue.path.join('.')))];
  problems.push({ code: 'settings-section-invalid', section: name, fields });
  return defaults;
}

/** Reads a stored document of any version. A newer one than ours is not used at all: it may mean other things. */
export function loadSettings(document: unknown): LoadedSettings {
  const opened = envelope.safeParse(document);
  if (!opened.success) return { settings: defaultSettings, problems: [{ code: 'settings-unreadable' }] };
  if (opened.data.version > settingsVersion) {
    return {
      settings: defaultSettings,
      problems: [{ code: 'settings-newer-version', found: opened.data.version }],
    };
  }
  let stored: Stored = opened.data;
  for (let version = opened.data.version; version < settingsVersion; version++) {
    stored = migrations[version]?.(stored) ?? stored;
  }
  const problems: SettingsProblem[] = [];
  const settings: Settings = {
    version: settingsVersion,
    mailTransport: loadSection('mailTransport', stored, problems),
    response: loadSection('response', stored, problems),
    tls: loadSection('tls', stored, problems),
    scanning: loadSection('scanning', stored, problems),
    appearance: loadSection('appearance', stored, problems),
  };
  return { settings, problems };
}
