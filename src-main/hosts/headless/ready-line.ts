// The one line that says that a headless core is ready. Scripts rely on its form.
import type { Availability, State } from '../../contract/state.ts';

export interface ReadyFacts {
  readonly pid: number;
  /** Since the start of the process. */
  readonly readyMs: number;
  readonly interception: Availability;
  readonly listeners: State['listeners'];
  /** A one-time URL, or `undefined` when the console is off. */
  readonly consoleUrl: string | undefined;
  /** The authority that mail programs must trust. */
  readonly caPath: string;
  readonly dataDir: string;
}

/** Whether a system log keeps what we print (systemd.exec(5)): a one-time URL has no place there. */
export function isLogged(env: Readonly<Record<string, string | undefined>>): boolean {
  return env['INVOCATION_ID'] !== undefined || env['JOURNAL_STREAM'] !== undefined;
}

export function readyLine(facts: ReadyFacts, { logged }: { readonly logged: boolean }): string {
  const { pid, readyMs, interception, listeners, consoleUrl, caPath, dataDir } = facts;
  const console = consoleUrl === undefined ? null : logged ? {} : { url: consoleUrl };
  return JSON.stringify({
    event: 'ready',
    pid,
    readyMs: Math.round(readyMs),
    interception,
    listeners,
    console,
    ca: caPath,
    dataDir,
  });
}
