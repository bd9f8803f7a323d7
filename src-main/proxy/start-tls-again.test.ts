import { afterEach, describe, expect, test, vi } from 'vitest';
import { startTlsAgain } from './start-tls-again.ts';
import { received, socketPair } from './testing.fixture.ts';

const teardown: (() => void)[] = [];
afterEach(() => {
  for (const undo of teardown.splice(0)) undo();
});

async function ask(kind: 'imap' | 'pop3', greeting: string, answer: string, timeoutMs = 5_000) {
  const { outer, inner } = await socketPair();
  teardown.push(
    () => outer.destroy(),
    () => inner.destroy(),
  );
  const heard = received(outer);
  const ready = startTlsAgain(inner, kind, timeoutMs);
  outer.setNoDelay(true);
  for (const octet of greeting) outer.write(octet);
  if (answer !== '') {
    await vi.waitFor(() => expect(heard()).not.toBe(''));
    outer.write(answer);
  }
  return { ready: await ready, heard: heard(), left: inner.readableLength, outer, inner };
}

describe('a server that consents', () => {
  test.each<['imap' | 'pop3', string, string, string]>([
    ['imap', '* OK ready\r\n', '* CAPABILITY IMAP4rev1\r\np OK begin\r\n', 'p STARTTLS\r\n'],
    ['pop3', '+OK ready\r\n', '+OK begin\r\n', 'STLS\r\n'],
  ])('%s', async (kind, greeting, answer, command) => {
    expect(await ask(kind, greeting, answer)).toMatchObject({ ready: true, heard: command, left: 0 });
  });
});

describe('a server that does not', () => {
  test.each<['imap' | 'pop3', string]>([
    ['imap', 'p NO later\r\n'],
    ['imap', 'p BAD what\r\n'],
    ['imap', 'p OK begin\r\n* OK injected\r\n'],
    ['pop3', '-ERR no\r\n'],
    ['pop3', '+OK begin\r\nmore'],
    ['pop3', '+OKAY\r\n'],
    ['imap', 'x'.repeat(70_000)],
  ])('%s: %.30j', async (kind, answer) => {
    expect((await ask(kind, '* OK ready\r\n', answer)).ready).toBe(false);
  });

  test('nor says anything is given up', async () => {
    expect((await ask('imap', '', '', 20)).ready).toBe(false);
  });
});
