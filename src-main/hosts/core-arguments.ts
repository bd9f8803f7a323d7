// From words on a command line to what a core is started with; the same for the headless host and the desktop.
import { readFileSync } from 'node:fs';
import { type Ports, parseFixedListener } from '../core/ports.ts';
import type { Parsed } from './addresses.ts';
import { CommandFailure } from './failure.ts';
import { findNetfilterRoute } from './netfilter-route.ts';

export interface CoreArguments {
  readonly settings?: string | undefined;
  readonly intercept?: string | undefined;
  readonly upstreamCa?: string | undefined;
  readonly listen?: readonly string[] | undefined;
  readonly holdScans?: string | undefined;
  readonly netfilterHelper?: string | undefined;
}

export type CoreOptions = Pick<
  Ports,
  'holdScans' | 'intercept' | 'listeners' | 'netfilterHelper' | 'settings' | 'upstreamCa'
>;

/** No client waits longer than this. */
const maxHoldSeconds = 3_600;

/** The value, or the failure of the command. */
export function valueOrFail<Value>(parsed: Parsed<Value>): Value {
  if (!parsed.ok) throw new CommandFailure('invalid-input', parsed.problem);
  return parsed.value;
}

function listenerOf(text: string): Ports['listeners'][number] {
  const parsed = parseFixedListener(text);
  if (parsed.ok) return parsed.listener;
  throw new CommandFailure('invalid-input', `not LOCALPORT=HOST:PORT/{imap|imaps|pop3|pop3s}: ${text}`);
}

/** `SECONDS` with a fraction, or `SECONDS/N` for the first N scans. */
function holdScansOf(text: string): NonNullable<Ports['holdScans']> {
  const [, seconds = '', first] = /^(\d{1,5}(?:\.\d{1,3})?)(?:\/(\d{1,9}))?$/.exec(text) ?? [];
  if (seconds === '' || Number(seconds) > maxHoldSeconds) {
    throw new CommandFailure('invalid-input', `not SECONDS or SECONDS/N, up to ${maxHoldSeconds}: ${text}`);
  }
  return {
    delayMs: Math.round(Number(seconds) * 1_000),
    first: first === undefined ? undefined : Number(first),
  };
}

function settingsDocument(path: string): unknown {
  const text = readFileSync(path, 'utf8');
  try {
    return JSON.parse(text);
  } catch {
    throw new CommandFailure('invalid-input', `not a settings file: ${path}`);
  }
}

/** Reads what the arguments name; fails the command where that is wrong or can't be read. */
export function coreOptionsOf(given: CoreArguments): CoreOptions {
  const { settings, intercept = 'auto', upstreamCa, listen = [], holdScans, netfilterHelper } = given;
  if (intercept !== 'auto' && intercept !== 'off') {
    throw new CommandFailure('invalid-input', `--intercept is auto or off: ${intercept}`);
  }
  return {
    holdScans: holdScans === undefined ? undefined : holdScansOf(holdScans),
    intercept,
    listeners: listen.map(listenerOf),
    netfilterHelper: () => findNetfilterRoute(netfilterHelper),
    settings: settings === undefined ? undefined : settingsDocument(settings),
    upstreamCa: upstreamCa === undefined ? undefined : readFileSync(upstreamCa, 'utf8'),
  };
}
