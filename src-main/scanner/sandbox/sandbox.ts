// A process of its own for formats whose unpackers are large and old: it can be killed, has few rights and little
// memory, and is kept warm. Asked synchronously from a scanning thread.
import type { LimitCode } from '../../contract/verdict.ts';

export interface SandboxRequest {
  readonly bytes: Buffer;
  /** The extension by which 7-Zip knows the format. */
  readonly extension: string;
  /** Tried one after the other where something is encrypted. */
  readonly passwords: readonly string[];
  readonly maxMembers: number;
  /** Octets of one member, and of all of them. */
  readonly maxMemberBytes: number;
  readonly maxOutputBytes: number;
}

export interface SandboxReply {
  readonly members: readonly { readonly name: string; readonly bytes: Buffer }[];
  /** What was left out, and why. */
  readonly limits: readonly LimitCode[];
  /** Names of members that no password opened. */
  readonly encryptedNames: readonly string[];
  /** A password was needed, and one of the request's opened it. */
  readonly openedByPassword: boolean;
}

export interface Sandbox {
  /** Blocks until the answer, at most some seconds. Never throws: a process that dies is `unpacker-failed`. */
  unpack(request: SandboxRequest): SandboxReply;
  /** May be called twice. */
  stop(): void;
}
