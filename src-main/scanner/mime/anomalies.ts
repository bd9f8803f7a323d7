// What is wrong with the structure of a message: mail programs read it differently, or none writes it so.

export const anomalies = [
  'duplicate-content-type',
  'duplicate-encoding',
  'duplicate-boundary',
  'unknown-encoding',
  'encoded-multipart',
  'missing-boundary',
  'mismatched-boundary',
  'unterminated-multipart',
  'data-before-first-part',
  'data-after-last-part',
  'nul-in-header',
  'bare-cr',
  'malformed-header',
  'malformed-base64',
] as const;
export type Anomaly = (typeof anomalies)[number];
