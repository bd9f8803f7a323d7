// A plan as the elements of the kernel's sets, and what is to be changed from what the helper holds to a new plan. Pure.
import { type AddressRange, parseAddressEntry } from '../../contract/address-list.ts';
import type { Endpoint } from '../../contract/connection.ts';
import type { PortRange } from '../../contract/port-list.ts';
import type { FoundEndpoint, InterceptionPlan } from '../backend.ts';
import {
  type AddressElement,
  type Elements,
  type EndpointElement,
  type Greeting,
  maxTtlSeconds,
  type PortElement,
} from './helper-messages.ts';
import { deltaOf, type ElementRange, uncovered } from './set-deltas.ts';

type RangeSet = 'ports' | 'bridges' | 'skip4' | 'skip6';

/** What the helper was told, as its sets hold it. */
export interface Holdings {
  readonly ranges: Readonly<Record<RangeSet, readonly ElementRange[]>>;
  /** Endpoints by `found4 0a000001 10143`, with the time until which they stay, in milliseconds since the epoch. */
  readonly found: ReadonlyMap<string, number>;
  readonly detect: readonly Greeting[];
  readonly block: boolean;
}

export const nothingHeld: Holdings = {
  ranges: { ports: [], bridges: [], skip4: [], skip6: [] },
  found: new Map(),
  detect: [],
  block: false,
};

/** An endpoint is told again when it is to stay this much longer: each try of a client prolongs it. */
const prolongedMs = 24 * 60 * 60 * 1_000;

const rangeSets: readonly RangeSet[] = ['ports', 'bridges', 'skip4', 'skip6'];

function hexOf(family: 4 | 6, value: bigint): string {
  return value.toString(16).padStart(family === 4 ? 8 : 32, '0');
}

/** An address (without its zone) in the helper's form, or undefined for a name. */
export function hexAddress(address: string): { readonly family: 4 | 6; readonly hex: string } | undefined {
  const parsed = parseAddressEntry(address.split('%', 1)[0] ?? '');
  if (!parsed.ok || parsed.range.from !== parsed.range.to) return undefined;
  const { family, from } = parsed.range;
  return { family, hex: hexOf(family, from) };
}

/** The single ports and ranges of `plan` that are never redirected, as people read them; empty when there are none. */
export function deniedOf(plan: InterceptionPlan, denied: readonly PortElement[]): string {
  const asked = [...plan.ports, ...plan.localPorts];
  return denied
    .filter(([from, to]) => asked.some((range) => range.from <= to && from <= range.to))
    .map(([from, to]) => (from === to ? String(from) : `${from}-${to}`))
    .join(', ');
}

/** Ports as elements, without those that are denied. */
function portElements(ranges: readonly PortRange[], denied: readonly PortElement[]): ElementRange[] {
  const whole = ranges.map(({ from, to }) => ({ from: BigInt(from), to: BigInt(to) }));
  return uncovered(
    whole,
    denied.map(([from, to]) => ({ from: BigInt(from), to: BigInt(to) })),
  );
}

/** Under what an endpoint is held; undefined for a name. */
export function foundKey(endpoint: Endpoint): string | undefined {
  const address = hexAddress(endpoint.address);
  return address && `found${address.family} ${address.hex} ${endpoint.port}`;
}

/** What a plan asks the kernel to hold; `denied` ports are left out. */
export function holdingsOf(plan: InterceptionPlan, denied: readonly PortElement[]): Holdings {
  const skip = (family: 4 | 6): readonly AddressRange[] =>
    plan.excluded.filter((range) => range.family === family);
  const isDenied = ({ port }: FoundEndpoint) => denied.some(([from, to]) => from <= port && port <= to);
  return {
    ranges: {
      ports: portElements(plan.ports, denied),
      bridges: portElements(plan.localPorts, denied),
      skip4: skip(4),
      skip6: skip(6),
    },
    found: new Map(
      plan.found
        .filter((endpoint) => !isDenied(endpoint))
        .flatMap((endpoint) => {
          const key = foundKey(endpoint);
          return key === undefined ? [] : [[key, endpoint.until.getTime()] as const];
        }),
    ),
    detect: plan.detect,
    block: plan.blockWhenStopped,
  };
}

