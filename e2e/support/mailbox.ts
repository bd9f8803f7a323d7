// What a client may have stored of the test mailbox: clean mail octet for octet, infected mail with its length, its
// notice and without its virus.
import { expect } from 'vitest';
import { containsVirus, type TestMessage } from './messages.ts';

/** Line ends as stores differ in them, and header fields that clients add. */
function normal(stored: Buffer): string {
  return stored
    .toString('latin1')
    .replaceAll('\r\n', '\n')
    .replace(/^X-(?:TUID|UIDL|Account-Key|Mozilla-(?:Status2?|Keys)):.*\n/gm, '')
    .replace(/\n+$/, '');
}

export function expectMailbox(stored: readonly Buffer[], messages: readonly TestMessage[]): void {
  const byId = new Map(
    stored.map((each) => [/^Message-ID: <([\w-]+)@/m.exec(each.toString('latin1'))?.[1], each]),
  );
  expect([...byId.keys()].sort()).toEqual(messages.map((message) => message.name).sort());
  for (const { name, wire, infected } of messages) {
    const got = byId.get(name) ?? Buffer.alloc(0);
    if (infected) {
      expect(containsVirus(got), name).toBe(false);
      expect(normal(got).length, name).toBe(normal(wire).length);
      expect(normal(got), name).not.toBe(normal(wire));
    } else {
      expect(normal(got), name).toBe(normal(wire));
    }
  }
}
