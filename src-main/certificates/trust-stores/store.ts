// What a trust store is to those who put our root into it, and how an administrator is asked where that takes one.
import type { ErrorCode } from '../../contract/error-codes.ts';
import type { CertificateFacts, TrustAction, TrustStore } from '../../contract/trust.ts';

/** A root of ours as it goes into stores. */
export interface Root {
  readonly pem: string;
  readonly facts: CertificateFacts;
}

/** The stores of the machine itself, which belong to root. */
export type MachineStore = 'system' | 'thunderbird-policy';

/** One line of JSON on the standard input of the trust helper, which runs as root. */
export interface MachineRequest {
  readonly action: 'install' | 'remove';
  readonly store: MachineStore;
  /** PEM of one authority of ours. */
  readonly certificate: string;
}

export type MachineReply =
  | { readonly ok: true; readonly changed: boolean }
  /** `detail`: technical words. */
  | { readonly ok: false; readonly reason: ErrorCode; readonly detail: string };

/** Has the request carried out with an administrator's rights, which may ask a person for a password. Never rejects. */
export type AskAdministrator = (request: MachineRequest) => Promise<MachineReply>;

/** What a store says of itself; the last handshake is known to others. */
export type FoundStore = Omit<TrustStore, 'lastHandshake'>;

/** All stores of one user and of the machine. */
export interface TrustStores {
  /** Looks at every store; one that can't be read is `unavailable`, with the reason. Never rejects. */
  status(roots: readonly Root[]): Promise<FoundStore[]>;
  /** Puts the roots into the stores with these ids, or (`own`) into all that take them without an administrator. */
  install(roots: readonly Root[], ids: readonly string[] | 'own'): Promise<TrustAction[]>;
  /** Takes roots out again, and leaves each store as it was before they came: everywhere, or in the stores with these ids. */
  remove(roots: readonly Root[], ids: readonly string[] | 'all'): Promise<TrustAction[]>;
  /** Calls back when stores have come or gone: a new profile, a first database. Gives a function that ends it. */
  watch(onChange: () => void): () => void;
  /** Kills the tools that run and starts no more: what is under way then ends at once, as failed. */
  stop(): void;
}
