// A made machine in a temporary folder, for the tests: processes, programs, desktop entries, icons.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface MadeProcess {
  /** Target of the exe link; absent for a kernel thread. */
  readonly exe?: string;
  readonly uid?: number;
  readonly cgroup?: string;
  readonly flatpakInfo?: string;
  readonly environ?: readonly string[];
  /** The command line; a process that has one sees the root of this machine. */
  readonly argv?: readonly string[];
  readonly cwd?: string;
  /** Number of the mount namespace; that of the core is 1. */
  readonly mounts?: number;
}

export interface Machine {
  readonly procRoot: string;
  readonly passwdPath: string;
  readonly dataDirs: readonly string[];
  readonly binDirs: readonly string[];
  readonly libDirs: readonly string[];
  /** Path of a file below the folder of the machine. */
  path(name: string): string;
  file(name: string, content: string | Uint8Array, mode?: number): string;
  link(name: string, target: string): void;
  process(pid: number, made: MadeProcess): void;
  remove(): void;
}

export function makeMachine(): Machine {
  const root = mkdtempSync(join(tmpdir(), 'postern-machine-'));
  const path = (name: string) => join(root, name);
  const ready = (name: string) => {
    mkdirSync(dirname(path(name)), { recursive: true });
    return path(name);
  };
  const file = (name: string, content: string | Uint8Array, mode = 0o644) => {
    writeFileSync(ready(name), content);
    chmodSync(path(name), mode);
    return path(name);
  };
  const link = (name: string, target: string) => symlinkSync(target, ready(name));
  link('proc/self/ns/mnt', 'mnt:[1]');
  return {
    procRoot: path('proc'),
    passwdPath: file(
      'etc/passwd',
      'root:x:0:0:root:/root:/bin/sh\nanna:x:1000:1000::/home/anna:/bin/sh\nbroken\n',
    ),
    dataDirs: [path('local/share'), path('share')],
    binDirs: [path('local/bin'), path('bin')],
    libDirs: [path('lib')],
    path,
    file,
    link,
    process(pid, made) {
      const { exe, uid = 1000, cgroup = '0::/init.scope\n', flatpakInfo, environ = [] } = made;
      const { argv, cwd, mounts = 1 } = made;
      const folder = `proc/${pid}`;
      file(`${folder}/status`, `Name:\tx\nUid:\t1\t${uid}\t2\t3\n`);
      file(`${folder}/cgroup`, cgroup);
      file(`${folder}/environ`, environ.map((variable) => `${variable}\0`).join(''));
      link(`${folder}/ns/mnt`, `mnt:[${mounts}]`);
      if (argv !== undefined) file(`${folder}/cmdline`, argv.map((word) => `${word}\0`).join(''));
      if (argv !== undefined && flatpakInfo === undefined) link(`${folder}/root`, '/');
      if (cwd !== undefined) link(`${folder}/cwd`, cwd);
      if (exe !== undefined) link(`${folder}/exe`, exe);
      if (flatpakInfo !== undefined) file(`${folder}/root/.flatpak-info`, flatpakInfo);
    },
    remove: () => rmSync(root, { recursive: true }),
  };
}
