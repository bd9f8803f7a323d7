// Who is at a client's end, for real: programs in sandboxes, scripts, upgraded, replaced and ended programs, and those of
// other users, in a network namespace.
import { type ChildProcess, type SpawnOptions, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ConnectionOwner } from '../../src-main/contract/connection.ts';
import { makeDirectory } from '../support/directory.ts';
import { createLab, type Lab } from '../support/netns.ts';
import { missingTools } from '../support/tools.ts';

const missing = missingTools(['setpriv', 'bash', 'python3'], { namespaces: true });

const bubblewrap = 'bwrap';

/** Whether bubblewrap may make user namespaces here. */
function missingSandbox(): string | undefined {
  const tools = missingTools([bubblewrap]);
  if (tools !== undefined) return tools;
  const { status } = spawnSync(bubblewrap, [
    '--unshare-user',
    '--unshare-pid',
    '--ro-bind',
    '/',
    '/',
    'true',
  ]);
  return status === 0 ? undefined : ' (SKIPPED: needs user namespaces)';
}

const port = 4143;
const otherUser = 65534;
const asOther = ['setpriv', `--reuid=${otherUser}`, `--regid=${otherUser}`, '--clear-groups'];

interface Seen {
  readonly port: number;
  readonly owner: ConnectionOwner | undefined;
}

