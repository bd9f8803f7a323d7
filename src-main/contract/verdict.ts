// What scanning a message says. `complete: false` is never "clean": something was not looked into, and `limits` says what.
import { z } from 'zod';

/** Why something was not looked into; each has words in the locales under `limit.<code>`. */
export const limitCodes = [
  'message-size',
  'part-size',
  'unpacked-size',
  'unpack-ratio',
  'archive-depth',
  'archive-members',
  'mime-depth',
  'mime-parts',
  'header-size',
  'scan-time',
  'engine-timeout',
  'engine-failed',
  'encrypted',
  'unsupported-archive',
  'damaged-archive',
  /** A piece of an archive whose other pieces are elsewhere. */
  'split-archive',
  /** A piece of a message whose other pieces are elsewhere (RFC 2046 §5.2.2). */
  'partial-message',
  /** The process that unpacks what is risky to unpack failed, or was ended. */
  'unpacker-failed',
  /** The settings say that this kind is not to be looked into. */
  'by-setting',
  /** An engine that is in use can't be reached. */
  'engine-down',
  /** An engine does not take so much. */
  'engine-size',
  'queue-full',
] as const;

export type LimitCode = (typeof limitCodes)[number];

/** Worst wins: infected > suspicious > not-scanned > clean. */
export const outcomeSchema = z.enum(['clean', 'suspicious', 'infected', 'not-scanned']);
export type Outcome = z.infer<typeof outcomeSchema>;

export const detectionSchema = z.object({
  /** `Postern.<Category>.<Name>`, or the name that another engine gives. */
  name: z.string(),
  /** Id of the engine: `yara-x`, `literal`, `hashes`, `heuristics`, `clamd`, `icap`. */
  engine: z.string(),
  category: z.enum(['malware', 'test', 'spam-test', 'simulation', 'suspicious']),
  /** Where: `2/eicar.zip/eicar.com`; empty for the message as a whole. */
  part: z.string(),
  /** Hex SHA-256 of the octets in which it was found. */
  sha256: z.string(),
});
export type Detection = z.infer<typeof detectionSchema>;

/** Worth knowing, and no reason to warn anybody: an encrypted archive, a macro, a boundary that is named twice. */
const noteSchema = z.object({
  /** `Postern.<Category>.<Name>`. */
  name: z.string(),
  /** Where, as in a detection. */
  part: z.string(),
});
export type Note = z.infer<typeof noteSchema>;

/** What became of one engine's look at a message. */
const engineReportSchema = z.object({
  id: z.string(),
  /** Of the engine and its database, as it says it; empty while it is not known. */
  version: z.string(),
  /** `skipped`: it was not asked, since it does not take so much. */
  status: z.enum(['ok', 'timeout', 'failed', 'down', 'skipped']),
  ms: z.number(),
});
export type EngineReport = z.infer<typeof engineReportSchema>;

export const verdictSchema = z.object({
  outcome: outcomeSchema,
  complete: z.boolean(),
  detections: z.array(detectionSchema),
  notes: z.array(noteSchema).default([]),
  /** Of engines beyond the built-in ones. */
  engines: z.array(engineReportSchema).default([]),
  limits: z.array(z.enum(limitCodes)),
  /** Hex SHA-256 of the message. */
  sha256: z.string(),
  bytes: z.number(),
  parts: z.number(),
  ms: z.number(),
});
export type Verdict = z.infer<typeof verdictSchema>;

/** The outcome that detections and limits add up to. */
export function outcomeOf(detections: readonly Detection[], complete: boolean): Outcome {
  if (detections.some((detection) => detection.category !== 'suspicious')) return 'infected';
  if (detections.length > 0) return 'suspicious';
  return complete ? 'clean' : 'not-scanned';
}
