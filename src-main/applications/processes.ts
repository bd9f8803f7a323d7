// The processes that run now, with the words and the home directory that they were started with.
import { readdirSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { textOf, uidOf } from './process-files.ts';

export interface Process {
  readonly pid: number;
  /** Effective. */
  readonly uid: number;
  readonly argv: readonly string[];
  /** The home directory that it was started with; undefined: none, or it can't be read. */
  readonly home: string | undefined;
}

/** A page and more; what is cut off loses its last words. */
const maxArgumentBytes = 64 * 1024;

/** A desktop's environment has some 5 KB. */
const maxEnvironmentBytes = 256 * 1024;

/** Processes that are looked at without a turn of the event loop. */
const processesPerTurn = 50;

/** One that ends meanwhile, or has no words (a kernel thread), is left out. */
export async function listProcesses(procRoot = '/proc'): Promise<Process[]> {
  const found: Process[] = [];
  const pids = readdirSync(procRoot).filter((name) => /^\d+$/.test(name));
  for (const [i, pid] of pids.entries()) {
    if (i % processesPerTurn === processesPerTurn - 1) await setImmediate();
    const uid = uidOf(`${procRoot}/${pid}`);
    const argv = textOf(`${procRoot}/${pid}/cmdline`, maxArgumentBytes)?.split('\0').slice(0, -1) ?? [];
    if (uid === undefined || argv.length === 0) continue;
    const environment = textOf(`${procRoot}/${pid}/environ`, maxEnvironmentBytes)?.split('\0');
    const home = environment?.find((each) => each.startsWith('HOME='))?.slice('HOME='.length);
    found.push({ pid: Number(pid), uid, argv, home });
  }
  return found;
}
