// How the machine's own stores are changed: by the trust helper, which root starts itself and others by pkexec, which asks for
// an administrator's password. Knows no store.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { AskAdministrator, MachineReply, MachineRequest } from '../core/stored-trust.ts';
import { isErrorCode } from './failure.ts';
import { isRunnable, untrustedPart } from './netfilter-route.ts';

/** The package's helper, then a clone's (`postern helper install`). */
const installedHelpers = ['/usr/lib/postern/trust-helper', '/usr/local/lib/postern/trust-helper'];

/** A person looks for a password; the helper's tools may take two minutes, and as long again to undo what failed. */
const answerMs = 10 * 60 * 1000;
/** A reply is one line with some words of a tool. */
const maxReplyChars = 16 * 1024;
/** What a program says when it fails. */
const maxDetailChars = 300;

/** pkexec(1): the person has sent the question away; there is no leave, or nobody to ask. */
const deniedCodes: readonly (number | null)[] = [126, 127];

export interface TrustSurroundings {
  readonly euid: number;
  /** The helper's module, for root. */
  readonly helperModule: string;
  readonly installedHelpers: readonly string[];
  readonly pkexec: string;
  /** Who may own what pkexec starts; another than root in tests alone. */
  readonly trustedUid: number;
}

/** What is started for a request, or undefined where nothing can be. */
export function trustRoute(surroundings: TrustSurroundings): readonly [string, ...string[]] | undefined {
  const { euid, helperModule, pkexec, trustedUid } = surroundings;
  if (euid === 0) return [process.execPath, helperModule];
  if (!isRunnable(pkexec)) return undefined;
  const helper = surroundings.installedHelpers.find((path) => untrustedPart(path, trustedUid) === undefined);
  return helper === undefined ? undefined : [pkexec, helper];
}

const failed = (detail: string): MachineReply => ({ ok: false, reason: 'trust-store-failed', detail });

/** The reply in what a helper wrote; undefined when that is none. */
function replyIn(output: string): MachineReply | undefined {
  if (!/^[^\n]+\n$/.test(output)) return undefined;
  let given: unknown;
  try {
    given = JSON.parse(output);
  } catch {
    return undefined;
  }
  if (typeof given !== 'object' || given === null) return undefined;
  const { ok, changed, reason, detail }: Partial<Record<'ok' | 'changed' | 'reason' | 'detail', unknown>> =
    given;
  if (ok === true && typeof changed === 'boolean') return { ok, changed };
  const isProblem = ok === false && typeof reason === 'string' && typeof detail === 'string';
  return isProblem && isErrorCode(reason) ? { ok, reason, detail } : undefined;
}

/** Asks by starting a program. `env`: its whole environment. */
export function administratorBy(
  [program, ...args]: readonly [string, ...string[]],
  { env, timeoutMs = answerMs }: { readonly env: NodeJS.ProcessEnv; readonly timeoutMs?: number },
): AskAdministrator {
  return (request: MachineRequest) => {
    const { promise, resolve: answer } = Promise.withResolvers<MachineReply>();
    const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        said[name] = (said[name] + text).slice(0, maxReplyChars);
      });
    }
    // Only pkexec can be ended from here; a helper that root has started by then does what it was told.
    const late = setTimeout(() => {
      child.kill();
      child.stdout.destroy();
      child.stderr.destroy();
      answer(failed(`no answer within ${timeoutMs / 1000} s`));
    }, timeoutMs);
    child.once('error', (error) => {
      clearTimeout(late);
      answer(failed(error.message));
    });
    child.once('close', (code, signal) => {
      clearTimeout(late);
      const detail = said.stderr.trim().slice(-maxDetailChars);
      const denied: MachineReply = { ok: false, reason: 'trust-denied', detail };
      const ended = failed(`the helper ended (${signal ?? code}) ${detail}`.trim());
      answer(replyIn(said.stdout) ?? (deniedCodes.includes(code) ? denied : ended));
    });
    // One that ends before it has read says so by its end.
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${JSON.stringify(request)}\n`);
    return promise;
  };
}

/** Whether nothing that this process starts gets more rights than it has (a unit's NoNewPrivileges): pkexec neither. */
const hasNoNewPrivileges = (status: string) => /^NoNewPrivs:\t1$/m.test(status);

/** The system's core is such a unit: its root is for all users, and the machine's stores are changed by root's commands. */
const rootAlone: AskAdministrator = async () => ({
  ok: false,
  reason: 'trust-denied',
  detail: 'root may: sudo postern trust install (or remove)',
});

/** dpkg's tools ask for this where a package's script runs them. */
const handedOn = ['DPKG_MAINTSCRIPT_PACKAGE'];

/** The way of this process, looked up anew; undefined where there is none. */
export function findAdministrator(): AskAdministrator | undefined {
  const euid = process.geteuid?.() ?? 0;
  if (euid !== 0 && hasNoNewPrivileges(readFileSync('/proc/self/status', 'utf8'))) return rootAlone;
  const route = trustRoute({
    euid,
    helperModule: resolve(import.meta.dirname, 'trust-helper/main.ts'),
    installedHelpers,
    pkexec: '/usr/bin/pkexec',
    trustedUid: 0,
  });
  if (route === undefined) return undefined;
  const isRoot = route[0] === process.execPath;
  const given = Object.fromEntries(handedOn.map((name) => [name, process.env[name]]));
  const env = isRoot ? { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', ...given } : process.env;
  return administratorBy(route, { env });
}
