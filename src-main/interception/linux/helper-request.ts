// Reads a line of the core: exactly a request of the protocol, or the name of what is wrong with it. Everything that passes is
// numbers within bounds, hexadecimal digits of a fixed length, and words of fixed lists. Pure.
import { type HelperRequest, maxElements, maxEnded, maxTtlSeconds } from './helper-messages.ts';

export type ReadRequest =
  | { readonly ok: true; readonly request: HelperRequest }
  /** `problem`: the field that is wrong or missing, or `json`. Never text of the line. */
  | { readonly ok: false; readonly problem: string };

type Check = (value: unknown) => boolean;
type Fields = Readonly<Record<string, Check>>;

function whole(from: number, to: number): Check {
  return (value) => typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to;
}

function matching(pattern: RegExp): Check {
  return (value) => typeof value === 'string' && pattern.test(value);
}

function list(length: number, check: Check): Check {
  return (value) => Array.isArray(value) && value.length <= length && value.every((each) => check(each));
}

function tuple(...checks: readonly Check[]): Check {
  return (value) =>
    Array.isArray(value) && value.length === checks.length && checks.every((check, i) => check(value[i]));
}

/** Digits of one length are in the order of their values, as text. */
function ranges(end: Check): Check {
  return list(maxElements, (value) => tuple(end, end)(value) && Array.isArray(value) && value[0] <= value[1]);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const port = whole(1, 65_535);
const hex4 = matching(/^[0-9a-f]{8}$/);
const hex6 = matching(/^[0-9a-f]{32}$/);
const greetings = list(2, matching(/^(imap|pop3)$/));
const endpoints = (address: Check) => list(maxElements, tuple(address, port, whole(1, maxTtlSeconds)));
const ends = (address: Check) => tuple(tuple(address, port), tuple(address, port));

const flag: Check = (value) => typeof value === 'boolean';

/** What a set of that name may hold; undefined: there is none. */
function setCheck(name: string): Check | undefined {
  const address = name.endsWith('4') ? hex4 : hex6;
  if (/^(found|down)[46]$/.test(name)) return endpoints(address);
  if (/^skip[46]$/.test(name)) return ranges(address);
  return /^(ports|bridges)$/.test(name) ? ranges(port) : undefined;
}

const elements: Check = (value) =>
  isRecord(value) && Object.entries(value).every(([name, set]) => setCheck(name)?.(set));
const block: Check = (value) => typeof value === 'boolean' || elements(value);

/** What each request must have, besides its name and number. */
const requests = new Map<unknown, Fields>([
  // An unprivileged port: no other user's service can be meant by the rules about it.
  ['open', { listen: whole(1_024, 65_535), ipv6: flag, detect: greetings, block: flag, add: elements }],
  ['change', { remove: elements, add: elements, detect: greetings, block }],
  ['close', { block: flag }],
  ['end', { connections: list(maxEnded, (value) => ends(hex4)(value) || ends(hex6)(value)) }],
  ['owner', { inode: whole(1, Number.MAX_SAFE_INTEGER), uid: whole(0, 2 ** 32 - 2) }],
  ['alive', {}],
]);
const id = whole(1, Number.MAX_SAFE_INTEGER);

function problemOf(value: unknown): string | undefined {
  if (!isRecord(value)) return 'json';
  const { do: name, ...given } = value;
  const fields = requests.get(name);
  if (!fields) return 'do';
  const checks = Object.entries(name === 'alive' ? fields : { id, ...fields });
  const wrong = checks.find(([field, check]) => !check(given[field]));
  if (wrong) return wrong[0];
  return Object.keys(given).length > checks.length ? 'unknown' : undefined;
}

export function readRequest(line: string): ReadRequest {
  try {
    const value: unknown = JSON.parse(line);
    const problem = problemOf(value);
    return problem === undefined ? { ok: true, request: value as HelperRequest } : { ok: false, problem };
  } catch {
    return { ok: false, problem: 'json' };
  }
}
