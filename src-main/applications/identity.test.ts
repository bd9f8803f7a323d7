import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { identify } from './identity.ts';
import { type Machine, type MadeProcess, makeMachine } from './machine.fixture.ts';

let machine: Machine;
beforeEach(() => {
  machine = makeMachine();
});
afterEach(() => machine.remove());

function identityOf(made: MadeProcess) {
  machine.process(10, made);
  return identify(10, machine.procRoot);
}

describe('a plain program', () => {
  test('is its executable', () => {
    expect(identityOf({ exe: '/usr/bin/mutt' })).toEqual({ path: '/usr/bin/mutt' });
  });

  test('keeps its name after an upgrade', () => {
    expect(identityOf({ exe: '/usr/bin/mutt (deleted)' })).toEqual({ path: '/usr/bin/mutt' });
  });

  test('has none when it is a kernel thread, or is gone', () => {
    expect(identityOf({})).toBeUndefined();
    expect(identify(11, machine.procRoot)).toBeUndefined();
  });

  test('of this very test is Node', () => {
    expect(identify(process.pid)?.path).toBe(process.execPath);
  });
});

describe('a Flatpak', () => {
  const info = '[Application]\nname=org.mozilla.Thunderbird\nruntime=runtime/x\n\n[Instance]\nname=wrong\n';

  test('is named by its own file', () => {
    expect(identityOf({ exe: '/app/bin/thunder', flatpakInfo: info })).toEqual({
      path: '/app/bin/thunder',
      sandboxId: 'flatpak:org.mozilla.Thunderbird',
    });
  });

  test('is named by its unit when that can not be read, with what systemd escapes', () => {
    const cgroup = '0::/user.slice/app.slice/app-flatpak-org.some\\x2dname.App-4711.scope\n';
    expect(identityOf({ exe: '/app/bin/x', cgroup })?.sandboxId).toBe('flatpak:org.some-name.App');
  });

  test.each([
    ['a name in another group', '[Instance]\nname=org.x\n'],
    ['no name', '[Application]\n[Instance]\nname=org.x\n'],
    ['a name that is none', '[Application]\nname=a b/../c\n'],
    ['nothing', ''],
  ])('is not recognised by %s', (_, flatpakInfo) => {
    expect(identityOf({ exe: '/app/bin/x', flatpakInfo })).toEqual({ path: '/app/bin/x' });
  });
});

describe('a Snap', () => {
  test.each(['/snap/thunderbird/512/usr/lib/tb', '/var/lib/snapd/snap/thunderbird/x1/tb'])(
    'is named by its path %s',
    (exe) => {
      expect(identityOf({ exe })?.sandboxId).toBe('snap:thunderbird');
    },
  );

  test('is named by its unit when its program is from the base system', () => {
    const cgroup = '0::/user.slice/snap.mail-client.main-1234.scope\n';
    expect(identityOf({ exe: '/usr/bin/python3.10', cgroup, mounts: 2 })?.sandboxId).toBe('snap:mail-client');
  });

  test("what runs in a classic Snap's terminal is itself", () => {
    const cgroup = '0::/user.slice/snap.code.code-1234.scope\n';
    expect(identityOf({ exe: '/usr/bin/mutt', cgroup, mounts: 1 })).toEqual({ path: '/usr/bin/mutt' });
  });
});

describe('an AppImage', () => {
  const environ = ['HOME=/home/anna', 'XAPPIMAGE=/no', 'APPIMAGE=/home/anna/My Mail.AppImage'];

  test('is named by where it lies', () => {
    expect(identityOf({ exe: '/tmp/.mount_MyMailx8Z/usr/bin/mail', environ })?.sandboxId).toBe(
      'appimage:/home/anna/My Mail.AppImage',
    );
  });

  test('does not lend its name to the programs that it starts', () => {
    expect(identityOf({ exe: '/usr/bin/firefox', environ })).toEqual({ path: '/usr/bin/firefox' });
  });
});

describe('a script', () => {
  const exe = '/usr/bin/python3.11';

  test('is named beside its interpreter, by the file that it is in the end', () => {
    const script = machine.file('lib/getmail/main.py', '');
    machine.link('bin/getmail', script);
    expect(identityOf({ exe, argv: ['python3', '-E', machine.path('bin/getmail'), '--idle'] })).toEqual({
      path: exe,
      script,
    });
  });

  test('that was typed without a folder lies where its process is', () => {
    const script = machine.file('home/mail.py', '');
    expect(identityOf({ exe, argv: ['python3', './mail.py'], cwd: machine.path('home') })?.script).toBe(
      script,
    );
  });

  test('is not guessed when its process has gone elsewhere since, or its folder is gone', () => {
    machine.file('home/mail.py', '');
    machine.process(11, { exe, argv: ['python3', 'mail.py'], cwd: machine.path('.') });
    machine.process(12, { exe, argv: ['python3', 'mail.py'], cwd: `${machine.path('home')} (deleted)` });
    machine.process(13, { exe, argv: ['python3', 'mail.py'] });
    machine.process(14, { exe, argv: ['python3', 'mail.py'], cwd: '(unreachable)/home' });
    for (const pid of [11, 12, 13, 14]) expect(identify(pid, machine.procRoot)).toEqual({ path: exe });
  });

  test('that was removed, or lies in another root, keeps the path that was typed', () => {
    expect(identityOf({ exe, argv: ['python3', '/opt/../opt/gone.py'] })?.script).toBe('/opt/gone.py');
    const link = machine.path('bin/other');
    machine.link('bin/other', machine.file('lib/other.py', ''));
    machine.process(11, { exe, argv: ['python3', link], flatpakInfo: '' });
    expect(identify(11, machine.procRoot)?.script).toBe(link);
  });

  test('is not one that comes through a descriptor, and a plain program has none', () => {
    expect(identityOf({ exe: '/bin/bash', argv: ['bash', '/dev/fd/63'] })).toEqual({ path: '/bin/bash' });
    machine.process(11, { exe: '/usr/bin/mutt', argv: ['mutt', '/etc/passwd'] });
    expect(identify(11, machine.procRoot)).toEqual({ path: '/usr/bin/mutt' });
  });

  test('inside a sandbox lends it no name', () => {
    const flatpakInfo = '[Application]\nname=org.x.Mail\n';
    expect(identityOf({ exe, argv: ['python3', '/app/bin/mail'], flatpakInfo })).toEqual({
      path: exe,
      sandboxId: 'flatpak:org.x.Mail',
    });
  });
});
