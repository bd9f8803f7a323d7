// An application scan rule as a line of text: its action, then the program. The form of import and export, and of many
// rules typed at once. Pure.
import { type ApplicationProblem, parseApplicationRule } from '../../src-main/contract/application-rule.ts';
import { type ApplicationScanRule, scanActions } from '../../src-main/contract/settings.ts';
import type { TypedEntry } from './entry-lines.ts';

export function scanRuleLine({ application, action, note }: ApplicationScanRule): TypedEntry {
  return { text: `${action} ${application}`, ...(note !== undefined && { note }) };
}

export type ScanRuleLine =
  | { readonly ok: true; readonly rule: ApplicationScanRule }
  | { readonly ok: false; readonly problem: ApplicationProblem | 'action' };

export function parseScanRuleLine({ text, note }: TypedEntry): ScanRuleLine {
  const [, word, application] = /^(\S+)\s+(.+)$/.exec(text.trim()) ?? [];
  const action = scanActions.find((each) => each === word?.toLowerCase());
  if (action === undefined || application === undefined) return { ok: false, problem: 'action' };
  const parsed = parseApplicationRule(application);
  return parsed.ok
    ? { ok: true, rule: { application, action, ...(note !== undefined && { note }) } }
    : { ok: false, problem: parsed.problem };
}
