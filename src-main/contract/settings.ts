// THE settings: one schema, all defaults, one integer version. What is stored is what was parsed here.
import { z } from 'zod';
import { maxAddressEntryLength, parseAddressEntry } from './address-list.ts';
import { maxApplicationRuleLength, parseApplicationRule } from './application-rule.ts';
import { isHostPattern } from './host-pattern.ts';
import { formatPortList, parsePortList } from './port-list.ts';
import { parseSubjectText } from './subject-text.ts';

/**
 * Raised by one when what is stored comes to mean something else; settings-migrations.ts knows the way from each older
 * one. A section or a key that is added needs no raise: where it is missing, it has its default.
 */
export const settingsVersion = 1;

/** A list longer than this is a mistake or an attack; each entry costs a kernel set element or a comparison. */
export const maxListEntries = 1_000;
/** One line of a table. */
export const maxNoteLength = 200;

/** Text of a port field, kept in its tidy form ("585, 993"). */
export const portListSchema = z
  .string()
  .max(2_000)
  .transform((text, context) => {
    const parsed = parsePortList(text);
    if (parsed.ok) return formatPortList(parsed.ranges);
    context.addIssue({ code: 'custom', message: parsed.problem.kind, params: { problem: parsed.problem } });
    return z.NEVER;
  });

export const excludedAddressSchema = z.object({
  /** As the user typed it. */
  address: z
    .string()
    .trim()
    .max(maxAddressEntryLength)
    .refine((text) => parseAddressEntry(text).ok, { message: 'not-an-address' }),
  note: z.string().max(maxNoteLength).optional(),
  /** ISO 8601 instant at which the exclusion ends; absent: it stays. */
  until: z.iso.datetime().optional(),
});

/** An absolute path, `/dir/*`, `flatpak:ID`, `snap:NAME` or `appimage:/PATH`. */
const applicationSchema = z
  .string()
  .trim()
  .max(maxApplicationRuleLength)
  .refine((text) => parseApplicationRule(text).ok, { message: 'not-an-application' });

export const excludedApplicationSchema = z.object({
  application: applicationSchema,
  note: z.string().max(maxNoteLength).optional(),
});

const mailTransportSchema = z.object({
  enabled: z.boolean(),
  scanImap: z.boolean(),
  scanImaps: z.boolean(),
  scanPop3: z.boolean(),
  scanPop3s: z.boolean(),
  imapsPorts: portListSchema,
  pop3sPorts: portListSchema,
  /** Ports of mail bridges on this machine itself, which are redirected on its own addresses. */
  localPorts: portListSchema,
  /** What becomes of mail when the core is gone or hangs: `pass`: directly to its servers; `block`: refused. */
  whenStopped: z.enum(['pass', 'block']),
  excludedApplications: z.array(excludedApplicationSchema).max(maxListEntries),
  excludedAddresses: z.array(excludedAddressSchema).max(maxListEntries),
});

/** Kept without spaces around it. */
const subjectTextSchema = z.string().transform((text, context) => {
  const parsed = parseSubjectText(text);
  if (parsed.ok) return parsed.text;
  context.addIssue({ code: 'custom', message: parsed.problem });
  return z.NEVER;
});

export const responseSchema = z.object({
  /** `keep-alive`: the message is held until it is scanned, and the client hears something meanwhile; `silent`: it
   *  hears nothing; `unchanged`: held too, but delivered as it came, whatever was found. */
  delivery: z.enum(['keep-alive', 'silent', 'unchanged']),
  /** When a message gets a header field that names what was found in it. */
  tagMessages: z.enum(['never', 'on-detection']),
  updateSubject: z.boolean(),
  /** Put before the subject; `%DETECTIONNAME%` stands for what was found. */
  subjectText: subjectTextSchema,
});

/** What is done with the TLS of a program: `auto`: as the mode says; `scan`: opened even if the program refuses our
 *  certificate; `ignore`: relayed unopened. */
export const scanActions = ['auto', 'scan', 'ignore'] as const;

const applicationScanRuleSchema = z.object({
  application: applicationSchema,
  action: z.enum(scanActions),
  note: z.string().max(maxNoteLength).optional(),
  /** ISO 8601 instant at which the rule ends; absent: it stays. */
  until: z.iso.datetime().optional(),
});

const certificateTextSchema = z.string().trim().min(1).max(1_000);

