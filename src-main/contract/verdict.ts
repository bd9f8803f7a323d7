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
  'queue-full',
] as const;

export type LimitCode = (typeof limitCodes)[number];

/** Worst wins: infected > suspicious > not-scanned > clean. */
export const outcomeSchema = z.enum(['clean', 'suspicious', 'infected', 'not-scanned']);
export type Outcome = z.infer<typeof outcomeSchema>;

export const detectionSchema = z.object({
  /** `Postern.<Category>.<Name>`, or the name that another engine gives. */
  name: z.string(),
  /** Id of the engine: `yara-x`, `literal`. */
  engine: z.string(),
  category: z.enum(['malware', 'test', 'spam-test', 'simulation', 'suspicious']),
  /** Where: `2/eicar.zip/eicar.com`; empty for the message as a whole. */
  part: z.string(),
  /** Hex SHA-256 of the octets in which it was found. */
  sha256: z.string(),
});
export type Detection = z.infer<typeof detectionSchema>;

export const verdictSchema = z.object({
  outcome: outcomeSchema,
  complete: z.boolean(),
  detections: z.array(detectionSchema),
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
