// One `nft -i` child that stays open and owns a table: it reads transactions over a pipe. When this process dies, however
// it dies, the child reads the end of that pipe and ends too, and the kernel drops the table with it.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { HelperOutcome } from './helper-messages.ts';
import { ownerTable, type Scope } from './nft-script.ts';

/** A transaction of 3,000 elements takes well under a second; a kernel that needs longer is not answering. */
const answerMs = 5_000;

/** An answer is some ten lines, or one for each table there is; more is not an answer. */
const maxOutputChars = 256 * 1024;

/** Whether nft has come to its answer to `describe tcp dport`, one line. */
export const isWhole = (output: string) => /datatype inet_service .*\n/.test(output);

/** The tables that `list tables` names, as `inet NAME`. With some builds of nft a prompt stands before the first. */
export function tablesIn(output: string): string[] {
  return [...output.matchAll(/^(?:nft> )?table (inet \S+)$/gm)].map((match) => match[1] ?? '');
}

export interface NftSession {
  /** nft has ended: the first line of what it said last, or how it ended. */
  readonly lost: Promise<string>;
  /** Runs commands, one a line, as one atomic transaction on the owned table, which stands afterwards. */
  run(commands: string): Promise<HelperOutcome>;
  /** The same for commands after which none of the tables `gone` stands. */
  remove(commands: string, gone: readonly string[]): Promise<HelperOutcome>;
  /** All tables of the family inet, as `inet NAME`; none when nft is lost. */
  tables(): Promise<readonly string[]>;
  /** Ends nft, and so the table: then it is `lost`. */
  kill(): void;
}

export interface NftSessionOptions {
  readonly nftPath: string;
  readonly searchPath: string;
  readonly user: Scope['user'];
}

/** Starts nft. That it can't be started is told by the first call. */
export function openNftSession({ nftPath, searchPath, user }: NftSessionOptions): NftSession {
  // An own process group: Ctrl+C at a terminal must not end the redirect before the connections have drained.
  // No home: nft keeps a history of its commands there.
  const env = { PATH: searchPath, HOME: '/dev/null', LC_ALL: 'C' };
  const child = spawn(nftPath, ['-i'], { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env });
  const kill = () => child.kill('SIGKILL');
  let [output, errors] = ['', ''];
  let ended: string | undefined;
  let settle = (): void => undefined;
  const lost = Promise.withResolvers<string>();
  let last = Promise.resolve('');

  const problem = () => ended ?? errors.trim().split('\n', 1)[0];
  const end = (how: string) => {
    ended = problem() || how;
    settle();
    lost.resolve(ended);
  };
  child.once('error', ({ message }) => end(message));
  child.once('close', (code, signal) => end(`nft ended with ${signal ?? code}`));
  // A pipe that breaks is the end of nft, which reports itself.
  child.stdin.on('error', kill);
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(0, maxOutputChars);
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.length > maxOutputChars) kill();
    // What it said about a failure was written before, to another pipe: it is read in this turn of the event loop.
    if (isWhole(output)) setImmediate(() => settle());
  });

  const askNow = async (commands: string, question: string): Promise<string> => {
    [output, errors] = ['', ''];
    if (ended !== undefined) return '';
    const answer = Promise.withResolvers<void>();
    settle = answer.resolve;
    const timer = setTimeout(kill, answerMs);
    // A line is a transaction. Whatever came before, nft answers the last one, and so its answers are complete.
    const transaction = commands.trim().replace(/\s*\n\s*/g, '; ');
    child.stdin.write(`${transaction}\n${question}\ndescribe tcp dport\n`);
    await answer.promise;
    clearTimeout(timer);
    return output;
  };
  /** What nft says to commands and a question, after those of before; what it gets to when it is lost. */
  const ask = (commands: string, question: string): Promise<string> => {
    last = last.then(() => askNow(commands, question));
    return last;
  };
  const result = (isDone: boolean): HelperOutcome => {
    if (isDone && ended === undefined) return { ok: true };
    return { ok: false, reason: 'nft-failed', detail: problem() || 'nft gave no reason' };
  };

  return {
    lost: lost.promise,
    async run(commands) {
      // nft is silent about success, so the transaction itself leaves a sign in a set, which is then listed. It is a random
      // 32-bit number, since a table of that name may stand there that is not ours.
      const token = `0x${randomBytes(4).toString('hex')}`;
      const set = `${ownerTable(user)} rev`;
      const signed = `${commands}\nflush set ${set}\nadd element ${set} { ${token} }`;
      const listed = await ask(signed, `list set ${set}`);
      return result(listed.includes(`elements = { ${token} }`));
    },
    async remove(commands, removed) {
      const standing = tablesIn(await ask(commands, 'list tables'));
      return result(!removed.some((table) => standing.includes(table)));
    },
    tables: async () => tablesIn(await ask('', 'list tables')),
    kill,
  };
}
