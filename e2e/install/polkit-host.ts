// A host of the lab with the system parts that pkexec needs: a private view of the file system, in which polkit, the bus and
// two users are at home, and whatever is installed or trusted is gone afterwards.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Lab, RunResult } from '../support/netns.ts';

/** Of no user or group that a system has. */
export const ada = { name: 'ada', uid: 41_001 } as const;
export const bob = { name: 'bob', uid: 41_002 } as const;
export type Person = typeof ada | typeof bob;

/** Before a command line: a user's connections, with a mail program's files in a directory of root's. */
export const asUser = (user: string | number) => [
  'setpriv',
  `--reuid=${user}`,
  '--keep-groups',
  '--inh-caps=+dac_override',
  '--ambient-caps=+dac_override',
];

export interface PolkitHost {
  /** The command line that runs `argv` there as root. */
  argv(argv: readonly string[]): string[];
  /** The same as one of the users. */
  argvOf(person: Person, argv: readonly string[]): string[];
  run(argv: readonly string[]): Promise<RunResult>;
  runAs(person: Person, argv: readonly string[]): Promise<RunResult>;
  /** Where the project lies there, whoever may read its real place. */
  readonly project: string;
  stop(): Promise<void>;
}

/** Stands in for a session and for passwords: ada sits at the machine and knows an administrator's, bob does neither. */
const labRule = `polkit.addRule(function (action, subject) {
  if (action.id === 'org.postern.netfilter.local' || action.id === 'org.postern.trust.local') {
    return subject.user === '${ada.name}' ? polkit.Result.YES : polkit.Result.NO;
  }
});
`;

const project = '/run/postern-clone';

/** Runs in the new mount namespace; `$1` is the lab's directory, `$2` the project. Ends with the input. */
const setUp = `set -e
mount -t tmpfs -o mode=755 tmpfs /run
mkdir ${project} /run/dbus
mount --bind "$2" ${project}
mount -t tmpfs -o mode=755 tmpfs /usr/local/lib
for place in /etc /usr/local/share; do
  mkdir -p "$1/copies$place"
  cp -a "$place/." "$1/copies$place"
  mount --bind "$1/copies$place" "$place"
done
cp -a /usr/share/polkit-1/actions "$1/actions"
mount --bind "$1/actions" /usr/share/polkit-1/actions
mount --bind "$1/rules" /etc/polkit-1/rules.d
for file in passwd group; do mount --bind "$1/$file" "/etc/$file"; done
dbus-daemon --system --nofork --nopidfile >&2 &
bus=$!
while [ ! -S /run/dbus/system_bus_socket ]; do sleep 0.05; done
/usr/lib/polkit-1/polkitd --no-debug >&2 &
polkit=$!
until dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.GetNameOwner \\
  string:org.freedesktop.PolicyKit1 >/dev/null 2>&1; do sleep 0.05; done
echo ready
read -r _ || true
kill $polkit $bus
wait || true
`;

function writeFiles(directory: string): void {
  const rules = join(directory, 'rules');
  mkdirSync(rules);
  writeFileSync(join(rules, '10-lab.rules'), labRule);
  const [passwd, group] = ['passwd', 'group'].map((name) => readFileSync(`/etc/${name}`, 'utf8'));
  const people = [ada, bob];
  const homes = people.map(({ name, uid }) => {
    const home = join(directory, name);
    mkdirSync(home, { mode: 0o700 });
    chownSync(home, uid, uid);
    return `${name}:x:${uid}:${uid}::${home}:/bin/sh\n`;
  });
  writeFileSync(join(directory, 'passwd'), [passwd, ...homes].join(''));
  writeFileSync(
    join(directory, 'group'),
    [group, ...people.map(({ name, uid }) => `${name}:x:${uid}:\n`)].join(''),
  );
}

function toEnd(argv: readonly string[], options: SpawnOptions = {}): Promise<RunResult> {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (status) => done({ status, stdout, stderr }));
  });
}

async function untilReady(holder: ChildProcess): Promise<void> {
  let said = '';
  holder.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ready = once(holder.stdout ?? holder, 'data');
  const ended = once(holder, 'exit').then(([code]) => {
    throw new Error(`the host ended with ${code}: ${said}`);
  });
  await Promise.race([ready, ended]);
  ended.catch(() => undefined);
}

/** Makes the client host of a lab one with polkit. `directory`: an empty one that every user may enter. */
export async function startPolkitHost(lab: Lab, directory: string): Promise<PolkitHost> {
  writeFiles(directory);
  const holder = lab.client(['unshare', '-m', 'sh', '-c', setUp, 'sh', directory, resolve('.')], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  await untilReady(holder);
  // A failing end is seen by what is asked of the host.
  const argv = (words: readonly string[]) => ['nsenter', '-t', String(holder.pid), '-m', '-n', ...words];
  const argvOf = ({ uid, name }: Person, words: readonly string[]) => {
    const identity = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
    const environment = ['env', '-i', 'PATH=/usr/bin:/bin', 'SHELL=/bin/sh', `HOME=${join(directory, name)}`];
    return argv([...identity, ...environment, ...words]);
  };
  return {
    project,
    argv,
    argvOf,
    run: (words) => toEnd(argv(words)),
    runAs: (person, words) => toEnd(argvOf(person, words)),
    async stop() {
      if (holder.exitCode !== null) return;
      const gone = once(holder, 'exit');
      holder.stdin?.end();
      await gone;
    },
  };
}