describe.skipIf(missing !== undefined)(`the owner of a connection${missing ?? ''}`, () => {
  let lab: Lab;
  let directory: string;
  let program: ChildProcess;
  let lines: AsyncIterator<string>;

  beforeAll(async () => {
    directory = makeDirectory('owners');
    chmodSync(directory, 0o755);
    lab = await createLab();
  });
  afterAll(async () => {
    await lab?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  async function next(): Promise<Seen> {
    return JSON.parse((await lines.next()).value) as Seen;
  }

  async function startProgram(...args: readonly string[]): Promise<void> {
    program = lab.client(
      [process.execPath, resolve(import.meta.dirname, 'lab-owners.ts'), String(port), ...args],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    if (!program.stdout) throw new Error('no output to read');
    lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
    await next();
  }

  async function end(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  beforeEach(() => startProgram());
  afterEach(() => end(program));

  /** A mail program at a path of its own: bash, which connects by itself and runs what `then` says. */
  const connecting = (then = 'read') => ['-c', `exec 3<>/dev/tcp/127.0.0.1/${port}; ${then}`];

  function install(path: string): string {
    const file = join(directory, path);
    mkdirSync(join(file, '..'), { recursive: true });
    copyFileSync('/bin/bash', file);
    chmodSync(file, 0o755);
    return file;
  }

  const running = (argv: readonly string[], options: SpawnOptions = {}) =>
    lab.client(argv, { stdio: ['pipe', 'ignore', 'inherit'], ...options });

  /** Starts a client and waits for its connection. */
  async function ownerOf(
    argv: readonly string[],
    options?: SpawnOptions,
  ): Promise<Seen & { child: ChildProcess }> {
    const child = running(argv, options);
    return { ...(await next()), child };
  }

  async function lookAgain(clientPort: number): Promise<Seen> {
    program.stdin?.write(`${clientPort}\n`);
    return await next();
  }

  test('is a plain program, also after it was upgraded', async () => {
    const path = install('bin/mail');
    const { owner, port: clientPort, child } = await ownerOf([path, ...connecting()]);
    expect(owner).toEqual({ uid: 0, pid: child.pid, path });
    rmSync(path);
    install('bin/mail');
    expect(readlinkSync(`/proc/${child.pid}/exe`)).toBe(`${path} (deleted)`);
    expect((await lookAgain(clientPort)).owner).toEqual({ uid: 0, pid: child.pid, path });
    await end(child);
  });

  test('is the program that the process runs now', async () => {
    const [first, second] = [install('bin/first'), install('bin/second')];
    const exec = `read line; exec ${second} -c 'exec 4<>/dev/tcp/127.0.0.1/${port}; read'`;
    const { owner, port: clientPort, child } = await ownerOf([first, ...connecting(exec)]);
    expect(owner).toEqual({ uid: 0, pid: child.pid, path: first });
    child.stdin?.write('\n');
    expect((await next()).owner).toEqual({ uid: 0, pid: child.pid, path: second });
    expect((await lookAgain(clientPort)).owner).toEqual({ uid: 0, pid: child.pid, path: second });
    await end(child);
  });

  test('is a script by its path', async () => {
    const script = join(directory, 'getmail.py');
    writeFileSync(
      script,
      `#!/usr/bin/env python3\nimport socket, sys\nconnection = socket.create_connection(("127.0.0.1", ${port}))\nsys.stdin.read()\n`,
    );
    chmodSync(script, 0o755);
    const link = join(directory, 'getmail');
    symlinkSync(script, link);
    const { owner, child } = await ownerOf([link]);
    expect(owner).toMatchObject({ uid: 0, script });
    expect(owner?.path).toMatch(/\/python[0-9.]*$/);
    await end(child);
  });

  test('is a user without a process when the program has ended', async () => {
    const { owner, port: clientPort, child } = await ownerOf([...asOther, 'bash', ...connecting()]);
    expect(owner).toMatchObject({ uid: otherUser, pid: child.pid });
    await end(child);
    const after = (await lookAgain(clientPort)).owner;
    // Older kernels forget the user with the process.
    expect([{ uid: otherUser }, { uid: 0 }]).toContainEqual(after);
  });

  test('is seen by its own user, and without its process by another', async () => {
    await end(program);
    await startProgram(String(otherUser));
    const own = await ownerOf([...asOther, 'bash', ...connecting()]);
    expect(own.owner).toMatchObject({ uid: otherUser, pid: own.child.pid });
    const other = await ownerOf(['bash', ...connecting()]);
    expect(other.owner).toEqual({ uid: 0 });
    await Promise.all([end(own.child), end(other.child)]);
  });

  test('is an AppImage by where it lies', async () => {
    const path = install('.mount_MailxYz/usr/bin/mail');
    const { owner, child } = await ownerOf([path, ...connecting()], {
      env: { ...process.env, APPIMAGE: '/home/anna/Mail.AppImage' },
    });
    expect(owner).toEqual({
      uid: 0,
      pid: child.pid,
      path,
      sandboxId: 'appimage:/home/anna/Mail.AppImage',
    });
    await end(child);
  });

  const noSandbox = missingSandbox();
  describe.skipIf(noSandbox !== undefined)(`in a sandbox${noSandbox ?? ''}`, () => {
    /** In a root of its own, which holds the system's programs and what is given. */
    const sandboxed = (options: readonly string[], argv: readonly string[]) => [
      ...[bubblewrap, '--die-with-parent', '--ro-bind', '/usr', '/usr'],
      ...['/bin', '/lib', '/lib64'].flatMap((path) => ['--symlink', `usr${path}`, path]),
      ...['--proc', '/proc', '--dev', '/dev'],
      ...options,
      ...argv,
    ];

    test('is a Flatpak by its name, from outside its user and process namespaces', async () => {
      const path = install('flatpak/bin/mail');
      const info = join(directory, 'flatpak-info');
      writeFileSync(info, '[Application]\nname=org.example.Mail\nruntime=runtime/org.example.Platform\n');
      const options = [
        ...['--unshare-user', '--unshare-pid'],
        ...['--ro-bind', join(path, '../..'), '/app', '--ro-bind', info, '/.flatpak-info'],
      ];
      const { owner, child } = await ownerOf(sandboxed(options, ['/app/bin/mail', ...connecting()]));
      expect(owner).toEqual({
        uid: 0,
        pid: expect.any(Number),
        path: '/app/bin/mail',
        sandboxId: 'flatpak:org.example.Mail',
      });
      expect(owner?.pid).not.toBe(child.pid);
      await end(child);
    });

    test('is a Snap by its path', async () => {
      const path = install('snap/usr/bin/mail');
      const options = ['--ro-bind', join(path, '../../..'), '/snap/mail-bird/42'];
      const argv = sandboxed(options, ['/snap/mail-bird/42/usr/bin/mail', ...connecting()]);
      const { owner, child } = await ownerOf(argv);
      expect(owner).toMatchObject({
        path: '/snap/mail-bird/42/usr/bin/mail',
        sandboxId: 'snap:mail-bird',
      });
      await end(child);
    });

    test('is a script that only the sandbox has by the path there', async () => {
      const script = join(directory, 'own.sh');
      writeFileSync(script, `exec 3<>/dev/tcp/127.0.0.1/${port}\nread\n`);
      const options = ['--ro-bind', script, '/opt/own.sh'];
      const { owner, child } = await ownerOf(sandboxed(options, ['bash', '/opt/own.sh']));
      expect(owner).toMatchObject({ script: '/opt/own.sh' });
      await end(child);
    });
  });
});
