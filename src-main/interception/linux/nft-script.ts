// The text that nft gets, and nothing else: what makes the tables, and what changes their sets. Pure. Everything in it is built
// from numbers and from hexadecimal digits of a checked length; no text of a caller reaches the kernel's parser.
import { upstreamSourcePorts } from '../backend.ts';
import type { Elements, Greeting, HelperAnswer } from './helper-messages.ts';

/** Whose connections are covered, and what is left alone: upstream connections of a user, and ports, ascending. */
export interface Scope {
  readonly user: number | 'all';
  readonly coreUid: number;
  readonly denied: readonly number[];
}

/** How greetings are found: at the payload itself, or at where it lies behind the usual TCP headers. */
export type GreetingForm = NonNullable<HelperAnswer['greetings']>;

export interface TableShape {
  /** Where the redirected connections arrive, on 127.0.0.1 and, with `ipv6`, on ::1. */
  readonly listen: number;
  readonly ipv6: boolean;
  readonly form: GreetingForm;
}

/** Sets that say what a block refuses and what it lets pass; it has its own of them. */
export const blockSets = ['ports', 'skip4', 'skip6', 'found4', 'found6'] as const;
export const redirectSets = [...blockSets, 'bridges', 'down4', 'down6'] as const;
type SetName = (typeof redirectSets)[number];

/** The table that holds the redirect. The kernel drops it with the nft that made it. */
export const ownerTable = (user: Scope['user']) => `inet postern_${user}`;

/** The table that refuses mail while nothing scans it. It stays until it is removed. */
export const blockTable = (user: Scope['user']) => `inet postern_block_${user}`;

/**
 * Commands on a table, one a line. They are given as nft has them but for the name of the table, and but for lines that stand
 * for two, IPv4 and IPv6: `ip*` is `ip` and `ip6`, any other star is the family's number.
 */
export function onTable(table: string, commands: string): string {
  const ipv4 = (line: string) => line.replace(/\bip\*/g, 'ip').replaceAll('*', '4');
  const both = commands.replace(/^.*\*.*$/gm, (line) => `${ipv4(line)}\n${line.replaceAll('*', '6')}`);
  return both.replace(/^\s*(\w+ (?:set|chain|rule|element)) /gm, `\n$1 ${table} `);
}

/** 8 hexadecimal digits as dotted IPv4, 32 as IPv6 in full groups. */
export function addressText(hex: string): string {
  if (hex.length > 8) return hex.replace(/.{4}(?!$)/g, '$&:');
  return (hex.match(/../g) ?? []).map((octet) => Number.parseInt(octet, 16)).join('.');
}

const valueText = (value: number | string) => (typeof value === 'string' ? addressText(value) : `${value}`);

/** A range, or an endpoint with its time in seconds. */
type Element = readonly [first: number | string, second: number | string, ttlSeconds?: number];

/** Elements as nft reads them, each once, with the text of their time where they have one. */
function textsOf(elements: readonly Element[] = []): Map<string, string> {
  const texts = elements.map(([first, second, ttlSeconds]): [string, string] => {
    const [from, to] = [valueText(first), valueText(second)];
    if (ttlSeconds !== undefined) return [`${from} . ${to}`, ` timeout ${ttlSeconds}s`];
    return [from === to ? from : `${from}-${to}`, ''];
  });
  return new Map(texts);
}

function elementCommand(begin: string, texts: readonly string[]): string {
  return texts.length === 0 ? '' : `${begin} { ${[...new Set(texts)].join(', ')} }`;
}

/**
 * Changes sets of a table. To delete what isn't there is an error, and to add what is there doesn't begin its time anew on all
 * kernels: those that may run out are put in, taken out and put in again.
 */
export function changeSets(sets: readonly SetName[], remove: Elements, add: Elements): string {
  const commands = sets.flatMap((set) => {
    const [removed, added] = [textsOf(remove[set]), textsOf(add[set])];
    const timed = /^(found|down)/.test(set) ? [...removed.keys(), ...added.keys()] : [];
    const come = [...added].map(([text, time]) => text + time);
    return [
      elementCommand(`add element ${set}`, timed),
      elementCommand(`delete element ${set}`, [...removed.keys(), ...timed]),
      elementCommand(`add element ${set}`, come),
    ];
  });
  return `\n${commands.join('\n')}`;
}

/** With a bound: each range counts as two with most kernels. */
const ranges = 'flags interval; size 8192';
/** What the kernel finds by itself is kept for an hour, and as many as the core remembers. */
const endpoints = 'flags dynamic, timeout; timeout 1h; size 4096';
/** Those of `blockSets`. */
const sharedSets = `
  add set ports { type inet_service; ${ranges}; }
  add set skip* { type ipv*_addr; ${ranges}; }
  add set found* { type ipv*_addr . inet_service; ${endpoints}; }`;

/** Source ports of our own upstream connections. */
export const upstreamPorts = `${upstreamSourcePorts.from}-${upstreamSourcePorts.to}`;

/** Begins a rule about the user's own connections: one whose user is unknown is not taken for his. Empty for all users. */
const ofUser = (user: Scope['user']) => (user === 'all' ? '' : `meta skuid ${user} `);

/**
 * Makes the table that redirects, its sets empty. Nobody else can change or flush an owned table.
 *
 * `refuse`: a server that can't be reached refuses new connections as it would itself, so that a client tries its other address.
 *
 * `out`: the redirect. Its priority: before the dstnat of others (-100), so that clients are ours, and not equal to it, where
 * the chain that was loaded last would win.
 *
 * `lo1`, `lo2`: our replies cross lo with the server's address as source, which the anti-spoof rules of VPNs drop (wg-quick, at
 * priority -300): before them they look local, behind them as they were.
 *
 * `far`, `near`: the way out over IPv6 crosses no lo yet for the filters of the output hook, and firewalld refuses what leaves by
 * another device for an address like ::1 (RFC 3964 filtering): between the redirect and the end of that hook the packets
 * look as their program sent them. The kernel translates at -100, whatever the priority of the chain that says so.
 *
 * `guard`: while a dead core's table still lives, somebody else could bind its port and be taken for the mail server.
 *
 * `in`, `greet`, `hit`: the first octets of a server that speaks first, if they are a greeting (`greetingRules`), become a reset:
 * the client has read nothing, and its next try is redirected.
 */
