// The trust helper: puts an authority of ours into the machine's own stores, or takes it out, with root's rights. One request on
// standard input, one reply on standard output; docs/trust-helper.md says what it won't do.
import { spawnSync } from 'node:child_process';
import type { MachineReply } from '../../certificates/trust-stores/store.ts';
import { Refusal } from './files.ts';
import { maxRequestBytes, requestOf } from './request.ts';
import { changeSystemStore, type Run } from './system-store.ts';
import { changeThunderbirdPolicy } from './thunderbird-policy.ts';

/** The request lies there when the helper starts. */
const requestMs = 10_000;

/** The tools take seconds, with Java's store half a minute on a slow machine. */
const toolMs = 120_000;
const maxToolBytes = 1024 * 1024;
const maxDetailChars = 300;

/** dpkg's tools ask for this where a package's script runs them; pkexec and the wrapper let nobody's through. */
const packageName = process.env['DPKG_MAINTSCRIPT_PACKAGE'];

const run: Run = (program, args) => {
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C',
    HOME: '/root',
    ...(packageName && { DPKG_MAINTSCRIPT_PACKAGE: packageName }),
  };
  const limits = { timeout: toolMs, killSignal: 'SIGKILL', maxBuffer: maxToolBytes } as const;
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  const { error, status, signal, stderr } = spawnSync(program, args, { env, stdio: [...stdio], ...limits });
  if (status === 0 && !error) return undefined;
  return `${program}: ${error?.message ?? signal ?? status} ${String(stderr).trim().slice(-maxDetailChars)}`;
};

/** The first line of the input without its end; undefined when it is too long, comes too late, or isn't alone. */
async function readRequest(): Promise<Uint8Array | undefined> {
  const late = setTimeout(() => process.stdin.destroy(), requestMs);
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of process.stdin) {
      chunks.push(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes > maxRequestBytes) return undefined;
      if (!chunk.includes('\n')) continue;
      const all = Buffer.concat(chunks);
      return all.indexOf('\n') === all.length - 1 ? all.subarray(0, -1) : undefined;
    }
  } catch {
    // It was cut off.
  } finally {
    clearTimeout(late);
  }
  return undefined;
}

async function work(): Promise<MachineReply> {
  const isRoot = process.getuid?.() === 0 && process.geteuid?.() === 0;
  if (!isRoot || process.argv.length > 2)
    return { ok: false, reason: 'no-privilege', detail: 'started by root alone, and without arguments' };
  process.chdir('/');
  process.umask(0o022);
  // What was begun is done, or undone.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM']) process.on(signal, () => undefined);
  const line = await readRequest();
  const request = line ? requestOf(line, new Date()) : { problem: 'not one line in time' };
  if ('problem' in request) return { ok: false, reason: 'invalid-input', detail: request.problem };
  try {
    const change = request.store === 'system' ? changeSystemStore : changeThunderbirdPolicy;
    return { ok: true, changed: change({ root: '/', uid: 0 }, request, run) };
  } catch (error) {
    // A store that is not as it must be, or what the system said.
    if (!(error instanceof Refusal) && !(error instanceof Error && 'syscall' in error)) throw error;
    return { ok: false, reason: 'trust-store-failed', detail: error.message };
  }
}

const reply = await work();
process.stdout.on('error', () => process.exit(1));
process.stdout.write(`${JSON.stringify(reply)}\n`, () => process.exit(reply.ok ? 0 : 1));
