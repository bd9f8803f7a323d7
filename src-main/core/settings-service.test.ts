import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defaultSettings, type Settings } from '../contract/settings.ts';
import { FullDisk } from '../storage/full-disk.fixture.ts';
import { openSettings, type SettingsService } from './settings-service.ts';

let directory: string;
let file: string;
let logged: string[];
let time: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'settings-'));
  file = join(directory, 'settings.json');
  logged = [];
  time = Date.parse('2025-11-24T12:00:00Z');
});
afterEach(() => {
  chmodSync(directory, 0o700);
  rmSync(directory, { recursive: true, force: true });
});

async function open(changes: { overrides?: unknown; disk?: FullDisk } = {}): Promise<SettingsService> {
  const result = await tryOpen(changes);
  if (!result.ok) throw new Error(result.detail);
  return result.settings;
}

function tryOpen({ overrides, disk }: { overrides?: unknown; disk?: FullDisk } = {}) {
  return openSettings({
    directory,
    overrides,
    now: () => {
      time += 1_000;
      return new Date(time);
    },
    log: (event) => logged.push(event),
    ...(disk ? { open: disk.open } : {}),
  });
}

const stored = (): Settings => JSON.parse(readFileSync(file, 'utf8')) as Settings;
const keptFiles = () => readdirSync(directory).filter((name) => name.startsWith('settings.json.bad-'));
const write = (document: unknown) => writeFileSync(file, JSON.stringify(document));

