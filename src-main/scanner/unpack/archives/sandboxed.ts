// Has the sandbox unpack something, under the common budget.
import type { LimitCode } from '../../../contract/verdict.ts';
import type { SandboxReply } from '../../sandbox/sandbox.ts';
import type { UnpackContext, Unpacked } from '../unpacker.ts';
import { isProgramName } from './program-names.ts';

/** Words that are tried; the likeliest come first. */
const maxPasswords = 200;

const limit = (code: LimitCode): Unpacked => ({ kind: 'limit', code });

/** Asks once without passwords, which cost time to find out, and again with them where they are needed. */
function ask(
  bytes: Buffer,
  extension: string,
  { sandbox, budget, passwords }: UnpackContext,
): SandboxReply | undefined {
  const request = {
    bytes,
    extension,
    passwords: [],
    maxMembers: budget.membersLeft,
    maxMemberBytes: budget.allowance(bytes.length).octets,
    maxOutputBytes: budget.allowanceOfAll(bytes.length).octets,
  };
  const reply = sandbox?.unpack(request);
  if (!sandbox || !reply?.limits.includes('encrypted')) return reply;
  const candidates = passwords();
  const words = candidates.slice(0, budget.takeWords(Math.min(candidates.length, maxPasswords)));
  if (words.length === 0 || !budget.takeRequest()) return reply;
  const second = sandbox.unpack({ ...request, passwords: words });
  return second.openedByPassword ? second : reply;
}

/** Gives what the sandbox unpacks from `bytes`, `extension` being its name of the format. */
export function* unpackInSandbox(
  bytes: Buffer,
  extension: string,
  context: UnpackContext,
): Generator<Unpacked> {
  const { budget } = context;
  const all = budget.allowanceOfAll(bytes.length);
  if (all.octets === 0) return yield limit(all.code);
  const one = budget.allowance(bytes.length);
  if (!budget.takeRequest()) return yield limit('archive-members');
  const reply = ask(bytes, extension, context);
  if (!reply) return yield limit('unsupported-archive');
  const { members, limits, encryptedNames, openedByPassword } = reply;
  const codes = new Map<LimitCode, LimitCode>([
    ['unpacked-size', all.code],
    ['part-size', one.code],
  ]);
  for (const code of limits) yield limit(codes.get(code) ?? code);
  if (openedByPassword) yield { kind: 'trait', trait: 'opened-by-password' };
  if (limits.includes('encrypted')) yield { kind: 'trait', trait: 'encrypted-archive' };
  if (encryptedNames.some(isProgramName)) yield { kind: 'trait', trait: 'encrypted-program-name' };
  if (limits.includes('split-archive')) yield { kind: 'trait', trait: 'split-archive' };
  // All of it came out at once, so all of it is counted before other archives are opened.
  const given = members.map((member) => ({
    ...member,
    over: budget.takeMember() ?? budget.takeOutput(member.bytes.length),
  }));
  for (const { name, bytes: content, over } of given) {
    if (over !== undefined) return yield limit(over);
    yield { kind: 'member', name, bytes: content };
  }
}
