// The settings of TLS as a connection needs them, and which of their rules speaks of it. Pure.
import { type ApplicationRule, parseApplicationRule, ruleMatches } from '../contract/application-rule.ts';
import type { ConnectionOwner } from '../contract/connection.ts';
import { hostMatches } from '../contract/host-pattern.ts';
import type { CertificateRule, TlsSettings } from '../contract/settings.ts';
import type { CertificateFacts } from '../contract/trust.ts';
import type { TlsVersion } from './tls.ts';

type ScanAction = CertificateRule['scan'];

/** Milliseconds since the epoch at which a rule ends. */
interface Ending {
  readonly untilMs: number;
}

interface ProgramRule extends Ending {
  readonly rule: ApplicationRule;
  readonly action: ScanAction;
}

type ServerRule = Ending & Omit<CertificateRule, 'name' | 'until'>;

export interface TlsRules {
  readonly enabled: boolean;
  /** What fails because it is opened is relayed from then on. */
  readonly automatic: boolean;
  readonly minVersion: TlsVersion;
  /** What a client gets for a server's certificate that is signed by nobody who is trusted. */
  readonly untrusted: 'show' | 'block';
  /** The same for one that is bad in itself. */
  readonly invalid: 'show' | 'block';
  readonly applications: readonly ProgramRule[];
  readonly certificates: readonly ServerRule[];
}

const endOf = (until: string | undefined): Ending => ({
  untilMs: until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until),
});

/** Entries that the schema let through always parse. */
export function tlsRulesFrom(settings: TlsSettings): TlsRules {
  return {
    enabled: settings.enabled,
    automatic: settings.mode === 'automatic',
    minVersion: `TLSv${settings.minVersion}`,
    untrusted: settings.whenUntrusted,
    invalid: settings.whenInvalid,
    applications: settings.applicationRules.flatMap(({ application, action, until }) => {
      const parsed = parseApplicationRule(application);
      return parsed.ok ? [{ rule: parsed.rule, action, ...endOf(until) }] : [];
    }),
    certificates: settings.certificateRules.map(({ name: _, until, ...rule }) => ({
      ...rule,
      ...endOf(until),
    })),
  };
}

/** What the first rule that names the program says; `auto` where none does. */
export function programAction(rules: TlsRules, owner: ConnectionOwner | undefined, now: Date): ScanAction {
  const path = owner?.path;
  if (path === undefined) return 'auto';
  const program = { path, sandboxId: owner?.sandboxId, script: owner?.script };
  const found = rules.applications.find(
    ({ rule, untilMs }) => untilMs > now.getTime() && ruleMatches(rule, program),
  );
  return found?.action ?? 'auto';
}

/** What a rule for a server says. */
export type ServerSays = Pick<ServerRule, 'access' | 'scan'>;

const nothing: ServerSays = { access: 'auto', scan: 'auto' };

const hostFits = ({ host }: ServerRule, serverName: string | undefined) =>
  host === undefined || (serverName !== undefined && hostMatches(host, serverName));

const certificateFits = ({ sha256, subject, issuer }: ServerRule, certificate: CertificateFacts) =>
  (sha256 === undefined || sha256 === certificate.sha256) &&
  (subject === undefined || subject === certificate.subject) &&
  (issuer === undefined || issuer === certificate.issuer);

const asksForCertificate = ({ sha256, subject, issuer }: ServerRule) =>
  (sha256 ?? subject ?? issuer) !== undefined;

/** What the first rule that fits a server says, once its certificate is known. */
export function serverSays(
  rules: TlsRules,
  serverName: string | undefined,
  certificate: CertificateFacts,
  now: Date,
): ServerSays {
  const found = rules.certificates.find(
    (rule) =>
      rule.untilMs > now.getTime() && hostFits(rule, serverName) && certificateFits(rule, certificate),
  );
  return found ?? nothing;
}

/**
 * What the rules say of a server whatever its certificate will be; undefined: that depends on it. A rule that asks for
 * a certificate may come before one that asks for a name alone.
 */
export function serverSaysByName(
  rules: TlsRules,
  serverName: string | undefined,
  now: Date,
): ServerSays | undefined {
  const fitting = rules.certificates.filter(
    (rule) => rule.untilMs > now.getTime() && hostFits(rule, serverName),
  );
  const sure = fitting.findIndex((rule) => !asksForCertificate(rule));
  const possible: ServerSays[] = sure === -1 ? [...fitting, nothing] : fitting.slice(0, sure + 1);
  const [first = nothing, ...others] = possible;
  const isSettled = others.every(({ access, scan }) => access === first.access && scan === first.scan);
  return isSettled ? first : undefined;
}
