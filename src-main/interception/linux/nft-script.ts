// The text that nft gets, and nothing else: what makes the table, and what changes its sets from one state to the next.
// Pure. Everything in it is built from numbers; no string of a caller reaches the kernel's parser.
import { formatAddress } from '../../contract/address-list.ts';
import { type InterceptionPlan, upstreamSourcePorts } from '../backend.ts';

/** An inclusive range as one element of an interval set; ports are numbers like addresses here. */
export interface ElementRange {
  readonly from: bigint;
  readonly to: bigint;
}

const setNames = ['ports', 'skip4', 'skip6'] as const;

/** The elements of our three sets. They may lie otherwise than a merged plan, as long as they cover the same. */
export type KernelSets = Readonly<Record<(typeof setNames)[number], readonly ElementRange[]>>;

export const emptySets: KernelSets = { ports: [], skip4: [], skip6: [] };

export interface TableShape {
  /** The uid that holds the table, and whose upstream connections are left alone. */
  readonly uid: number;
  /** Where the redirected connections arrive, on 127.0.0.1 and, with `ipv6`, on ::1. */
  readonly listenPort: number;
  readonly ipv6: boolean;
}

/** The table of one uid, as commands name it. */
function tableName(uid: number): string {
  return `inet postern_${uid}`;
}

/** The sets that a plan asks for. */
export function setsOf(plan: InterceptionPlan): KernelSets {
  const skip = (family: 4 | 6) => plan.excluded.filter((range) => range.family === family);
  return {
    ports: plan.ports.map(({ from, to }) => ({ from: BigInt(from), to: BigInt(to) })),
    skip4: skip(4),
    skip6: skip(6),
  };
}

function bounds({ from, to }: { readonly from: number; readonly to: number }): string {
  return `${from}-${to}`;
}

/**
 * The commands that make the table, its sets empty. The priority: before the dstnat of others (-100), so that clients are
 * ours, and not equal to it, where the chain that was loaded last would win.
 */
export function creation({ uid, listenPort, ipv6 }: TableShape): string[] {
  const table = tableName(uid);
  const replies = `iif "lo" meta l4proto tcp ct direction reply ct status dnat ct reply proto-src ${listenPort}`;
  const family = ipv6 ? '' : 'meta nfproto ipv4 ';
  const chain = (name: string, hook: string, rules: readonly string[]) => [
    `add chain ${table} ${name} { type ${hook}; policy accept; }`,
    ...rules.map((rule) => `add rule ${table} ${name} ${rule}`),
  ];
  return [
    // The kernel drops the table with the netlink socket that owns it, and nobody else can change or flush it.
    `add table ${table} { flags owner; }`,
    `add set ${table} rev { type mark; }`,
    `add set ${table} ports { type inet_service; flags interval; }`,
    `add set ${table} skip4 { type ipv4_addr; flags interval; }`,
    `add set ${table} skip6 { type ipv6_addr; flags interval; }`,
    ...chain('out', 'nat hook output priority -105', [
      `meta skuid ${uid} tcp sport ${bounds(upstreamSourcePorts)} return`,
      'ip daddr @skip4 return',
      'ip6 daddr @skip6 return',
      'fib daddr type local return',
      `${family}tcp dport @ports redirect to :${listenPort}`,
    ]),
    // Our replies cross lo with the server's address as source, which the anti-spoof rules of VPNs drop (wg-quick, at
    // priority -300): before them they look local, behind them as they were.
    ...chain('lo1', 'filter hook prerouting priority -310', [
      `${replies} ip saddr set 127.0.0.1`,
      `${replies} ip6 saddr set ::1`,
    ]),
    ...chain('lo2', 'filter hook prerouting priority -290', [
      `${replies} ip saddr set ct original ip daddr`,
      `${replies} ip6 saddr set ct original ip6 daddr`,
    ]),
    // While a dead core's table still lives, somebody else could bind its port and be taken for the mail server.
    ...chain('guard', 'filter hook output priority 0', [
      `tcp sport ${listenPort} ct direction reply ct status dnat meta skuid != ${uid} drop`,
    ]),
  ];
}

/** The parts of `whole` that none of `taken` covers; both sorted and disjoint. */
function uncovered(whole: readonly ElementRange[], taken: readonly ElementRange[]): ElementRange[] {
  return whole.flatMap((range) => {
    const pieces: ElementRange[] = [];
    let from = range.from;
    for (const each of taken) {
      if (each.to < from || each.from > range.to) continue;
      if (each.from > from) pieces.push({ from, to: each.from - 1n });
      from = each.to + 1n;
    }
    if (from <= range.to) pieces.push({ from, to: range.to });
    return pieces;
  });
}

/**
 * What to delete from and add to a set that holds `have`, so that it covers `wanted` (merged) and nothing else. What stays
 * covered keeps its element wherever that can be: a set that is flushed and filled again lets connections through meanwhile.
 */
export function deltaOf(
  have: readonly ElementRange[],
  wanted: readonly ElementRange[],
): { readonly remove: readonly ElementRange[]; readonly add: readonly ElementRange[] } {
  const stays = (element: ElementRange) =>
    wanted.some((range) => range.from <= element.from && element.to <= range.to);
  return {
    remove: have.filter((element) => !stays(element)),
    add: uncovered(wanted, have.filter(stays)),
  };
}

function elementText(set: (typeof setNames)[number], value: bigint): string {
  return set === 'ports' ? value.toString() : formatAddress(set === 'skip4' ? 4 : 6, value);
}

/** The commands that bring the sets from `have` to `wanted`, and the elements that they then hold. */
export function change(
  uid: number,
  have: KernelSets,
  wanted: KernelSets,
): { readonly commands: readonly string[]; readonly sets: KernelSets } {
  const commands: string[] = [];
  const sets = { ...have };
  for (const set of setNames) {
    const { remove, add } = deltaOf(have[set], wanted[set]);
    const command = (verb: 'delete' | 'add', ranges: readonly ElementRange[]) => {
      if (ranges.length === 0) return;
      const elements = ranges.map(({ from, to }) =>
        from === to ? elementText(set, from) : `${elementText(set, from)}-${elementText(set, to)}`,
      );
      commands.push(`${verb} element ${tableName(uid)} ${set} { ${elements.join(', ')} }`);
    };
    command('delete', remove);
    command('add', add);
    sets[set] = [...have[set].filter((element) => !remove.includes(element)), ...add].toSorted((a, b) =>
      a.from < b.from ? -1 : 1,
    );
  }
  return { commands, sets };
}

/** How `nft` writes a 32-bit mark. */
function tokenText(token: number): string {
  return `0x${token.toString(16).padStart(8, '0')}`;
}

/**
 * One transaction as `nft -i` reads it, with its acknowledgement: nft is silent about success, so the transaction itself sets
 * `token` in the set `rev`, which is then listed. A token is a random 32-bit number, since a table of that name may stand
 * there that is not ours. The last command always answers and marks the end.
 */
export function transaction(uid: number, commands: readonly string[], token: number): string {
  const table = tableName(uid);
  const all = [...commands, `flush set ${table} rev`, `add element ${table} rev { ${tokenText(token)} }`];
  return `${all.join('; ')}\nlist set ${table} rev\ndescribe tcp dport\n`;
}

/** Whether nft's output shows the end of a transaction, and then whether that one took effect. */
export function outcomeOf(output: string, token: number): 'need-more' | 'done' | 'failed' {
  if (!/datatype inet_service .*\n/.test(output)) return 'need-more';
  return output.includes(`elements = { ${tokenText(token)} }`) ? 'done' : 'failed';
}
