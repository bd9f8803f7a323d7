// Why the netfilter helper refuses or ends. Pure.

export const helperProblems = [
  /** No problem: the core has closed its end, or the helper was told to end (SIGTERM). */
  'closed',
  /** Not started by root or pkexec, or not as one of them. */
  'no-privilege',
  'no-nft',
  /** nft said no; `detail` is its line. */
  'nft-failed',
  /** The table of this user is held by another core. */
  'table-taken',
  /** The system's core covers this user already. */
  'system-core-running',
  /** `detail` is the port. */
  'port-denied',
  /** A line that is too long, no JSON, or no request; `detail` says what of it. */
  'malformed',
  /** Nothing was heard for `silenceMs`. */
  'silence',
  'not-open',
  'not-allowed',
] as const;
export type HelperProblem = (typeof helperProblems)[number];
