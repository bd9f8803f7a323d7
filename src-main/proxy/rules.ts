// The settings as a connection needs them: parsed once for each change, asked once for each connection.
import { type AddressRange, addressInRanges, parseAddressEntry } from '../contract/address-list.ts';
import { type ApplicationRule, parseApplicationRule, ruleMatches } from '../contract/application-rule.ts';
import type { ConnectionOwner, Endpoint, MailProtocol, RelayReason } from '../contract/connection.ts';
import type {
  MailTransportSettings,
  ResponseSettings,
  ScanningSettings,
  Settings,
} from '../contract/settings.ts';
import type { Treatment } from './delivery.ts';
import { type TlsRules, tlsRulesFrom } from './tls-rules.ts';

interface ExcludedRange {
  readonly range: AddressRange;
  /** Milliseconds since the epoch at which the exclusion ends. */
  readonly untilMs: number;
}

export interface ProxyRules {
  /** Grows with each change; a connection keeps the one that it was accepted under. */
  readonly revision: number;
  readonly enabled: boolean;
  readonly protocols: Readonly<Record<MailProtocol, boolean>>;
  readonly addresses: readonly ExcludedRange[];
  readonly applications: readonly ApplicationRule[];
  readonly tls: TlsRules;
  readonly treatment: Treatment;
  /** Whether a client that waits for a scan hears something meanwhile. */
  readonly keepAlive: boolean;
}

function protocolsFrom(settings: MailTransportSettings): ProxyRules['protocols'] {
  return {
    imap: settings.scanImap,
    imaps: settings.scanImaps,
    pop3: settings.scanPop3,
    pop3s: settings.scanPop3s,
  };
}

/** A message that is never changed has no mark either. */
function treatmentFrom(
  { delivery, tagMessages, updateSubject, subjectText }: ResponseSettings,
  { whenEngineDown }: Pick<ScanningSettings, 'whenEngineDown'>,
): Treatment {
  const header = tagMessages === 'on-detection';
  const isMarked = delivery !== 'unchanged' && (header || updateSubject);
  return {
    neutralise: delivery !== 'unchanged',
    needsEngines: whenEngineDown === 'withhold',
    tag: isMarked ? { header, ...(updateSubject ? { subject: subjectText } : {}) } : undefined,
  };
}

/** What a connection lives by of the settings: a change of anything else leaves it as it is. */
export type RuleSettings = Pick<Settings, 'mailTransport' | 'response' | 'tls'> & {
  readonly scanning: Pick<ScanningSettings, 'whenEngineDown'>;
};

/** Parses the pages' settings. Entries that the schema let through always parse. */
export function rulesFrom(
  { mailTransport, response, tls, scanning }: RuleSettings,
  revision: number,
): ProxyRules {
  return {
    revision,
    enabled: mailTransport.enabled,
    protocols: protocolsFrom(mailTransport),
    addresses: mailTransport.excludedAddresses.flatMap((entry) => {
      const parsed = parseAddressEntry(entry.address);
      const untilMs = entry.until === undefined ? Number.POSITIVE_INFINITY : Date.parse(entry.until);
      return parsed.ok ? [{ range: parsed.range, untilMs }] : [];
    }),
    applications: mailTransport.excludedApplications.flatMap((entry) => {
      const parsed = parseApplicationRule(entry.application);
      return parsed.ok ? [parsed.rule] : [];
    }),
    tls: tlsRulesFrom(tls),
    treatment: treatmentFrom(response, scanning),
    keepAlive: response.delivery === 'keep-alive',
  };
}

/** What a test of ours is handled by: nothing is left alone, and what is found is made harmless. */
export function rulesOfTest(rules: ProxyRules): ProxyRules {
  return {
    ...rules,
    enabled: true,
    protocols: { imap: true, imaps: true, pop3: true, pop3s: true },
    addresses: [],
    applications: [],
    tls: {
      enabled: true,
      automatic: false,
      minVersion: rules.tls.minVersion,
      untrusted: 'show',
      invalid: 'show',
      applications: [],
      certificates: [],
    },
    treatment: { ...rules.treatment, neutralise: true, needsEngines: false },
  };
}

/** Why a connection is relayed with its TLS unopened, or undefined when it is to be looked at. */
export function exclusionOf(
  rules: ProxyRules,
  destination: Endpoint,
  owner: ConnectionOwner | undefined,
  now: Date,
): RelayReason | undefined {
  if (!rules.enabled) return 'protection-off';
  const ranges = rules.addresses.filter((entry) => entry.untilMs > now.getTime()).map((entry) => entry.range);
  if (addressInRanges(destination.address, ranges)) return 'excluded-address';
  const path = owner?.path;
  if (path === undefined) return undefined;
  const program = { path, sandboxId: owner?.sandboxId, script: owner?.script };
  return rules.applications.some((rule) => ruleMatches(rule, program)) ? 'excluded-application' : undefined;
}
