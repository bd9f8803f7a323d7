import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { applicationSchema } from '../contract/api.ts';
import { parseApplicationRule } from '../contract/application-rule.ts';
import { listInstalled } from './installed.ts';
import { type Machine, makeMachine } from './machine.fixture.ts';

let machine: Machine;
beforeEach(() => {
  machine = makeMachine();
});
afterEach(() => machine.remove());

const elf = '\x7fELF';
const program = (name: string, content = elf) => machine.file(name, content, 0o755);
const mailEntry = (id: string, lines: string) =>
  machine.file(
    `share/applications/${id}.desktop`,
    `[Desktop Entry]\nType=Application\nName=${id}\nCategories=Email;\n${lines}\n`,
  );

/** What is listed, by name; every row fits the contract and can go into the settings. */
async function listed(): Promise<Record<string, string>> {
  const applications = await listInstalled(machine);
  for (const each of applications) {
    expect(applicationSchema.parse(each)).toEqual(each);
    expect(parseApplicationRule(each.application).ok, each.application).toBe(true);
    expect(each).toMatchObject({ users: [], processes: 0, connections: [] });
  }
  return Object.fromEntries(applications.map((each) => [each.name, each.application]));
}

describe('an installed mail program', () => {
  test('is one with the category, or one that takes mailto links', async () => {
    const path = program('bin/one');
    const other = program('bin/two');
    program('bin/game');
    mailEntry('one', 'Exec=one %u');
    const entry = (id: string, lines: string) =>
      machine.file(
        `share/applications/${id}.desktop`,
        `[Desktop Entry]\nType=Application\nName=${id}\n${lines}\n`,
      );
    entry('two', 'Exec=two\nMimeType=x-scheme-handler/mailto;');
    entry('game', 'Exec=game\nCategories=Game;');
    expect(await listed()).toEqual({ one: path, two: other });
  });

  test('on the command line is one of those that are known', async () => {
    const path = program('bin/mutt');
    program('bin/other');
    expect(await listed()).toEqual({ mutt: path });
  });

  test('with an entry and a known command is one', async () => {
    const path = program('bin/neomutt');
    mailEntry('NeoMutt', 'Exec=neomutt %u');
    expect(await listed()).toEqual({ NeoMutt: path });
  });

  test('is not one that menus do not show, or whose program is missing or can not be run', async () => {
    program('bin/a');
    machine.file('bin/c', elf, 0o644);
    mailEntry('a', 'Exec=a\nNoDisplay=true');
    mailEntry('b', 'Exec=b');
    mailEntry('c', 'Exec=c');
    mailEntry('d', '');
    mailEntry('e', 'Exec=../bin/a');
    expect(await listed()).toEqual({});
  });
});

describe('it is named as it will be named while it runs', () => {
  test('behind a link', async () => {
    const path = program('lib/mail/real');
    machine.link('bin/mail', path);
    mailEntry('mail', 'Exec=env LANG=C mail');
    expect(await listed()).toEqual({ mail: path });
  });

  test("behind a shell's wrapper, whose program lies in a folder of its name", async () => {
    program('bin/sh');
    program('bin/bird', `#!${machine.path('bin/sh')}\nexec something\n`);
    const path = program('lib/bird/bird-bin');
    machine.link('lib/bird/bird', 'bird-bin');
    mailEntry('bird', 'Exec=bird');
    expect(await listed()).toEqual({ bird: path });
  });

  test('not at all, when a wrapper does not show what it wraps', async () => {
    program('bin/sh');
    program('bin/bird', `#!${machine.path('bin/sh')}\nexec something\n`);
    mailEntry('bird', 'Exec=bird');
    expect(await listed()).toEqual({});
  });

  test('a script by its own path, behind links', async () => {
    const python = program('bin/python3.11');
    machine.link('bin/python3', 'python3.11');
    const offlineimap = program('share/offlineimap/run', '#!/usr/bin/env python3\n');
    machine.link('bin/offlineimap', offlineimap);
    const getmail = program('bin/getmail', `#!${machine.path('bin/python3')} -E\n`);
    const main = machine.file('share/geary/main.py', '');
    mailEntry('geary', `Exec=env LANG=C python3 -E ${main} %u`);
    mailEntry('module', 'Exec=python3 -m mail');
    mailEntry('gone', `Exec=python3 ${machine.path('share/gone.py')}`);
    expect(await listed()).toEqual({ offlineimap, getmail, geary: main, module: python, gone: python });
    const interpreters = (await listInstalled(machine)).filter((each) => each.interpreter);
    expect(interpreters.map((each) => each.name)).toEqual(['gone', 'module']);
  });

  test('a script of what is no interpreter to us by the program that runs it', async () => {
    const runner = program('bin/gjs');
    mailEntry('mail', `Exec=${program('bin/mail', `#!${runner}\n`)}`);
    expect(await listed()).toEqual({ mail: runner });
  });

  test('sandboxed ones by what they are', async () => {
    const image = program('home/Mail.AppImage');
    mailEntry('flat', 'Exec=/usr/bin/flatpak run org.x.Mail @@u %u @@\nX-Flatpak=org.x.Mail');
    mailEntry('snapped', 'Exec=/snap/bin/bird.main\nX-SnapInstanceName=bird');
    mailEntry('old-snap', 'Exec=env X=y /snap/bin/mail.main');
    mailEntry('image', `Exec=${image}`);
    expect(await listed()).toEqual({
      flat: 'flatpak:org.x.Mail',
      snapped: 'snap:bird',
      'old-snap': 'snap:mail',
      image: `appimage:${image}`,
    });
  });
});

describe('its icon', () => {
  const png = (size: number) =>
    Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(size - 8)]);
  const svg = '<?xml version="1.0"?>\n<!-- x -->\n<svg xmlns="http://www.w3.org/2000/svg"/>';

  async function icon(): Promise<string | undefined> {
    program('bin/mail');
    mailEntry('mail', 'Exec=mail\nIcon=mail');
    return (await listInstalled(machine))[0]?.icon;
  }

  test('is the fitting picture of the theme', async () => {
    machine.file('share/icons/hicolor/128x128/apps/mail.png', png(100));
    machine.file('share/icons/hicolor/scalable/apps/mail.svg', svg);
    expect(await icon()).toBe(`data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`);
    machine.file('share/icons/hicolor/48x48/apps/mail.png', png(64 * 1024));
    expect(await icon()).toBe(`data:image/png;base64,${png(64 * 1024).toString('base64')}`);
  });

  test('is not one that is too large', async () => {
    machine.file('share/icons/hicolor/48x48/apps/mail.png', png(64 * 1024 + 1));
    expect(await icon()).toBeUndefined();
  });

  test('is not a file that only has the name of a picture', async () => {
    machine.file('share/pixmaps/mail.png', 'root:secret:');
    machine.file('share/pixmaps/mail.svg', 'root:secret:');
    expect(await icon()).toBeUndefined();
  });

  test('may be named by its path, but not by a way through folders', async () => {
    const path = machine.file('opt/mail.png', png(20));
    program('bin/mail');
    mailEntry('mail', `Exec=mail\nIcon=${path}`);
    expect((await listInstalled(machine))[0]?.icon).toMatch(/^data:image\/png/);
    mailEntry('mail', 'Exec=mail\nIcon=../../../../../opt/mail');
    expect((await listInstalled(machine))[0]?.icon).toBeUndefined();
  });
});
