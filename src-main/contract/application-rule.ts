// What names a program in "Excluded applications": an absolute path, a folder with everything below it,
// or the identity of a sandboxed program. Convenience, not security: a program can be made to look like another.

import { assertNever } from './assert-never.ts';

export type ApplicationRule =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'folder'; readonly folder: string }
  | { readonly kind: 'identity'; readonly scheme: 'flatpak' | 'snap' | 'appimage'; readonly id: string };

export type ApplicationProblem = 'not-absolute' | 'wildcard' | 'bad-identity' | 'empty' | 'too-long';

/** PATH_MAX of Linux. */
export const maxApplicationRuleLength = 4_096;

export type ApplicationResult =
  | { readonly ok: true; readonly rule: ApplicationRule }
  | { readonly ok: false; readonly problem: ApplicationProblem };

/** A running program as it is compared with the rules. */
export interface ApplicationIdentity {
  /** Real path of the executable, without a " (deleted)" suffix. */
  readonly path: string;
  /** `flatpak:org.mozilla.Thunderbird`, `snap:thunderbird`, `appimage:/path/File.AppImage`; absent for plain programs. */
  readonly sandboxId?: string | undefined;
  /** The script that an interpreter runs: its absolute path. A rule may name it like a program. */
  readonly script?: string | undefined;
}

/** Programs whose exclusion excludes every script that they run. */
const interpreters =
  /^(python[0-9.]*|perl[0-9.]*|ruby[0-9.]*|node|java|bash|dash|sh|php[0-9.]*|lua[0-9.]*|tclsh[0-9.]*)$/;

export function isInterpreter(path: string): boolean {
  return interpreters.test(path.slice(path.lastIndexOf('/') + 1));
}

function hasDotSegment(path: string): boolean {
  return path.split('/').some((segment) => segment === '.' || segment === '..');
}

/** Parses one entry: `/usr/bin/mutt`, `/opt/mail/*`, `flatpak:ID`, `snap:NAME`, `appimage:/PATH`. */
export function parseApplicationRule(typed: string): ApplicationResult {
  const text = typed.trim();
  if (text === '') return { ok: false, problem: 'empty' };
  if (text.length > maxApplicationRuleLength) return { ok: false, problem: 'too-long' };
  const scheme = /^(flatpak|snap|appimage):(.*)$/.exec(text);
  if (scheme) {
    const kind = scheme[1] as 'flatpak' | 'snap' | 'appimage';
    const id = scheme[2] ?? '';
    const wellFormed =
      kind === 'appimage' ? id.startsWith('/') && !hasDotSegment(id) : /^[A-Za-z0-9_.-]+$/.test(id);
    return wellFormed
      ? { ok: true, rule: { kind: 'identity', scheme: kind, id } }
      : { ok: false, problem: 'bad-identity' };
  }
  if (!text.startsWith('/') || text.includes('\0') || hasDotSegment(text))
    return { ok: false, problem: 'not-absolute' };
  const folder = text.endsWith('/*') ? text.slice(0, -1) : undefined;
  if ((folder ?? text).includes('*')) return { ok: false, problem: 'wildcard' };
  if (folder !== undefined) return { ok: true, rule: { kind: 'folder', folder } };
  return text.endsWith('/')
    ? { ok: false, problem: 'not-absolute' }
    : { ok: true, rule: { kind: 'path', path: text } };
}

/** Whether a rule names this program, or the script that it runs. */
export function ruleMatches(rule: ApplicationRule, program: ApplicationIdentity): boolean {
  switch (rule.kind) {
    case 'path':
      return program.path === rule.path || program.script === rule.path;
    case 'folder':
      return program.path.startsWith(rule.folder) || (program.script?.startsWith(rule.folder) ?? false);
    case 'identity':
      return program.sandboxId === `${rule.scheme}:${rule.id}`;
    default:
      return assertNever(rule);
  }
}
