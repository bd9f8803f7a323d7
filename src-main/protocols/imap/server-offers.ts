// What the server offers, as its status lines tell, and what of it may be offered on.
import {
  filterCapabilityLine,
  leavesNoSignIn,
  listsCapabilities,
  nonSyncLiteralBytes,
} from './capabilities.ts';

export class ServerOffers {
  /** Octets of a client literal that doesn't wait (RFC 7888). */
  nonSyncBytes = 0;
  readonly #onNoSignIn: () => void;
  /** The client has signed in, or was told that it can't. */
  #isSettled = false;

  /** `onNoSignIn`: none of the ways to sign in passes through us; called once. */
  constructor(onNoSignIn: () => void) {
    this.#onNoSignIn = onNoSignIn;
  }

  /** Takes a status or CAPABILITY line; the same with what may be offered on. */
  filter(line: Uint8Array, tls: boolean): Uint8Array {
    if (!listsCapabilities(line)) return line;
    this.nonSyncBytes = nonSyncLiteralBytes(line) ?? this.nonSyncBytes;
    if (!this.#isSettled && leavesNoSignIn(line, tls)) {
      this.#isSettled = true;
      this.#onNoSignIn();
    }
    return filterCapabilityLine(line, tls);
  }

  signedIn(): void {
    this.#isSettled = true;
  }
}
