// Runs a tool of the machine and gives what came of it as a value. Never a shell, never a terminal to ask at.
import { execFile } from 'node:child_process';

interface RunOptions {
  /** Written to its standard input, which is closed afterwards in any case. */
  readonly input?: string;
  /** In place of our own environment's values. */
  readonly env?: Readonly<Record<string, string>>;
}

export type RunResult =
  | { readonly kind: 'ended'; readonly exitCode: number; readonly stdout: string; readonly stderr: string }
  /** There is no such program, or it may not be run. */
  | { readonly kind: 'missing' }
  /** It ran for too long, wrote too much, or was killed. */
  | { readonly kind: 'failed'; readonly detail: string };

/** Never rejects. */
export type RunProgram = (
  program: string,
  args: readonly string[],
  options?: RunOptions,
) => Promise<RunResult>;

/** keytool takes some 2 s on a slow machine, certutil 2 s before a busy database. */
const runTimeoutMs = 15_000;

/** All of a Java installation's authorities as PEM are some 300 KB. */
const maxOutputBytes = 8 * 1024 * 1024;

function codeOf(error: Error): string | number | undefined {
  const code: unknown = 'code' in error ? error.code : undefined;
  return typeof code === 'string' || typeof code === 'number' ? code : undefined;
}

/** Runs programs by `execFile`, each for at most `timeoutMs`, and none when the signal is aborted. */
export function createRunProgram(timeoutMs = runTimeoutMs, signal?: AbortSignal): RunProgram {
  return (program, args, { input = '', env = {} } = {}) =>
    new Promise((resolve) => {
      const child = execFile(
        program,
        [...args],
        {
          timeout: timeoutMs,
          killSignal: 'SIGKILL',
          maxBuffer: maxOutputBytes,
          ...(signal && { signal }),
          // Error codes are looked for in what the tools say, and keytool's words follow the language.
          env: { ...process.env, LC_ALL: 'C', ...env },
        },
        (error, stdout, stderr) => {
          const code = error === null ? 0 : codeOf(error);
          if (typeof code === 'number') resolve({ kind: 'ended', exitCode: code, stdout, stderr });
          else if (code === 'ENOENT' || code === 'EACCES') resolve({ kind: 'missing' });
          else resolve({ kind: 'failed', detail: `${program}: ${code ?? 'killed or out of time'}` });
        },
      );
      // It may end before it has read what it was given (EPIPE); what came of it is then in its exit code.
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(input);
    });
}

/** What a tool said, as one short line for people who know the tool. */
export function detailOf(result: RunResult): string {
  if (result.kind === 'missing') return 'not installed';
  if (result.kind === 'failed') return result.detail;
  return shortLine(result.stderr.trim() || result.stdout.trim() || `exit code ${result.exitCode}`);
}

const maxDetailLength = 300;

/** Text of a tool or a file as one line without control characters. */
export function shortLine(text: string): string {
  // The end holds the cause: certutil and keytool say last what went wrong.
  return text
    .replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
    .slice(-maxDetailLength);
}
