// From words on a command line to what a core is started with; the same for the headless host and the desktop.
import { readFileSync } from 'node:fs';
import { type Ports, parseFixedListener } from '../core/ports.ts';
import type { Parsed } from './addresses.ts';
import { CommandFailure } from './failure.ts';

export interface CoreArguments {
  readonly settings?: string | undefined;
  readonly intercept?: string | undefined;
  readonly upstreamCa?: string | undefined;
  readonly listen?: readonly string[] | undefined;
}

export type CoreOptions = Pick<Ports, 'intercept' | 'listeners' | 'settings' | 'upstreamCa'>;

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
  const { settings, intercept = 'auto', upstreamCa, listen = [] } = given;
  if (intercept !== 'auto' && intercept !== 'off') {
    throw new CommandFailure('invalid-input', `--intercept is auto or off: ${intercept}`);
  }
  return {
    intercept,
    listeners: listen.map(listenerOf),
    settings: settings === undefined ? undefined : settingsDocument(settings),
    upstreamCa: upstreamCa === undefined ? undefined : readFileSync(upstreamCa, 'utf8'),
  };
}