/** All conditions that are given must hold. */
export const certificateRuleSchema = z
  .object({
    /** What people call it. */
    name: z.string().trim().min(1).max(maxNoteLength),
    /** The name that the client asks for (SNI): `mail.example.org`, or `*.example.org` for every name below it. */
    host: z
      .string()
      .trim()
      .max(255)
      .refine((text) => isHostPattern(text), { message: 'not-a-host' })
      .optional(),
    /** Of the server's certificate; 64 hex digits, colons are dropped. */
    sha256: z
      .string()
      .max(200)
      .transform((text) => text.replaceAll(/[:\s]/g, '').toLowerCase())
      .refine((text) => /^[0-9a-f]{64}$/.test(text), { message: 'not-a-fingerprint' })
      .optional(),
    /** Distinguished names as in `CertificateFacts`, whole. */
    subject: certificateTextSchema.optional(),
    issuer: certificateTextSchema.optional(),
    /** `allow`: the certificate counts as trusted; `block`: connections are ended; `auto`: it is judged. */
    access: z.enum(['auto', 'allow', 'block']),
    scan: z.enum(scanActions),
    until: z.iso.datetime().optional(),
  })
  .refine(({ host, sha256, subject, issuer }) => (host ?? sha256 ?? subject ?? issuer) !== undefined, {
    message: 'no-condition',
  })
  // Any server can claim a name; a certificate that is let pass must be that one.
  .refine(({ access, sha256 }) => access !== 'allow' || sha256 !== undefined, {
    message: 'allow-needs-fingerprint',
  });

export const tlsSchema = z.object({
  enabled: z.boolean(),
  /** `automatic`: every program is scanned until it refuses our certificate; `policy`: every one, but for the rules. */
  mode: z.enum(['automatic', 'policy']),
  applicationRules: z.array(applicationScanRuleSchema).max(maxListEntries),
  certificateRules: z.array(certificateRuleSchema).max(maxListEntries),
  /** Whether the root is put into the stores of this user's mail programs, new ones too. */
  installRoot: z.boolean(),
  /** What a client gets when a server's certificate is signed by nobody who is trusted: `show`: one that it will not
   *  trust either, so that it asks its user. */
  whenUntrusted: z.enum(['show', 'block']),
  /** The same for one that has ended, is revoked, is too weak, or is another server's. */
  whenInvalid: z.enum(['show', 'block']),
  /** Spoken with servers and with clients. */
  minVersion: z.enum(['1.2', '1.3']),
});

/** The range of each number of the section `scanning`. */
export const scanningRanges = {
  maxMessageMiB: { least: 1, most: 100 },
  maxSeconds: { least: 5, most: 600 },
  archiveDepth: { least: 1, most: 20 },
  maxMemberMiB: { least: 1, most: 100 },
  maxUnpackedMiB: { least: 1, most: 1_000 },
} as const;

const within = ({ least, most }: { readonly least: number; readonly most: number }) =>
  z.int().min(least).max(most);

/** `HOST:PORT`, `[IPV6]:PORT`, or the absolute path of a unix socket. */
const clamdAddress = /^(?:\/.{1,106}|\[[0-9a-f:.]{2,45}\]:\d{1,5}|[A-Za-z0-9.-]{1,253}:\d{1,5})$/;
/** RFC 3507 §4.2. */
const icapUrl = /^icap:\/\/[A-Za-z0-9.:[\]-]{1,260}\/[!-~]{1,200}$/;

export const isClamdSetting = (text: string): boolean =>
  text === 'auto' || text === 'off' || clamdAddress.test(text);

export const isIcapSetting = (text: string): boolean => text === 'off' || icapUrl.test(text);

/** What is looked into, how far, and by whom. */
export const scanningSchema = z.object({
  /** Messages within messages. */
  emailFiles: z.boolean(),
  archives: z.boolean(),
  selfExtracting: z.boolean(),
  heuristics: z.boolean(),
  suspiciousAttachments: z.boolean(),
  phishingLinks: z.boolean(),
  unwanted: z.boolean(),
  /** The largest message, in MiB. */
  maxMessageMiB: within(scanningRanges.maxMessageMiB),
  /** For one message, all in all. */
  maxSeconds: within(scanningRanges.maxSeconds),
  archiveDepth: within(scanningRanges.archiveDepth),
  /** The largest file in an archive, in MiB. */
  maxMemberMiB: within(scanningRanges.maxMemberMiB),
  /** What all archives of one message may unpack to, in MiB. */
  maxUnpackedMiB: within(scanningRanges.maxUnpackedMiB),
  /** `auto`: where Debian's clamd listens, when it is there. */
  clamd: z.string().trim().max(300).refine(isClamdSetting, { message: 'not-a-clamd-address' }),
  /** `icap://HOST[:PORT]/SERVICE`, or `off`. */
  icap: z.string().trim().max(500).refine(isIcapSetting, { message: 'not-an-icap-url' }),
  /** What becomes of a message that an engine in use could not be asked about: `withhold`: a temporary error. */
  whenEngineDown: z.enum(['deliver', 'withhold']),
});

