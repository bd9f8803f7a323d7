// Who may use the console: a one-time token in the URL opens a session, and the session's cookie opens everything else.
// Only hashes are kept, so that neither a dump nor the time of a comparison tells a secret. Knows nothing of HTTP.
import { createHash, timingSafeEqual } from 'node:crypto';

/** Long enough to paste a URL from a terminal or a mail to oneself; a fresh one costs one command. */
export const tokenLifetimeMs = 5 * 60_000;
/** A working day with room on both sides; the next URL opens the next session. */
export const sessionLifetimeMs = 24 * 60 * 60_000;
/** URLs that wait to be opened; the oldest goes first. More than a few at a time means a script gone wild. */
export const maxTokens = 8;
/** Browsers that are signed in at once; the oldest goes first. */
export const maxSessions = 32;
/** 256 bits: not to be guessed at any rate. */
const secretBytes = 32;

export interface ConsoleAuthPorts {
  readonly now: () => number;
  readonly randomBytes: (size: number) => Buffer;
}

interface Session {
  /** Goes into the cookie, once. */
  readonly secret: string;
  /** Milliseconds of the clock that was passed in. */
  readonly expiresAt: number;
}

export interface ConsoleAuth {
  /** A fresh token, good for one use within `tokenLifetimeMs`. */
  issueToken(): string;
  /** Uses a token up, and opens a session for it. */
  redeem(token: string): Session | undefined;
  /** The end of the session with this secret, or `undefined` when there is none (any more). */
  sessionEnd(secret: string): number | undefined;
}

interface Entry {
  readonly hash: Buffer;
  readonly expiresAt: number;
}

const hashOf = (secret: string) => createHash('sha256').update(secret).digest();

export function createConsoleAuth({ now, randomBytes }: ConsoleAuthPorts): ConsoleAuth {
  const tokens: Entry[] = [];
  const sessions: Entry[] = [];

  function add(entries: Entry[], max: number, lifetimeMs: number): Session {
    const secret = randomBytes(secretBytes).toString('base64url');
    const expiresAt = now() + lifetimeMs;
    entries.push({ hash: hashOf(secret), expiresAt });
    if (entries.length > max) entries.shift();
    return { secret, expiresAt };
  }

  function find(entries: Entry[], secret: string): Entry | undefined {
    const hash = hashOf(secret);
    const found = entries.find((entry) => timingSafeEqual(entry.hash, hash));
    return found !== undefined && now() < found.expiresAt ? found : undefined;
  }

  return {
    issueToken: () => add(tokens, maxTokens, tokenLifetimeMs).secret,
    redeem(token) {
      const found = find(tokens, token);
      if (found === undefined) return undefined;
      tokens.splice(tokens.indexOf(found), 1);
      return add(sessions, maxSessions, sessionLifetimeMs);
    },
    sessionEnd: (secret) => find(sessions, secret)?.expiresAt,
  };
}
