// Ends established connections by the kernel's socket diagnosis (ss -K), each named by both of its ends in full.
import type { End } from '../../interception/linux/helper-messages.ts';
import { addressText, type Scope } from '../../interception/linux/nft-script.ts';

/** Runs a program. What it prints; undefined when it fails. */
export type Run = (program: string, args: readonly string[]) => Promise<string | undefined>;

type Pair = readonly [local: End, remote: End];

function endText([address, port]: End): string {
  return address.length > 8 ? `[${addressText(address)}]:${port}` : `${addressText(address)}:${port}`;
}

/** The user of the only socket in a list of `ss -e`, which leaves out root; undefined when it isn't exactly one. */
function userIn(listed: string): number | undefined {
  const [line, ...more] = listed.split('\n').filter(Boolean);
  return line === undefined || more.length > 0 ? undefined : Number(/ uid:(\d+) /.exec(line)?.[1] ?? 0);
}

/** Ends those of the connections that are the user's own, and says how many. */
export async function endConnections(user: Scope['user'], pairs: readonly Pair[], run: Run): Promise<number> {
  let ended = 0;
  for (const [local, remote] of pairs) {
    const filter = ['state', 'established', 'src', endText(local), 'dst', endText(remote)];
    if (user !== 'all' && userIn((await run('ss', ['-Htne', ...filter])) ?? '') !== user) continue;
    if ((await run('ss', ['-HtnK', ...filter]))?.trim()) ended++;
  }
  return ended;
}
