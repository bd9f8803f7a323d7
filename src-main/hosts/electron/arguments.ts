// From the command line of the desktop host to what it is started with.
import { parseArgs } from 'node:util';
import type { CoreArguments } from '../core-arguments.ts';

export interface DesktopArguments extends CoreArguments {
  readonly dataDir: string | undefined;
  /** Without a window until it is asked for: the start of a session. */
  readonly hidden: boolean;
}

export function desktopArguments(words: readonly string[]): DesktopArguments {
  const { values } = parseArgs({
    args: [...words],
    // Chromium's own switches are among them.
    strict: false,
    options: {
      'data-dir': { type: 'string' },
      settings: { type: 'string' },
      intercept: { type: 'string' },
      'upstream-ca': { type: 'string' },
      listen: { type: 'string', multiple: true },
      hidden: { type: 'boolean' },
    },
  });
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  return {
    dataDir: text(values['data-dir']),
    settings: text(values['settings']),
    intercept: text(values['intercept']),
    upstreamCa: text(values['upstream-ca']),
    listen: (values['listen'] ?? []).filter((each) => typeof each === 'string'),
    hidden: values['hidden'] === true,
  };
}

/**
 * Whether a core of the system takes the place of one of our own: unless the command line says how that one is to be. It
 * would not redirect twice then either, for its netfilter helper refuses to.
 */
export function isForSystemCore(given: DesktopArguments): boolean {
  const { dataDir, settings, upstreamCa, listen = [], intercept } = given;
  const isPlain = dataDir === undefined && settings === undefined && upstreamCa === undefined;
  return isPlain && listen.length === 0 && intercept !== 'off';
}

/** Whether what another start said of itself (`requestSingleInstanceLock`) is that it has no window either. */
export function isHiddenStart(start: unknown): boolean {
  return typeof start === 'object' && start !== null && 'hidden' in start && start.hidden === true;
}