export interface HoldingsChange {
  readonly remove: Elements;
  readonly add: Elements;
  /** What is held after it. */
  readonly holdings: Holdings;
  readonly isEmpty: boolean;
}

function rangeElements(set: RangeSet, ranges: readonly ElementRange[]): Elements {
  if (ranges.length === 0) return {};
  if (set === 'ports' || set === 'bridges') {
    const elements: PortElement[] = ranges.map(({ from, to }) => [Number(from), Number(to)]);
    return set === 'ports' ? { ports: elements } : { bridges: elements };
  }
  const family = set === 'skip4' ? 4 : 6;
  const elements: AddressElement[] = ranges.map(({ from, to }) => [hexOf(family, from), hexOf(family, to)]);
  return set === 'skip4' ? { skip4: elements } : { skip6: elements };
}

function foundElements(keys: readonly string[], ttlOf: (key: string) => number): Elements {
  const elements = (set: string): EndpointElement[] =>
    keys
      .map((key) => key.split(' '))
      .filter(([name]) => name === set)
      .map(([name, hex = '', port]) => [hex, Number(port), ttlOf(`${name} ${hex} ${port}`)]);
  const [found4, found6] = [elements('found4'), elements('found6')];
  return { ...(found4.length > 0 ? { found4 } : {}), ...(found6.length > 0 ? { found6 } : {}) };
}

/** From what is held to what is wanted. Endpoints come apart from the rest (`foundChanges`): there may be thousands. */
export function rangesChange(have: Holdings, wanted: Holdings): HoldingsChange {
  let [remove, add]: [Elements, Elements] = [{}, {}];
  const ranges = { ...have.ranges };
  for (const set of rangeSets) {
    const delta = deltaOf(have.ranges[set], wanted.ranges[set]);
    remove = { ...remove, ...rangeElements(set, delta.remove) };
    add = { ...add, ...rangeElements(set, delta.add) };
    ranges[set] = [...have.ranges[set].filter((each) => !delta.remove.includes(each)), ...delta.add].toSorted(
      (a, b) => (a.from < b.from ? -1 : 1),
    );
  }
  return {
    remove,
    add,
    holdings: { ...wanted, ranges, found: have.found },
    isEmpty: Object.keys(remove).length === 0 && Object.keys(add).length === 0,
  };
}

/** Endpoints in one request. */
const endpointsPerChange = 1_000;

/** The changes of the endpoints, a slice at a time. */
export function foundChanges(have: Holdings, wanted: Holdings, nowMs: number): HoldingsChange[] {
  const gone = [...have.found.keys()].filter((key) => !wanted.found.has(key));
  const come = [...wanted.found].filter(
    ([key, untilMs]) => untilMs > nowMs && untilMs - (have.found.get(key) ?? 0) > prolongedMs,
  );
  const ttlOf = (key: string) =>
    Math.min(maxTtlSeconds, Math.max(1, Math.ceil(((wanted.found.get(key) ?? 0) - nowMs) / 1_000)));
  const changes: HoldingsChange[] = [];
  const found = new Map(have.found);
  const slice = (removed: readonly string[], added: readonly (readonly [string, number])[]) => {
    for (const key of removed) found.delete(key);
    for (const [key, untilMs] of added) found.set(key, untilMs);
    changes.push({
      remove: foundElements(removed, () => 1),
      add: foundElements(
        added.map(([key]) => key),
        ttlOf,
      ),
      holdings: { ...have, found: new Map(found) },
      isEmpty: false,
    });
  };
  for (let i = 0; i < gone.length; i += endpointsPerChange) slice(gone.slice(i, i + endpointsPerChange), []);
  for (let i = 0; i < come.length; i += endpointsPerChange) slice([], come.slice(i, i + endpointsPerChange));
  return changes;
}
