import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadDesktopEntries, parseDesktopEntry } from './desktop-entry.ts';
import { type Machine, makeMachine } from './machine.fixture.ts';

const entry = (lines: string) =>
  parseDesktopEntry(`[Desktop Entry]\nType=Application\nName=X\n${lines}`, 'x');

describe('an entry', () => {
  test('is read with its lists; translations, comments and other groups do not count', () => {
    const text = `# comment
[Desktop Entry]
Type=Application
Name[nb]=Post
Name = Thunderbird
Name=Second
Exec=/usr/bin/thunderbird %u
Icon=thunderbird
Categories=Network;Email;
MimeType=message/rfc822;x-scheme-handler/mailto;
[Desktop Action Compose]
Name=Write
Exec=/usr/bin/thunderbird -compose
`;
    expect(parseDesktopEntry(text.replaceAll('\n', '\r\n'), 'thunderbird')).toEqual({
      id: 'thunderbird',
      name: 'Thunderbird',
      exec: ['/usr/bin/thunderbird'],
      icon: 'thunderbird',
      categories: ['Network', 'Email'],
      mimeTypes: ['message/rfc822', 'x-scheme-handler/mailto'],
      noDisplay: false,
      hidden: false,
      flatpak: undefined,
      snap: undefined,
    });
  });

  test.each([
    ['Exec=prog --name=%c %F', ['prog', '--name=%c']],
    ['Exec="/opt/My Mail/mail" --x "a \\\\"b\\\\" \\\\$c"', ['/opt/My Mail/mail', '--x', 'a "b" $c']],
    ['Exec=env LANG=C mail 100%%', ['env', 'LANG=C', 'mail', '100%']],
    ['Exec=mail\\sclient', ['mail', 'client']],
    ['Exec=mail "unclosed', ['mail', 'unclosed']],
    ['Exec=', []],
    ['', []],
  ])('%s is taken apart', (line, exec) => {
    expect(entry(line)?.exec).toEqual(exec);
  });

  test.each([
    '',
    '\0\0\0',
    '[Desktop Entry',
    '[Desktop Entry]\nType=Link\nName=X\n',
    '[Desktop Entry]\nType=Application\n',
  ])('%j is none', (text) => {
    expect(parseDesktopEntry(text, 'x')).toBeUndefined();
  });
});

describe('all entries', () => {
  let machine: Machine;
  beforeEach(() => {
    machine = makeMachine();
  });
  afterEach(() => machine.remove());

  const add = (name: string, lines: string) =>
    machine.file(name, `[Desktop Entry]\nType=Application\n${lines}\n`);
  const names = async () =>
    (await loadDesktopEntries(machine.dataDirs)).map(({ id, name }) => `${id}=${name}`).sort();

  test('come from all directories and their folders, the earlier directory first', async () => {
    add('share/applications/a.desktop', 'Name=system');
    add('local/share/applications/a.desktop', 'Name=local');
    add('share/applications/kde/b.desktop', 'Name=folder');
    add('share/applications/c.txt', 'Name=none');
    expect(await names()).toEqual(['a=local', 'kde-b=folder']);
  });

  test('a hidden one takes back that of a later directory', async () => {
    add('share/applications/a.desktop', 'Name=system');
    add('local/share/applications/a.desktop', 'Hidden=true');
    expect(await names()).toEqual([]);
  });

  test('one too large, a broken link and a folder of that name do not keep the others', async () => {
    add('share/applications/a.desktop', `Name=${'x'.repeat(256 * 1024)}`);
    machine.link('share/applications/b.desktop', 'nowhere');
    add('share/applications/c.desktop/d.desktop', 'Name=inner');
    add('share/applications/e.desktop', 'Name=good');
    expect(await names()).toEqual(['c.desktop-d=inner', 'e=good']);
  });

  test('folders are entered three deep', async () => {
    add('share/applications/1/2/deep.desktop', 'Name=in');
    add('share/applications/1/2/3/deeper.desktop', 'Name=out');
    expect(await names()).toEqual(['1-2-deep=in']);
  });
});
