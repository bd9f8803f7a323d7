// Messages that were scanned and found clean, by the SHA-256 of their octets.

export interface VerdictCache {
  /** Whether a message of these octets was found clean, by the rules and engines of now. `sha256`: in hex. */
  isClean(sha256: string): boolean;
  addClean(sha256: string): void;
  /** Writes what is not yet written and closes the file. May be called twice. */
  stop(): void;
}
