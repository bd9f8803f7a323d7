// A small Debian with systemd, made once and kept beside the tests' other downloads; and a machine that boots it within a
// host of the lab.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunResult } from '../support/netns.ts';
import { missingTools } from '../support/tools.ts';

const mirror = 'http://deb.debian.org/debian';
const release = 'bookworm';
/** What the package asks for, what the tests do there, and an init to boot. */
const packages = 'adduser,ca-certificates,curl,dbus,iproute2,libnss3-tools,nftables,openssl,systemd-sysv';
/** One that was made of other packages is not taken for it. */
const composition = createHash('sha256').update(packages).digest('hex').slice(0, 8);

const tools = ['debootstrap', 'systemd-nspawn', 'nsenter', 'setpriv', 'tar'];

const cache = () => join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'postern', 'debian');
const baseArchive = () => join(cache(), `base-${release}-${composition}.tar`);

/** A machine takes four seconds to be up; a busy one may need more. */
const maxBootMs = 60_000;

/** The reason to skip, to be put behind a title, or undefined when a machine can be booted. */
export function missingBase(): string | undefined {
  return (
    missingTools(tools, { namespaces: true }) ??
    (existsSync(baseArchive()) ? undefined : ' (SKIPPED: needs a Debian base, made by npm test)')
  );
}

/** Sees to it that there is a base that boots here, and answers whether there is. */
export async function ensureDebianBase(): Promise<boolean> {
  const missing = missingTools(tools, { namespaces: true });
  if (missing !== undefined) return false;
  if (existsSync(baseArchive())) return true;
  console.error(`Making a small Debian for the tests of the package: ${baseArchive()}`);
  mkdirSync(cache(), { recursive: true, mode: 0o700 });
  const made = mkdtempSync(join(cache(), '.partial-'));
  try {
    const root = join(made, 'root');
    const { status, stdout } = spawnSync(
      'debootstrap',
      ['--variant=minbase', `--include=${packages}`, release, root, mirror],
      { encoding: 'utf8' },
    );
    if (status !== 0) {
      console.error(`${stdout}\nCould not be made.`);
      return false;
    }
    execFileSync('tar', [
      '-C',
      root,
      '--exclude=./var/cache/apt/archives/*.deb',
      '-cf',
      join(made, 'base.tar'),
      '.',
    ]);
    // Not every container may boot one in itself.
    const machine = await bootMachine({ archive: join(made, 'base.tar') }).catch((error: unknown) => {
      console.error(`No machine boots here, so that the package is not tested: ${String(error)}`);
      return undefined;
    });
    await machine?.stop();
    if (machine === undefined) return false;
    const older = readdirSync(cache()).filter((name) => name.startsWith('base-'));
    renameSync(join(made, 'base.tar'), baseArchive());
    for (const name of older) rmSync(join(cache(), name));
    return true;
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

export interface MachineOptions {
  /** A network namespace for it to be in; default: one of its own. */
  readonly network?: string;
  /** A directory that lies at the same place there. */
  readonly shared?: string;
  /** Files below /etc. */
  readonly etc?: Readonly<Record<string, string>>;
  readonly archive?: string;
}

export interface Machine {
  /** The command line that runs `argv` there as root. */
  argv(argv: readonly string[]): string[];
  run(...argv: readonly string[]): Promise<RunResult>;
  /** A path there, as it is called here. */
  path(path: string): string;
  stop(): Promise<void>;
}

/** The process that is number 1 there: the only child that nspawn has. */
function firstProcess(nspawn: ChildProcess): number | undefined {
  const children = readFileSync(`/proc/${nspawn.pid}/task/${nspawn.pid}/children`, 'utf8').trim();
  return children === '' ? undefined : Number(children.split(' ')[0]);
}

/** Boots the base, and waits until its services run. */
export async function bootMachine(options: MachineOptions = {}): Promise<Machine> {
  const { network, shared, etc = {}, archive = baseArchive() } = options;
  const root = mkdtempSync(join(tmpdir(), 'postern-machine-'));
  execFileSync('tar', ['-C', root, '-xpf', archive]);
  for (const [name, text] of Object.entries(etc)) writeFileSync(join(root, 'etc', name), text);
  const nspawn = spawn(
    'systemd-nspawn',
    [
      '--quiet',
      '--boot',
      `--directory=${root}`,
      network === undefined ? '--private-network' : `--network-namespace-path=/run/netns/${network}`,
      '--capability=CAP_NET_ADMIN',
      '--resolv-conf=off',
      // It works without a systemd around it, too.
      '--register=no',
      '--keep-unit',
      ...(shared === undefined ? [] : [`--bind=${shared}`]),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  for (const stream of [nspawn.stdout, nspawn.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const stop = async () => {
    if (nspawn.exitCode === null && nspawn.signalCode === null) {
      const gone = once(nspawn, 'exit');
      // It is thrown away, so that nothing needs an orderly end; and one stops all processes first (systemd-shutdown), also
      // what we run there, whose `nsenter` then stops as well and is never continued.
      const first = firstProcess(nspawn);
      if (first === undefined) nspawn.kill('SIGKILL');
      else process.kill(first, 'SIGKILL');
      await gone;
    }
    rmSync(root, { recursive: true, force: true });
  };
  const argv = (words: readonly string[]) => {
    const spaces = ['-m', '-u', '-i', '-n', '-p', '-C', '-r', '-w'];
    return [
      'nsenter',
      '-t',
      String(firstProcess(nspawn)),
      ...spaces,
      'env',
      '-i',
      'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
      ...words,
    ];
  };
  const run = async (...words: readonly string[]): Promise<RunResult> => {
    const [program = '', ...args] = argv(words);
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [status] = await once(child, 'close');
    return { status, stdout, stderr };
  };
  const deadline = performance.now() + maxBootMs;
  for (let state = ''; !/running|degraded/.test(state); ) {
    if (nspawn.exitCode !== null || performance.now() > deadline) {
      await stop();
      throw new Error(`the machine does not boot: ${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
    if (firstProcess(nspawn) !== undefined) state = (await run('systemctl', 'is-system-running')).stdout;
  }
  // A machine has its own; nspawn gives a read-only one to a network that it did not make.
  await run('mount', '-o', 'remount,bind,rw', '/proc/sys');
  return { argv, run, path: (path) => join(root, path), stop };
}
