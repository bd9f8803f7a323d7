// What a scanning thread and the unpacking process say to each other, over pipes: frames of a JSON head and octets.
import type { LimitCode } from '../../contract/verdict.ts';

/** The reasons that the unpacking process may give. */
const childLimits = [
  'part-size',
  'unpacked-size',
  'archive-members',
  'encrypted',
  'unsupported-archive',
  'damaged-archive',
  'split-archive',
  'unpacker-failed',
] as const satisfies readonly LimitCode[];
export type ChildLimit = (typeof childLimits)[number];

/** To the process; the archive's octets follow. */
export interface RequestHead {
  readonly extension: string;
  readonly passwords: readonly string[];
  readonly maxMembers: number;
  readonly maxMemberBytes: number;
  readonly maxOutputBytes: number;
}

/** From the process. */
export type AnswerHead =
  /** Its octets follow. */
  | { readonly kind: 'member'; readonly name: string }
  /** Passwords are tried now: what takes long from here on is no fault. */
  | { readonly kind: 'trying'; readonly encryptedNames: readonly string[] }
  | { readonly kind: 'tried' }
  | {
      readonly kind: 'done';
      readonly limits: readonly ChildLimit[];
      readonly encryptedNames: readonly string[];
      readonly openedByPassword: boolean;
    };

/** Octets before the head: its length and that of the octets behind it, both 32 bits, little-endian. */
export const frameStartBytes = 8;

/** Octets of a head: some dozen names, some hundred passwords. */
export const maxHeadBytes = 1024 * 1024;

/** The start of a frame with its head; `bytes` octets are to follow. */
export function frameOf(head: RequestHead | AnswerHead, bytes: number): Buffer {
  const json = Buffer.from(JSON.stringify(head));
  const start = Buffer.alloc(frameStartBytes);
  start.writeUInt32LE(json.length, 0);
  start.writeUInt32LE(bytes, 4);
  return Buffer.concat([start, json]);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function isLimits(value: unknown): value is readonly ChildLimit[] {
  return Array.isArray(value) && value.every((each) => childLimits.some((code) => code === each));
}

/** The head of an answer; undefined: the process is not itself any more. */
export function answerHeadOf(json: Buffer): AnswerHead | undefined {
  let head: unknown;
  try {
    head = JSON.parse(json.toString());
  } catch {
    return undefined;
  }
  if (!isRecord(head)) return undefined;
  const { kind, name, limits, encryptedNames, openedByPassword } = head;
  if (kind === 'member') return typeof name === 'string' ? { kind, name } : undefined;
  if (kind === 'tried') return { kind };
  if (!isStrings(encryptedNames)) return undefined;
  if (kind === 'trying') return { kind, encryptedNames };
  if (kind !== 'done' || !isLimits(limits) || typeof openedByPassword !== 'boolean') return undefined;
  return { kind, limits, encryptedNames, openedByPassword };
}

/** Milliseconds spent on passwords; each costs 40 ms and more where keys are derived slowly on purpose. */
export const passwordsMs = 2_000;
