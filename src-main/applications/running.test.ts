import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { applicationSchema } from '../contract/api.ts';
import { identify } from './identity.ts';
import { type Machine, makeMachine } from './machine.fixture.ts';
import { listRunning } from './running.ts';

let machine: Machine;
beforeEach(() => {
  machine = makeMachine();
});
afterEach(() => machine.remove());

const flatpak = { exe: '/app/bin/bird', flatpakInfo: '[Application]\nname=org.x.Bird\n' };

describe('the programs that run', () => {
  test('are one row each, with their users and processes', async () => {
    machine.process(10, { exe: '/usr/bin/mutt' });
    machine.process(11, { exe: '/usr/bin/mutt', uid: 0 });
    machine.process(12, { exe: '/usr/bin/mutt (deleted)', uid: 4242 });
    machine.process(13, { exe: '/opt/mutt' });
    machine.process(14, {});
    expect(await listRunning(machine)).toEqual([
      {
        application: '/opt/mutt',
        name: 'mutt',
        path: '/opt/mutt',
        users: ['anna'],
        processes: 1,
        connections: [],
        interpreter: false,
      },
      {
        application: '/usr/bin/mutt',
        name: 'mutt',
        path: '/usr/bin/mutt',
        users: ['4242', 'anna', 'root'],
        processes: 3,
        connections: [],
        interpreter: false,
      },
    ]);
  });

  test('are a sandboxed one by what it is, whatever its processes', async () => {
    machine.process(10, flatpak);
    machine.process(11, { ...flatpak, exe: '/app/bin/helper' });
    expect(await listRunning(machine)).toMatchObject([
      { application: 'flatpak:org.x.Bird', path: '/app/bin/bird', processes: 2 },
    ]);
  });

  test('with open mail connections come first, with server and port', async () => {
    machine.process(10, { exe: '/usr/bin/aaa' });
    machine.process(20, { exe: '/usr/bin/zzz' });
    machine.process(21, { exe: '/usr/bin/zzz' });
    const connections = [
      { pid: 20, label: 'imap.example.org:993' },
      { pid: 21, label: 'imap.example.org:993' },
      { pid: 21, label: 'pop.example.org:995' },
      { pid: 99, label: 'gone.example.org:995' },
    ];
    const listed = await listRunning({ ...machine, connections });
    expect(listed.map(({ name, connections: open }) => [name, open])).toEqual([
      ['zzz', ['imap.example.org:993', 'pop.example.org:995']],
      ['aaa', []],
    ]);
  });

  test('are not the core itself', async () => {
    machine.process(10, { exe: '/usr/bin/node' });
    machine.process(11, { exe: '/usr/bin/node' });
    expect(await listRunning({ ...machine, ownPids: [10] })).toMatchObject([
      { processes: 1, interpreter: true },
    ]);
  });

  test('bear the name and icon of the entry that starts them', async () => {
    const path = machine.file('lib/bird/bird-bin', '\x7fELF', 0o755);
    machine.link('bin/bird', path);
    const entry = (id: string, lines: string) =>
      machine.file(`share/applications/${id}.desktop`, `[Desktop Entry]\nType=Application\n${lines}\n`);
    entry('bird', 'Name=The Bird\nExec=bird\nIcon=bird');
    entry('flat', 'Name=Flat Bird\nExec=/usr/bin/flatpak run org.x.Bird\nX-Flatpak=org.x.Bird');
    machine.file('share/pixmaps/bird.png', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'));
    machine.process(10, { exe: path });
    machine.process(11, flatpak);
    // Run from elsewhere, it is still known by its name.
    machine.process(12, { exe: '/old/lib/bird-bin' });
    const listed = await listRunning(machine);
    expect(listed.map(({ name, application }) => [name, application])).toEqual([
      ['Flat Bird', 'flatpak:org.x.Bird'],
      ['The Bird', '/old/lib/bird-bin'],
      ['The Bird', path],
    ]);
    expect(listed[2]?.icon).toBe('data:image/png;base64,iVBORw0KGgo=');
  });

  test('are not given the name of one script that their interpreter runs', async () => {
    const python = machine.file('bin/python3', '\x7fELF', 0o755);
    machine.file('bin/app', `#!${python}\n`, 0o755);
    machine.file('share/applications/app.desktop', '[Desktop Entry]\nType=Application\nName=App\nExec=app\n');
    machine.process(10, { exe: python });
    expect(await listRunning(machine)).toMatchObject([{ name: 'python3', interpreter: true }]);
  });

  test('are one row for each script of an interpreter, and one for the interpreter without any', async () => {
    const exe = '/usr/bin/python3.11';
    const getmail = machine.file(
      'bin/getmail',
      `#!${machine.file('bin/python3', '\x7fELF', 0o755)}\n`,
      0o755,
    );
    machine.file(
      'share/applications/getmail.desktop',
      '[Desktop Entry]\nType=Application\nName=Get Mail\nExec=getmail\n',
    );
    machine.process(10, { exe, argv: ['python3', getmail] });
    machine.process(11, { exe, argv: ['python3', getmail, '-x'] });
    machine.process(12, { exe, argv: ['python3', '/opt/sync.py'] });
    machine.process(13, { exe, argv: ['python3', '-m', 'http.server'] });
    const connections = [{ pid: 11, label: 'imap.example.org:993' }];
    expect(await listRunning({ ...machine, connections })).toMatchObject([
      {
        application: getmail,
        name: 'Get Mail',
        path: getmail,
        processes: 2,
        interpreter: false,
        connections: ['imap.example.org:993'],
      },
      { application: exe, name: 'python3.11', path: exe, processes: 1, interpreter: true },
      { application: '/opt/sync.py', name: 'sync.py', processes: 1, interpreter: false },
    ]);
  });

  test('of this machine are listed in the form of the contract, with this process', async () => {
    const listed = await listRunning();
    for (const each of listed) expect(applicationSchema.parse(each)).toEqual(each);
    const { script, path } = identify(process.pid) ?? {};
    const own = listed.find((each) => each.application === (script ?? path));
    expect(own?.processes).toBeGreaterThan(0);
  });
});
