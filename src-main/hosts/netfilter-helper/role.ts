// Who started the helper, and so whose connections it may touch. Nothing else decides that.
import type { Scope } from '../../interception/linux/nft-script.ts';

export interface Start {
  /** Real and effective user. */
  readonly uid: number | undefined;
  readonly euid: number | undefined;
  readonly argv: readonly string[];
  /** Set by pkexec to the user who asked, whatever that user's environment said (pkexec(1)). */
  readonly pkexecUid: string | undefined;
}

/** Whose connections are covered, and the user whose upstream connections are left alone. */
export type Role = Pick<Scope, 'user' | 'coreUid'>;

/** A user's number; 2³²-1 is none. */
function uidOf(text = ''): number | undefined {
  return /^(0|[1-9][0-9]{0,9})$/.test(text) && Number(text) < 2 ** 32 - 1 ? Number(text) : undefined;
}

/**
 * By pkexec, without arguments: the user who asked. By root itself with `--all-users --core-uid N`: all users, for a core
 * that runs as N. Undefined for any other start; one with rights from a file's mode has no clean environment either.
 */
export function roleOf({ uid, euid, argv, pkexecUid }: Start): Role | undefined {
  const [first, second, number, ...more] = argv;
  const isForAll = first === '--all-users' && second === '--core-uid' && more.length === 0;
  const coreUid = uidOf(isForAll ? number : pkexecUid);
  const isAsked = isForAll ? pkexecUid === undefined : argv.length === 0;
  if (uid !== 0 || euid !== 0 || !isAsked || coreUid === undefined) return undefined;
  return { user: isForAll ? 'all' : coreUid, coreUid };
}
