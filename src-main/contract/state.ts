// The live state that every screen shows: one snapshot with a revision, then patches by key.
import { z } from 'zod';
import { relayReasons } from './connection.ts';
import { errorCodes } from './error-codes.ts';
import { settingsSchema } from './settings.ts';
import { trustSchema } from './trust.ts';
import { detectionSchema, limitCodes, outcomeSchema } from './verdict.ts';

const errorCodeSchema = z.enum(errorCodes);

const availabilitySchema = z.object({
  state: z.enum(['active', 'off', 'unavailable']),
  reason: errorCodeSchema.optional(),
  /** Technical words of the system (an nft error line); shown as they are, never parsed. */
  detail: z.string().optional(),
});
export type Availability = z.infer<typeof availabilitySchema>;
const remarkSchema = z.object({ code: errorCodeSchema, detail: z.string().optional() });
/** See `remarks` of the state. */
export type Remark = z.infer<typeof remarkSchema>;

/** One step of the walk through the real interception with a built-in harmless server. */
export const selfTestStepSchema = z.object({
  /** `kernel`: a connection comes through the redirect; then each protocol with its upgrade. */
  protocol: z.enum(['kernel', 'imap', 'imaps', 'imap-starttls', 'pop3', 'pop3s', 'pop3-stls']),
  step: z.enum(['redirect', 'greeting', 'tls', 'sign-in', 'clean-message', 'test-virus']),
  /** `skipped`: by the settings, or because an earlier step failed. */
  outcome: z.enum(['passed', 'failed', 'skipped']),
  ms: z.number(),
  /** What was seen instead; English, technical. */
  detail: z.string().optional(),
});
export type SelfTestStep = z.infer<typeof selfTestStepSchema>;

export const notScannedReasons = [...limitCodes, 'scan-failed', 'spool-failed', 'part-not-found'] as const;
export type NotScannedReason = (typeof notScannedReasons)[number];

export const countersSchema = z.object({
  scanned: z.number(),
  clean: z.number(),
  infected: z.number(),
  suspicious: z.number(),
  notScanned: z.number(),
  notScannedByReason: z.partialRecord(z.enum(notScannedReasons), z.number()),
  /** Connections that were passed through unscanned. */
  relayedByReason: z.partialRecord(z.enum(relayReasons), z.number()).default({}),
  since: z.iso.datetime(),
});
export type Counters = z.infer<typeof countersSchema>;

/** One message in which something was found, or that was not scanned. */
export const messageEventSchema = z.object({
  id: z.number(),
  at: z.iso.datetime(),
  outcome: outcomeSchema,
  detections: z.array(detectionSchema),
  limits: z.array(z.enum(notScannedReasons)),
  server: z.string(),
  program: z.string().optional(),
  sender: z.string().optional(),
  subject: z.string().optional(),
  quarantineId: z.string().optional(),
  /** Something was found, and by the settings it was delivered all the same, as it came. */
  unchanged: z.literal(true).optional(),
});
export type MessageEvent = z.infer<typeof messageEventSchema>;

const settingsProblemSchema = z.object({
  code: errorCodeSchema,
  section: z.string().optional(),
  fields: z.array(z.string()).optional(),
  /** File name, beside the settings, under which the old form is kept. */
  keptAs: z.string().optional(),
});

const stateSchema = z.object({
  settings: settingsSchema,
  settingsProblems: z.array(settingsProblemSchema),
  protection: availabilitySchema,
  interception: availabilitySchema,
  /** What an active interception can't do here, or does not do by rule: `greetings-unseen`, `port-denied` (`detail`: the
   *  ports), `mail-blocked` (it is not active, and mail is refused by setting). */
  remarks: z.array(remarkSchema),
  listeners: z.array(
    z.object({ protocol: z.string(), address: z.string(), port: z.number(), target: z.string() }),
  ),
  counters: countersSchema,
  openConnections: z.number(),
  /** Open connections that live by older rules than today's settings. */
  staleConnections: z.number(),
  /** Mail connections that were open before the interception began, and go directly to their servers. */
  directConnections: z.number(),
  trust: trustSchema,
  /** What looks at messages: the built-in engines with the number of their rules, and those elsewhere. */
  engines: z.array(
    z.object({ id: z.string(), version: z.string(), rules: z.number().optional(), isUp: z.boolean() }),
  ),
  /** Rules of the user's that are left out; `message`: English, technical. */
  ruleProblems: z.array(z.object({ file: z.string(), line: z.number().optional(), message: z.string() })),
  /** Newest first, at most 20. */
  lastMessages: z.array(messageEventSchema),
});
export type State = z.infer<typeof stateSchema>;
export type StatePatch = Partial<State>;

export const snapshotSchema = z.object({ revision: z.number(), state: stateSchema });
export const stateUpdateSchema = z.object({ revision: z.number(), patch: stateSchema.partial() });
export type Snapshot = z.infer<typeof snapshotSchema>;
export type StateUpdate = z.infer<typeof stateUpdateSchema>;
