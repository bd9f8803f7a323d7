// A sandbox for tests, and requests to it.
import { openSandbox, type SandboxOptions } from './child-sandbox.ts';
import type { SandboxReply, SandboxRequest } from './sandbox.ts';

const megabyte = 1_000_000;

export function testSandbox(options: Partial<SandboxOptions> = {}) {
  return openSandbox({ childUrl: new URL('./seven-zip-child.ts', import.meta.url), ...options });
}

export function requestOf(
  bytes: Buffer,
  extension: string,
  more: Partial<SandboxRequest> = {},
): SandboxRequest {
  return {
    bytes,
    extension,
    passwords: [],
    maxMembers: 2_000,
    maxMemberBytes: 50 * megabyte,
    maxOutputBytes: 200 * megabyte,
    ...more,
  };
}

/** Members as `name=text`, then the limits. */
export function said({ members, limits }: SandboxReply): string[] {
  return [...members.map(({ name, bytes }) => `${name}=${bytes.toString('latin1')}`), ...limits];
}
