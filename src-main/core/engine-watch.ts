// Keeps what is shown of the engines as they are, and has the rules read again when the user's files have changed.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { State } from '../contract/state.ts';
import type { RemoteEngine } from '../scanner/engines/remote-engine.ts';
import type { Scanner } from '../scanner/pool.ts';
import type { Clock, Log } from './ports.ts';

/** Soon enough after a file was saved; looking costs nothing, and sees network file systems and renamed files, too. */
const lookMs = 5_000;

export type EngineState = Pick<State, 'engines' | 'ruleProblems'>;

export interface EngineWatch {
  current(): EngineState;
  /** May be called twice. */
  stop(): void;
}

export interface EngineWatchOptions {
  readonly scanner: Pick<Scanner, 'engines' | 'problems' | 'reload'>;
  readonly remote: () => readonly RemoteEngine[];
  readonly rulesDirectory: string;
  readonly after: Clock['after'];
  readonly onChange: (state: EngineState) => void;
  readonly log: Log;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

/** Names, sizes and times of what lies in the directory: another text when something changed. */
async function signatureOf(directory: string): Promise<string> {
  try {
    const names = (await readdir(directory)).sort();
    const files = names.map(async (name) => {
      try {
        const { size, mtimeMs, ino } = await stat(join(directory, name));
        return [name, size, mtimeMs, ino];
      } catch (error) {
        // It went meanwhile, or leads nowhere, as the locks of editors do: that hides no change of the others.
        return [name, codeOf(error)];
      }
    });
    return JSON.stringify(await Promise.all(files));
  } catch (error) {
    return codeOf(error);
  }
}

export function createEngineWatch(options: EngineWatchOptions): EngineWatch {
  const { scanner, remote, rulesDirectory, after, onChange, log } = options;
  let shown = look();
  let signature: string | undefined;
  let cancel: () => void = () => undefined;
  let isStopped = false;

  function look(): EngineState {
    return {
      engines: [
        ...scanner.engines.map(({ id, version, rules }) => ({ id, version, rules, isUp: true })),
        ...remote().map(({ id, version, isUp }) => ({ id, version, isUp })),
      ],
      ruleProblems: scanner.problems.map(({ file, line, message }) => ({
        file,
        message,
        ...(line === undefined ? {} : { line }),
      })),
    };
  }

  function publish(): void {
    const now = look();
    if (isDeepStrictEqual(now, shown)) return;
    if (!isDeepStrictEqual(now.ruleProblems, shown.ruleProblems))
      for (const problem of now.ruleProblems) log('rules-left-out', { ...problem });
    shown = now;
    onChange(now);
  }

  async function turn(): Promise<void> {
    const found = await signatureOf(rulesDirectory);
    if (isStopped) return;
    const isChanged = signature !== undefined && found !== signature;
    signature = found;
    if (isChanged) {
      try {
        await scanner.reload();
        log('rules-read-again', {});
      } catch (error) {
        log('rules-not-read', { error });
      }
    }
    if (isStopped) return;
    publish();
    cancel = after(lookMs, () => void turn());
  }

  for (const problem of shown.ruleProblems) log('rules-left-out', { ...problem });
  void turn();
  return {
    current: () => shown,
    stop() {
      isStopped = true;
      cancel();
    },
  };
}
