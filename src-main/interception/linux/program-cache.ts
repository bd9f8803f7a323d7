// Remembers what the program of a process is called, for as long as the process runs that program: naming it takes 0.1 ms
// and more, seeing that it is still the same a tenth of that. Never throws.
import { closeSync, openSync, readlinkSync, readSync } from 'node:fs';
import type { ApplicationIdentity } from '../../contract/application-rule.ts';

export type Identify = (pid: number) => ApplicationIdentity | undefined;

export interface ProgramCacheOptions {
  readonly identify: Identify;
  readonly procRoot: string;
}

/** Programs that fetch mail on one machine are few, all users together. */
const maxPrograms = 64;

/** The line has 52 numbers and a name of at most 64 octets. */
const maxStatBytes = 2_048;

/**
 * Fields of proc_pid_stat(5), counted from 1: the start time changes with the process, the places of code, stack, arguments
 * and environment with each program that it executes (the kernel lays them out at random).
 */
const [stateField, startTimeField] = [3, 22];
const programFields = [startTimeField, 26, 28, 48, 49, 51];

/** What stays the same while a process runs one program, or undefined for a line that is none. */
export function programMark(stat: string): string | undefined {
  // The name of the program stands in parentheses and may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const values = programFields.map((field) => fields[field - stateField]);
  return values.every((value) => value !== undefined && /^\d+$/.test(value)) ? values.join(' ') : undefined;
}

/** Wraps `identify`: a program is named once for each process that runs it. */
export function createProgramCache({ identify, procRoot }: ProgramCacheOptions): Identify {
  /** The last one used comes last. */
  const known = new Map<number, { readonly mark: string; readonly program: ApplicationIdentity }>();
  const buffer = Buffer.alloc(maxStatBytes);

  function markOf(pid: number): string | undefined {
    let fd: number | undefined;
    try {
      fd = openSync(`${procRoot}/${pid}/stat`, 'r');
      const mark = programMark(buffer.toString('latin1', 0, readSync(fd, buffer)));
      // Without random layout the executable still tells one program from another.
      return mark === undefined ? undefined : `${mark} ${readlinkSync(`${procRoot}/${pid}/exe`)}`;
    } catch {
      return undefined;
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }

  return (pid) => {
    const mark = markOf(pid);
    const entry = known.get(pid);
    known.delete(pid);
    if (entry !== undefined && entry.mark === mark) {
      known.set(pid, entry);
      return entry.program;
    }
    const program = identify(pid);
    // What changed while it was being named is named anew the next time.
    if (program === undefined || mark === undefined || markOf(pid) !== mark) return program;
    known.set(pid, { mark, program });
    for (const oldest of known.keys()) {
      if (known.size <= maxPrograms) break;
      known.delete(oldest);
    }
    return program;
  };
}
