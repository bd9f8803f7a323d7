// From the settings page to what the kernel is to do, and when that changes by itself. Pure: knows no syntax of the kernel.
import {
  addressInRanges,
  addressRanges,
  loopbackRanges,
  mergeAddressRanges,
  parseAddressEntry,
} from '../contract/address-list.ts';
import type { Endpoint } from '../contract/connection.ts';
import { type PortRange, parsePortList } from '../contract/port-list.ts';
import type { ExcludedAddress, MailTransportSettings } from '../contract/settings.ts';
import type { FoundEndpoint, InterceptionPlan } from './backend.ts';

/** POP3 (RFC 1939 §3) and IMAP (RFC 9051 §2.1): always redirected while one of the two is scanned, what is said decides. */
const plainPorts: readonly PortRange[] = [
  { from: 110, to: 110 },
  { from: 143, to: 143 },
];

/** Sorts and merges overlapping and touching ranges. */
function mergePorts(ranges: readonly PortRange[]): PortRange[] {
  const merged: PortRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last && range.from <= last.to + 1) {
      merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
    } else {
      merged.push(range);
    }
  }
  return merged;
}

/** The ranges of a port field; the schema let nothing through that does not parse. */
function portsOf(field: string): readonly PortRange[] {
  const parsed = parsePortList(field);
  return parsed.ok ? parsed.ranges : [];
}

/** When an exclusion ends, or undefined when it stays. */
function endOf(entry: ExcludedAddress): Date | undefined {
  return entry.until === undefined ? undefined : new Date(entry.until);
}

function isOver(entry: ExcludedAddress, now: Date): boolean {
  const end = endOf(entry);
  return end !== undefined && end <= now;
}

/** The protocols whose plain form is found on any port. */
function detectedBy(settings: MailTransportSettings): InterceptionPlan['detect'] {
  if (!settings.enabled) return [];
  return [
    ...(settings.scanImap ? (['imap'] as const) : []),
    ...(settings.scanPop3 ? (['pop3'] as const) : []),
  ];
}

/** What is to be redirected and what left alone at `now`; the lists of ranges are sorted and merged. */
export function planFrom(
  settings: MailTransportSettings,
  found: readonly FoundEndpoint[],
  now: Date,
): InterceptionPlan {
  const ports = [
    ...(settings.scanImap || settings.scanPop3 ? plainPorts : []),
    ...(settings.scanImaps ? portsOf(settings.imapsPorts) : []),
    ...(settings.scanPop3s ? portsOf(settings.pop3sPorts) : []),
  ];
  const excluded = settings.excludedAddresses.filter((entry) => !isOver(entry, now));
  const detect = detectedBy(settings);
  const scans = settings.scanImap || settings.scanImaps || settings.scanPop3 || settings.scanPop3s;
  return {
    enabled: settings.enabled,
    ports: settings.enabled ? mergePorts(ports) : [],
    localPorts: settings.enabled && scans ? mergePorts(portsOf(settings.localPorts)) : [],
    excluded: mergeAddressRanges(addressRanges(excluded.map(({ address }) => address))),
    detect,
    found: detect.length === 0 ? [] : found.filter(({ until }) => until > now),
    blockWhenStopped: settings.enabled && settings.whenStopped === 'block',
    blockChosen: settings.whenStopped === 'block',
  };
}

/** Whether connections to a server are redirected only once mail was found there: not this machine, and no listed port. */
export function isUnlisted({ address, port }: Endpoint, settings: MailTransportSettings): boolean {
  const parsed = parseAddressEntry(address);
  if (!parsed.ok || addressInRanges(address, loopbackRanges)) return false;
  return !planFrom(settings, [], new Date(0)).ports.some(({ from, to }) => from <= port && port <= to);
}

/** The next instant at which an exclusion ends and `planFrom` gives something else, or undefined. */
export function nextChangeAt(settings: MailTransportSettings, now: Date): Date | undefined {
  return settings.excludedAddresses
    .filter((entry) => !isOver(entry, now))
    .flatMap((entry) => endOf(entry) ?? [])
    .toSorted((a, b) => a.getTime() - b.getTime())
    .at(0);
}
