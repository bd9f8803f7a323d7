// The netfilter helper: the only part of Postern with root's rights, run for one core. Reads its requests from standard input
// and answers on standard output; helper-messages.ts says what they are, docs/netfilter-helper.md what it won't do.
import { execFile } from 'node:child_process';
import { deniedPorts } from '../../contract/denied-ports.ts';
import { type HelperLine, helperProtocol, maxLineBytes } from '../../interception/linux/helper-messages.ts';
import { openNftSession } from '../../interception/linux/nft-session.ts';
import { createTables } from '../../interception/linux/nft-tables.ts';
import { type HelperEnd, serve } from './helper.ts';
import { allowedPorts } from './policy.ts';
import { roleOf } from './role.ts';

/** The only folders in which programs are looked for, whatever the environment says. */
const searchPath = '/usr/sbin:/usr/bin:/sbin:/bin';

/** Time for a core to take the last line. */
const lastWordMs = 500;

/** ss looks through all sockets of the machine; one that takes longer hangs. */
const programMs = 2_000;

/** Runs a program. What it prints; undefined when it fails or isn't there. */
function run(program: string, args: readonly string[]): Promise<string | undefined> {
  const env = { PATH: searchPath, LC_ALL: 'C' };
  const options = { env, timeout: programMs, killSignal: 'SIGKILL' } as const;
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  execFile(program, args, options, (error, stdout) => resolve(error ? undefined : stdout));
  return promise;
}

async function work(): Promise<HelperEnd> {
  const [uid, euid] = [process.getuid?.(), process.geteuid?.()];
  const role = roleOf({ uid, euid, argv: process.argv.slice(2), pkexecUid: process.env['PKEXEC_UID'] });
  if (!role) return { end: 'no-privilege' };
  process.chdir('/');
  const version = await run('nft', ['--version']);
  if (version === undefined) return { end: 'no-nft' };
  const { promise: ended, resolve: end } = Promise.withResolvers<HelperEnd>();
  for (const stream of [process.stdin, process.stdout]) stream.on('error', () => end({ end: 'closed' }));
  process.on('SIGTERM', () => end({ end: 'closed' }));
  // Ctrl+C at a terminal is the core's: it drains its connections first.
  for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => undefined);
  const say = (line: HelperLine) => {
    process.stdout.write(`${JSON.stringify(line)}\n`);
    // One that asks and takes no answers means to fill our memory.
    if (process.stdout.writableLength > maxLineBytes) end({ end: 'malformed', detail: 'unread' });
  };
  const allowed = allowedPorts('/etc/postern/policy.json');
  const scope = { ...role, denied: deniedPorts.filter((port) => !allowed.includes(port)) };
  const session = openNftSession({ nftPath: 'nft', searchPath, user: scope.user });
  void session.lost.then((detail) => end({ end: 'nft-failed', detail }));
  const tables = createTables({ scope, session });
  const owners = scope.user === 'all' ? await import('./owners.ts') : undefined;
  const answerOwner = owners?.answerOwners(say);
  const nft = /\bv([0-9.]+)/.exec(version)?.[1] ?? '';
  say({ hello: helperProtocol, user: scope.user, nft, denied: scope.denied.map((port) => [port, port]) });
  return await serve({ scope, tables, run, answerOwner, input: process.stdin, say, ended });
}

const last = await work();
const exit = () => process.exit(last.end === 'closed' ? 0 : 1);
process.stdout.write(`${JSON.stringify(last)}\n`, exit);
setTimeout(exit, lastWordMs);