export const appearanceSchema = z.object({
  /** `system` follows the language of the system (Norwegian: nb, nn and no; else English). */
  language: z.enum(['system', 'en', 'nb']),
  theme: z.enum(['system', 'light', 'dark']),
});

/** The sections by name; each one falls back to its defaults alone. */
export const sectionSchemas = {
  mailTransport: mailTransportSchema,
  response: responseSchema,
  tls: tlsSchema,
  scanning: scanningSchema,
  appearance: appearanceSchema,
} as const;

export const settingsSchema = z.object({ version: z.literal(settingsVersion), ...sectionSchemas });

/** What one change carries: any keys of any section; lists are replaced whole. */
export const settingsPatchSchema = z.object({
  mailTransport: mailTransportSchema.partial().optional(),
  response: responseSchema.partial().optional(),
  tls: tlsSchema.partial().optional(),
  scanning: scanningSchema.partial().optional(),
  appearance: appearanceSchema.partial().optional(),
});

export type Settings = z.output<typeof settingsSchema>;
export type SectionName = keyof typeof sectionSchemas;
export type MailTransportSettings = Settings['mailTransport'];
export type ResponseSettings = Settings['response'];
export type TlsSettings = Settings['tls'];
export type ScanningSettings = Settings['scanning'];
export type AppearanceSettings = Settings['appearance'];
export type SettingsPatch = z.input<typeof settingsPatchSchema>;
export type ExcludedAddress = z.output<typeof excludedAddressSchema>;
export type ApplicationScanRule = z.output<typeof applicationScanRuleSchema>;
export type CertificateRule = z.output<typeof certificateRuleSchema>;
export type ExcludedApplication = z.output<typeof excludedApplicationSchema>;

export const defaultSettings: Settings = {
  version: settingsVersion,
  mailTransport: {
    enabled: true,
    scanImap: true,
    scanImaps: true,
    scanPop3: true,
    scanPop3s: true,
    imapsPorts: '585, 993',
    pop3sPorts: '995',
    localPorts: '1110, 1143',
    whenStopped: 'pass',
    excludedApplications: [],
    excludedAddresses: [],
  },
  response: {
    delivery: 'keep-alive',
    tagMessages: 'on-detection',
    updateSubject: true,
    subjectText: '[detection %DETECTIONNAME%]',
  },
  tls: {
    enabled: true,
    mode: 'automatic',
    applicationRules: [],
    certificateRules: [],
    installRoot: true,
    whenUntrusted: 'show',
    whenInvalid: 'show',
    minVersion: '1.2',
  },
  scanning: {
    emailFiles: true,
    archives: true,
    selfExtracting: true,
    heuristics: true,
    suspiciousAttachments: true,
    phishingLinks: true,
    unwanted: false,
    maxMessageMiB: 100,
    maxSeconds: 90,
    archiveDepth: 10,
    maxMemberMiB: 50,
    maxUnpackedMiB: 200,
    clamd: 'auto',
    icap: 'off',
    whenEngineDown: 'deliver',
  },
  appearance: { language: 'system', theme: 'system' },
};

/** `values` without the keys that are undefined. */
function given<Section extends object>(values: Section | undefined): Partial<Section> {
  return Object.fromEntries(
    Object.entries(values ?? {}).filter(([, value]) => value !== undefined),
  ) as Partial<Section>;
}

/** Applies a parsed patch; the result is again valid settings. */
export function applyPatch(settings: Settings, patch: z.output<typeof settingsPatchSchema>): Settings {
  return {
    version: settingsVersion,
    mailTransport: {
      ...settings.mailTransport,
      ...(given(patch.mailTransport) as Partial<MailTransportSettings>),
    },
    response: { ...settings.response, ...(given(patch.response) as Partial<ResponseSettings>) },
    tls: { ...settings.tls, ...(given(patch.tls) as Partial<TlsSettings>) },
    scanning: { ...settings.scanning, ...(given(patch.scanning) as Partial<ScanningSettings>) },
    appearance: { ...settings.appearance, ...(given(patch.appearance) as Partial<AppearanceSettings>) },
  };
}
