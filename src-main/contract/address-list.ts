// The grammar of "Excluded IPs": one IPv4 or IPv6 address, a range, or a subnet. Pure: also in the browser.
// Kept as typed for the user; the kernel gets the merged ranges.

/** An inclusive range of addresses of one family, as numbers. */
export interface AddressRange {
  readonly family: 4 | 6;
  readonly from: bigint;
  readonly to: bigint;
}

export type AddressProblem =
  | { readonly kind: 'not-an-address'; readonly text: string }
  | { readonly kind: 'bad-prefix'; readonly text: string }
  | { readonly kind: 'range-backwards'; readonly text: string }
  | { readonly kind: 'mixed-families'; readonly text: string };

export type AddressResult =
  | { readonly ok: true; readonly range: AddressRange }
  | { readonly ok: false; readonly problem: AddressProblem };

/** The longest form is an IPv6 range with "til": 2 × 45 characters and what joins them. */
export const maxAddressEntryLength = 100;

interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
}

function parseIpv4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0n;
  for (const part of parts) {
    // No leading zeros: "010" is octal to some readers and decimal to others.
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = (value << 8n) | BigInt(part);
  }
  return value;
}

function parseIpv6(text: string): bigint | undefined {
  const embedded = /^(.*:)([0-9.]+)$/.exec(text);
  let hex = text;
  if (embedded?.[2]?.includes('.')) {
    const v4 = parseIpv4(embedded[2]);
    if (v4 === undefined) return undefined;
    hex = `${embedded[1]}${(v4 >> 16n).toString(16)}:${(v4 & 0xffffn).toString(16)}`;
  }
  const halves = hex.split('::');
  if (halves.length > 2) return undefined;
  const groups = (half: string | undefined) => (half === undefined || half === '' ? [] : half.split(':'));
  const head = groups(halves[0]);
  const tail = groups(halves[1]);
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...head, ...Array<string>(halves.length === 2 ? missing : 0).fill('0'), ...tail];
  let value = 0n;
  for (const group of all) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    value = (value << 16n) | BigInt(`0x${group}`);
  }
  return value;
}

function parseAddress(text: string): Address | undefined {
  const v4 = parseIpv4(text);
  if (v4 !== undefined) return { family: 4, value: v4 };
  const v6 = parseIpv6(text);
  return v6 === undefined ? undefined : { family: 6, value: v6 };
}

function prefixOf(family: 4 | 6, text: string): number | undefined {
  const bits = family === 4 ? 32 : 128;
  if (/^[0-9]{1,3}$/.test(text)) return Number(text) <= bits ? Number(text) : undefined;
  const mask = family === 4 ? parseIpv4(text) : undefined;
  if (mask === undefined) return undefined;
  const ones = mask.toString(2).padStart(32, '0');
  return /^1*0*$/.test(ones) ? (ones.indexOf('0') === -1 ? 32 : ones.indexOf('0')) : undefined;
}

/**
 * Parses one entry: `192.168.0.10`, `192.168.0.1-192.168.0.99` (also with "to" or "til"), `192.168.1.0/24`,
 * `192.168.1.0/255.255.255.0`, and the IPv6 forms. Host bits of a subnet are allowed and cleared.
 */
export function parseAddressEntry(typed: string): AddressResult {
  const text = typed.trim();
  const fail = (kind: AddressProblem['kind'], piece = text): AddressResult => ({
    ok: false,
    problem: { kind, text: piece },
  });

  // Before any pattern: what follows takes more than linear time on text that is nothing but spaces.
  if (text.length > maxAddressEntryLength)
    return fail('not-an-address', text.slice(0, maxAddressEntryLength));

  const subnet = /^([^/]+)\/([^/]+)$/.exec(text);
  if (subnet) {
    const address = parseAddress((subnet[1] ?? '').trim());
    if (!address) return fail('not-an-address', (subnet[1] ?? '').trim());
    const prefix = prefixOf(address.family, (subnet[2] ?? '').trim());
    if (prefix === undefined) return fail('bad-prefix', (subnet[2] ?? '').trim());
    const hostBits = BigInt((address.family === 4 ? 32 : 128) - prefix);
    const from = (address.value >> hostBits) << hostBits;
    return { ok: true, range: { family: address.family, from, to: from + (1n << hostBits) - 1n } };
  }

  const bounds = text.split(/\s*-\s*|\s+(?:to|til)\s+/i);
  const first = parseAddress(bounds[0] ?? '');
  if (!first) return fail('not-an-address', bounds[0] ?? '');
  if (bounds.length === 1)
    return { ok: true, range: { family: first.family, from: first.value, to: first.value } };
  const last = parseAddress(bounds[1] ?? '');
  if (!last || bounds.length > 2) return fail('not-an-address', bounds.slice(1).join('-'));
  if (first.family !== last.family) return fail('mixed-families');
  if (first.value > last.value) return fail('range-backwards');
  return { ok: true, range: { family: first.family, from: first.value, to: last.value } };
}

/** Sorts and merges overlapping and touching ranges, per family. */
export function mergeAddressRanges(ranges: readonly AddressRange[]): AddressRange[] {
  const merged: AddressRange[] = [];
  const order = ranges.toSorted(
    (a, b) => a.family - b.family || (a.from < b.from ? -1 : a.from > b.from ? 1 : 0),
  );
  for (const range of order) {
    const last = merged.at(-1);
    if (last && last.family === range.family && range.from <= last.to + 1n) {
      merged[merged.length - 1] = { ...last, to: last.to > range.to ? last.to : range.to };
    } else {
      merged.push(range);
    }
  }
  return merged;
}

/** The ranges of entries; what is none is left out. */
export function addressRanges(texts: readonly string[]): AddressRange[] {
  return texts.flatMap((text) => {
    const parsed = parseAddressEntry(text);
    return parsed.ok ? [parsed.range] : [];
  });
}

/** Addresses that reach this machine and no other. */
export const loopbackRanges: readonly AddressRange[] = addressRanges(['127.0.0.0/8', '::1']);

/** Whether an address (as the kernel or Node prints it, a zone index is ignored) lies in one of the ranges. */
export function addressInRanges(text: string, ranges: readonly AddressRange[]): boolean {
  const address = parseAddress(text.replace(/%.*$/, '').replace(/^::ffff:(?=[0-9.]+$)/i, ''));
  if (!address) return false;
  return ranges.some(
    (range) => range.family === address.family && address.value >= range.from && address.value <= range.to,
  );
}

/** An address number as text: dotted IPv4, or IPv6 in full groups (which nftables and net.isIP accept). */
export function formatAddress(family: 4 | 6, value: bigint): string {
  const groups: string[] = [];
  const [count, width] = family === 4 ? [4, 8n] : [8, 16n];
  for (let i = count - 1; i >= 0; i--) {
    const group = (value >> (BigInt(i) * width)) & ((1n << width) - 1n);
    groups.push(group.toString(family === 4 ? 10 : 16));
  }
  return groups.join(family === 4 ? '.' : ':');
}