describe('settings', () => {
  test('are the defaults where there is no file, and none is made', async () => {
    const settings = await open();
    expect(settings.current()).toEqual(defaultSettings);
    expect(settings.problems()).toEqual([]);
    expect(readdirSync(directory)).toEqual([]);
  });

  test('last over a restart, in a file for their owner alone', async () => {
    const settings = await open();
    const result = await settings.update({ mailTransport: { scanPop3: false, imapsPorts: '993' } });
    expect(result).toEqual({ ok: true, settings: settings.current() });
    expect((await open()).current()).toEqual(settings.current());
    expect((await open()).current().mailTransport).toEqual({
      ...defaultSettings.mailTransport,
      scanPop3: false,
      imapsPorts: '993',
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['settings.json']);
  });

  test('change one after the other: none of many at once is lost', async () => {
    const settings = await open();
    await Promise.all([
      settings.update({ mailTransport: { scanPop3: false } }),
      settings.update({ mailTransport: { scanImap: false } }),
      settings.update({ appearance: { theme: 'dark' } }),
    ]);
    expect(settings.current().mailTransport).toMatchObject({ scanPop3: false, scanImap: false });
    expect(settings.current().appearance.theme).toBe('dark');
    expect(stored()).toEqual(settings.current());
  });

  test('tell of a change once it is stored, and resolve when it is in force', async () => {
    const settings = await open();
    const steps: string[] = [];
    settings.onChange(async (changed) => {
      steps.push(`changed ${stored().appearance.theme === changed.appearance.theme}`);
      await new Promise(setImmediate);
      steps.push('in force');
    });
    await settings.update({ appearance: { theme: 'dark' } });
    steps.push('answered');
    expect(steps).toEqual(['changed true', 'in force', 'answered']);
  });

  test('go back to the defaults', async () => {
    const settings = await open();
    await settings.update({ mailTransport: { enabled: false } });
    expect(await settings.reset()).toEqual({ ok: true, settings: defaultSettings });
    expect(stored()).toEqual(defaultSettings);
  });
});

describe('a file that can not be used', () => {
  const unusable: Readonly<Record<string, () => void>> = {
    'cut off': () => writeFileSync(file, JSON.stringify(defaultSettings).slice(0, 200)),
    empty: () => writeFileSync(file, ''),
    'no object': () => write([1, 2]),
    'without a version': () => write({ mailTransport: { enabled: false } }),
  };

  test.each(Object.entries(unusable))(
    '%s: the defaults are in force, and it is kept beside',
    async (_name, make) => {
      make();
      const text = readFileSync(file, 'utf8');
      const settings = await open();
      expect(settings.current()).toEqual(defaultSettings);
      const [keptAs = ''] = keptFiles();
      expect(settings.problems()).toEqual([{ code: 'settings-unreadable', keptAs }]);
      expect(keptAs).toMatch(/^settings\.json\.bad-20251124T1200\d{5}Z$/);
      expect(readFileSync(join(directory, keptAs), 'utf8')).toBe(text);
    },
  );

  test('of a newer version: it is not touched but moved aside', async () => {
    write({ version: 2, mailTransport: { enabled: false } });
    const settings = await open();
    expect(settings.current()).toEqual(defaultSettings);
    expect(settings.problems()).toEqual([{ code: 'settings-newer-version', keptAs: keptFiles()[0] }]);
  });

  test('one bad section falls back alone, and the others stay, now and after the next start', async () => {
    write({
      version: 1,
      mailTransport: { imapsPorts: '99999', scanImap: 'yes' },
      appearance: { theme: 'dark' },
    });
    const text = readFileSync(file, 'utf8');
    const settings = await open();
    const [keptAs = ''] = keptFiles();
    expect(settings.problems()).toEqual([
      {
        code: 'settings-section-invalid',
        section: 'mailTransport',
        fields: ['scanImap', 'imapsPorts'],
        keptAs,
      },
    ]);
    expect(settings.current()).toEqual({
      ...defaultSettings,
      appearance: { language: 'system', theme: 'dark' },
    });
    expect(readFileSync(join(directory, keptAs), 'utf8')).toBe(text);
    const later = await open();
    expect(later.problems()).toEqual([]);
    expect(later.current()).toEqual(settings.current());
    expect(keptFiles()).toHaveLength(1);
  });

  test('a folder in its place is moved aside like a file', async () => {
    mkdirSync(file);
    const settings = await open();
    expect(settings.problems()).toMatchObject([{ code: 'settings-unreadable', keptAs: keptFiles()[0] }]);
    expect(await settings.update({ appearance: { theme: 'dark' } })).toMatchObject({ ok: true });
  });
});

describe('a change that can not be stored', () => {
  test.each([0, 1, 300])('is not made when the disk is full after %i octets', async (room) => {
    await (await open()).update({ appearance: { theme: 'dark' } });
    const before = readFileSync(file, 'utf8');
    const settings = await open({ disk: new FullDisk(room) });
    const heard: Settings[] = [];
    settings.onChange(async (changed) => void heard.push(changed));
    expect(await settings.update({ appearance: { theme: 'light' } })).toEqual({
      ok: false,
      code: 'settings-not-saved',
    });
    expect(settings.current().appearance.theme).toBe('dark');
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect(readdirSync(directory)).toEqual(['settings.json']);
    expect(heard).toEqual([]);
  });

  test('does not keep the next one from being made', async () => {
    const settings = await open({ disk: new FullDisk(800) });
    const long = 'x'.repeat(200);
    const excludedApplications = Array.from({ length: 5 }, () => ({ application: '/a', note: long }));
    expect(await settings.update({ mailTransport: { excludedApplications } })).toMatchObject({ ok: false });
    const other = await open();
    expect(await other.update({ appearance: { theme: 'dark' } })).toMatchObject({ ok: true });
  });

  test('in a directory that went away is an answer, too', async () => {
    const settings = await open();
    rmSync(directory, { recursive: true });
    expect(await settings.update({ appearance: { theme: 'dark' } })).toEqual({
      ok: false,
      code: 'settings-not-saved',
    });
    expect(settings.current()).toEqual(defaultSettings);
    mkdirSync(directory);
  });

  test('what fell back at the start stays in its file until a copy of it is there', async () => {
    write({ version: 1, mailTransport: { enabled: 'no' } });
    const text = readFileSync(file, 'utf8');
    // The name that the copy would get is taken.
    for (let second = 1; second <= 3; second++) {
      mkdirSync(join(directory, `settings.json.bad-20251124T12000${second}000Z`));
    }
    const settings = await open();
    expect(settings.problems()).toMatchObject([
      { code: 'settings-section-invalid' },
      { code: 'settings-not-saved' },
    ]);
    expect(settings.problems()[0]?.keptAs).toBeUndefined();
    expect(await settings.update({ appearance: { theme: 'dark' } })).toMatchObject({ ok: false });
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(await settings.update({ appearance: { theme: 'dark' } })).toMatchObject({ ok: true });
    expect(readFileSync(join(directory, 'settings.json.bad-20251124T120004000Z'), 'utf8')).toBe(text);
  });
});

describe('a document of the command line', () => {
  test('is merged over what is stored, in force and stored', async () => {
    await (await open()).update({ mailTransport: { scanPop3: false }, appearance: { theme: 'dark' } });
    const settings = await open({
      overrides: { mailTransport: { scanImap: false, imapsPorts: ' 993,585' } },
    });
    expect(settings.current().mailTransport).toMatchObject({
      scanPop3: false,
      scanImap: false,
      imapsPorts: '585, 993',
    });
    expect(settings.current().appearance.theme).toBe('dark');
    expect(stored()).toEqual(settings.current());
  });

  test('may be a whole settings file', async () => {
    const whole = { ...defaultSettings, appearance: { language: 'nb', theme: 'dark' } };
    expect((await open({ overrides: whole })).current()).toEqual(whole);
  });

  test('is not written again when it says what is stored already', async () => {
    await open({ overrides: { appearance: { theme: 'dark' } } });
    const disk = new FullDisk(0);
    const settings = await open({ overrides: { appearance: { theme: 'dark' } }, disk });
    expect(settings.problems()).toEqual([]);
    expect(disk.writes).toEqual([]);
  });

  test('is in force also when it can not be stored, and that is said', async () => {
    const settings = await open({ overrides: { appearance: { theme: 'dark' } }, disk: new FullDisk(0) });
    expect(settings.current().appearance.theme).toBe('dark');
    expect(settings.problems()).toEqual([{ code: 'settings-not-saved' }]);
    expect(existsSync(file)).toBe(false);
  });

  test.each([
    [{ mailTransport: { imapsPorts: 'x' } }, 'mailTransport.imapsPorts'],
    [{ version: 2 }, 'version'],
    ['text', ''],
    [null, ''],
  ])('%j is refused, and nothing is stored', async (overrides, detail) => {
    expect(await tryOpen({ overrides })).toEqual({ ok: false, code: 'invalid-input', detail });
    expect(readdirSync(directory)).toEqual([]);
  });
});
