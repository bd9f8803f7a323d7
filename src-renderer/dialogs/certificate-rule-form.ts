// Certificate rules as they are typed and as they lie in a file, read by the schema of the settings; what is wrong is
// told by field. Pure.
import {
  type CertificateRule,
  certificateRuleSchema,
  maxListEntries,
} from '../../src-main/contract/settings.ts';

export type RuleProblem =
  | { readonly kind: 'no-name' | 'not-a-host' | 'not-a-fingerprint' | 'no-condition' }
  | { readonly kind: 'allow-needs-fingerprint' | 'invalid' }
  | { readonly kind: 'too-long'; readonly limit: number };

/** `rule`: what is wrong with it as a whole. */
export type RuleField = 'name' | 'host' | 'sha256' | 'subject' | 'issuer' | 'rule';

const typedFields = ['name', 'host', 'sha256', 'subject', 'issuer'] as const;
export type TypedRule = Readonly<Record<(typeof typedFields)[number], string>> &
  Pick<CertificateRule, 'access' | 'scan'> & { readonly until?: string };

export type ReadRule =
  | { readonly ok: true; readonly rule: CertificateRule }
  | { readonly ok: false; readonly problems: ReadonlyMap<RuleField, RuleProblem> };

type Issue = NonNullable<ReturnType<typeof certificateRuleSchema.safeParse>['error']>['issues'][number];

function problemOf(field: RuleField, issue: Issue): RuleProblem {
  // The codes of the schema's own checks.
  switch (issue.message) {
    case 'not-a-host':
    case 'not-a-fingerprint':
    case 'no-condition':
    case 'allow-needs-fingerprint':
      return { kind: issue.message };
    default:
      break;
  }
  if (issue.code === 'too_big')
    return field === 'sha256'
      ? { kind: 'not-a-fingerprint' }
      : { kind: 'too-long', limit: Number(issue.maximum) };
  return { kind: field === 'name' ? 'no-name' : 'invalid' };
}

/** Reads anything that may be a rule. */
function readRule(value: unknown): ReadRule {
  const parsed = certificateRuleSchema.safeParse(value);
  if (parsed.success) return { ok: true, rule: parsed.data };
  const problems = new Map<RuleField, RuleProblem>();
  for (const issue of parsed.error.issues) {
    const field =
      issue.message === 'allow-needs-fingerprint'
        ? 'sha256'
        : (typedFields.find((each) => each === issue.path[0]) ?? 'rule');
    if (!problems.has(field)) problems.set(field, problemOf(field, issue));
  }
  return { ok: false, problems };
}

/** Reads the fields of the form: an empty one is no condition. */
export function readTypedRule({ name, access, scan, until, ...conditions }: TypedRule): ReadRule {
  const given = Object.entries(conditions).filter(([, text]) => text.trim() !== '');
  return readRule({
    name,
    ...Object.fromEntries(given),
    access,
    scan,
    ...(until !== undefined && { until }),
  });
}

/** A rule by all that it says: a list holds each once. */
export function ruleKey({ name, host, sha256, subject, issuer, access, scan }: CertificateRule): string {
  return JSON.stringify([name, host, sha256, subject, issuer, access, scan]);
}

export function writeRules(rules: readonly CertificateRule[]): string {
  return `${JSON.stringify(rules, undefined, 2)}\n`;
}

export type ReadRules =
  | { readonly ok: true; readonly rules: readonly CertificateRule[] }
  | { readonly ok: false; readonly kind: 'no-list' | 'too-many' }
  /** `number`: which rule of the list, from 1. */
  | { readonly ok: false; readonly kind: 'rule'; readonly number: number; readonly problem: RuleProblem };

/** Reads what `writeRules` wrote; the first rule that is wrong refuses the whole. */
export function readRules(text: string): ReadRules {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // JSON.parse has no other way to say that this is no JSON.
    return { ok: false, kind: 'no-list' };
  }
  if (!Array.isArray(value)) return { ok: false, kind: 'no-list' };
  if (value.length > maxListEntries) return { ok: false, kind: 'too-many' };
  const rules: CertificateRule[] = [];
  for (const [at, each] of value.entries()) {
    const read = readRule(each);
    if (!read.ok) {
      const [problem] = read.problems.values();
      return { ok: false, kind: 'rule', number: at + 1, problem: problem ?? { kind: 'invalid' } };
    }
    rules.push(read.rule);
  }
  return { ok: true, rules };
}