export function creation({ user, coreUid }: Scope, { listen, ipv6, form }: TableShape): string {
  const own = ofUser(user);
  // What comes in is found only if its user is known, or our own upstream connections would be. 2³²-1 is no user.
  const known = own || 'meta skuid != 4294967295 ';
  const reply = `iif "lo" meta l4proto tcp ct direction reply ct status dnat ct reply proto-src ${listen}`;
  const request = `meta nfproto ipv6 meta l4proto tcp ct direction original ct status dnat ct reply proto-src ${listen}`;
  return `
    add table ${ownerTable(user)} { flags owner; }
    add set rev { type mark; }
    ${sharedSets}
    add set bridges { type inet_service; ${ranges}; }
    add set down* { type ipv*_addr . inet_service; ${endpoints}; }
    add chain refuse { type filter hook output priority -110; }
    add rule refuse meta skuid ${coreUid} tcp sport ${upstreamPorts} return
    add rule refuse ${own}ct state new ip* daddr . tcp dport @down* reject with tcp reset
    add chain out { type nat hook output priority -105; }
    add rule out meta skuid ${coreUid} tcp sport ${upstreamPorts} return
    ${ipv6 ? '' : 'add rule out meta nfproto ipv6 return'}
    add rule out ip* daddr @skip* return
    add rule out ${own}fib daddr type local tcp dport @bridges redirect to :${listen}
    add rule out fib daddr type local return
    add rule out ${own}tcp dport @ports redirect to :${listen}
    add rule out ${own}ip* daddr . tcp dport @found* redirect to :${listen}
    add chain lo1 { type filter hook prerouting priority -310; }
    add rule lo1 ${reply} ip saddr set 127.0.0.1
    add rule lo1 ${reply} ip6 saddr set ::1
    add chain lo2 { type filter hook prerouting priority -290; }
    add rule lo2 ${reply} ip* saddr set ct original ip* daddr
    add chain far { type filter hook output priority -99; }
    add rule far ${request} ip6 daddr set ct original ip6 daddr
    add chain near { type filter hook output priority 2000; }
    add rule near ${request} ip6 daddr set ::1
    add chain guard { type filter hook output priority 0; }
    add rule guard oif "lo" tcp sport ${listen} ct direction reply ct status dnat meta skuid != ${coreUid} drop
    add chain hit
    ${ipv6 ? '' : 'add rule hit meta nfproto ipv6 return'}
    add rule hit ${known}add @found* { ip* saddr . tcp sport } tcp flags set rst
    add chain greet
    add chain in { type filter hook input priority -10; }
    ${form === 'none' ? '' : `add rule in ${firstReplies} jump greet`}`;
}

/** The first packets of servers, of connections that aren't redirected. */
const firstReplies =
  'meta l4proto tcp iifname != "lo" ct direction reply ct state established ct status ! dnat ct original packets <= 2 ct reply packets <= 3';

/** "* OK " and "* PREAUTH" (RFC 9051 §7.1), "+OK" (RFC 1939 §4). No "-ERR": no mail follows, and other protocols begin so too. */
const patterns: Readonly<Record<Greeting, readonly string[]>> = {
  imap: ['2a204f4b20', '2a2050524541555448'],
  pop3: ['2b4f4b'],
};

/** Where the payload begins. By `th`: behind headers with the timestamp option, and without any. */
const places: Readonly<Record<GreetingForm, readonly string[]>> = {
  ih: ['@ih,0'],
  th: ['tcp doff 8 @th,256', 'tcp doff 5 @th,160'],
  none: [],
};

/** Looks for these greetings; the chain is filled anew within one transaction, which lets nothing through. */
export function greetingRules({ coreUid, denied }: Scope, form: GreetingForm, detect: readonly Greeting[]) {
  const wanted = detect.flatMap((greeting) => patterns[greeting]);
  const hits = places[form].flatMap((place) =>
    wanted.map((hex) => `add rule greet ${place},${4 * hex.length} 0x${hex} goto hit`),
  );
  return `
    flush chain greet
    add rule greet meta skuid ${coreUid} tcp dport ${upstreamPorts} return
    ${denied.length > 0 ? `add rule greet tcp sport { ${denied.join(', ')} } return` : ''}
    add rule greet ip* saddr @skip* return
    ${hits.join('\n')}`;
}

/** Removes the table that refuses mail, if there is one, and makes it anew where elements for it are given. */
export function blockCreation({ user, coreUid }: Scope, block: Elements | false): string {
  const [own, table] = [ofUser(user), blockTable(user)];
  const removal = `\nadd table ${table}\ndelete table ${table}`;
  if (!block) return removal;
  const commands = `
    ${removal}
    add table ${table}
    ${sharedSets}
    add chain out { type filter hook output priority 0; }
    add rule out ct status dnat return
    add rule out meta skuid ${coreUid} tcp sport ${upstreamPorts} return
    add rule out ip* daddr @skip* return
    add rule out fib daddr type local return
    add rule out ${own}tcp dport @ports reject with tcp reset
    add rule out ${own}ip* daddr . tcp dport @found* reject with tcp reset
    ${changeSets(blockSets, {}, block)}`;
  return onTable(table, commands);
}
