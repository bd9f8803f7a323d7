// The programs that run now, for the picker of "Excluded applications": one row a program, however many processes it has, and
// one for each script of an interpreter.
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Application } from '../contract/api.ts';
import { isInterpreter } from '../contract/application-rule.ts';
import { identify } from './identity.ts';
import { uidOf } from './process-files.ts';
import { createLauncherIndex, iconField, loadLaunchers, type ProgramSources } from './program-names.ts';

export interface RunningOptions extends ProgramSources {
  readonly procRoot?: string;
  readonly passwdPath?: string;
  /** Processes that are not listed: the core's own. */
  readonly ownPids?: readonly number[];
  /** Open mail connections; `label` is the server and port: `imap.example.org:993`. */
  readonly connections?: readonly { readonly pid: number; readonly label: string }[];
}

/** Processes that are looked at without a turn of the event loop, at about 0.2 ms each. */
const processesPerTurn = 20;

interface Group {
  readonly application: string;
  /** Of the executable, or of the script that it runs. */
  readonly path: string;
  readonly interpreter: boolean;
  readonly uids: Set<number>;
  readonly pids: number[];
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Names of users by uid (passwd(5)). */
function readUsers(path: string): ReadonlyMap<number, string> {
  const users = new Map<number, string>();
  for (const line of textOf(path).split('\n')) {
    const [name, , uid] = line.split(':');
    if (name && uid && /^\d+$/.test(uid) && !users.has(Number(uid))) users.set(Number(uid), name);
  }
  return users;
}

async function groupProcesses(procRoot: string, left: readonly number[]): Promise<Group[]> {
  const groups = new Map<string, Group>();
  const pids = readdirSync(procRoot)
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  for (const [i, pid] of pids.entries()) {
    if (i % processesPerTurn === processesPerTurn - 1) await setImmediate();
    const program = left.includes(pid) ? undefined : identify(pid, procRoot);
    // Kernel threads have no executable.
    if (!program) continue;
    const path = program.script ?? program.path;
    const application = program.sandboxId ?? path;
    const interpreter = program.script === undefined && isInterpreter(path);
    const group = groups.get(application) ?? { application, path, interpreter, uids: new Set(), pids: [] };
    groups.set(application, group);
    group.pids.push(pid);
    const uid = uidOf(`${procRoot}/${pid}`);
    if (uid !== undefined) group.uids.add(uid);
  }
  return [...groups.values()];
}

/** Those with open mail connections first, then by name. */
function byUse(a: Application, b: Application): number {
  return (
    Number(b.connections.length > 0) - Number(a.connections.length > 0) ||
    a.name.localeCompare(b.name, 'en') ||
    a.application.localeCompare(b.application, 'en')
  );
}

/** Lists what runs, as far as this user may see it. Takes some 0.2 s on a desktop, in short slices. */
export async function listRunning(options: RunningOptions = {}): Promise<Application[]> {
  const { procRoot = '/proc', passwdPath = '/etc/passwd', ownPids = [], connections = [] } = options;
  const launcherOf = createLauncherIndex(await loadLaunchers(options));
  const users = readUsers(passwdPath);
  const applications = (await groupProcesses(procRoot, ownPids)).map((group) => {
    const { application, path, interpreter, uids, pids } = group;
    const launcher = launcherOf(application, path);
    const labels = connections.filter(({ pid }) => pids.includes(pid)).map(({ label }) => label);
    return {
      application,
      name: launcher?.entry.name ?? basename(path),
      path,
      ...iconField(launcher, options),
      users: [...uids].map((uid) => users.get(uid) ?? String(uid)).sort(),
      processes: pids.length,
      connections: [...new Set(labels)],
      interpreter,
    };
  });
  return applications.sort(byUse);
}
