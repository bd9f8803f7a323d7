import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type HelperLine, heartbeatMs, silenceMs } from '../../interception/linux/helper-messages.ts';
import type { NftSession } from '../../interception/linux/nft-session.ts';
import { createTables } from '../../interception/linux/nft-tables.ts';
import { type HelperEnd, type HelperOptions, serve } from './helper.ts';

let said: HelperLine[];
let input: PassThrough;
let closed: boolean;
/** What nft answers with, for a test that makes it wait. */
let answer: () => Promise<{ readonly ok: true }>;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  said = [];
  input = new PassThrough();
  closed = false;
  answer = async () => ({ ok: true });
});
afterEach(() => {
  vi.useRealTimers();
});

function start(options: Partial<HelperOptions> = {}): Promise<HelperEnd> {
  const lost = Promise.withResolvers<string>();
  const session: NftSession = {
    lost: lost.promise,
    run: () => answer(),
    remove: () => answer(),
    tables: async () => [],
    kill: () => {
      closed = true;
      lost.resolve('killed');
    },
  };
  const scope = { user: 1001, coreUid: 1001, denied: [443] };
  return serve({
    scope,
    tables: createTables({ scope, session, reservedPortsPath: '/nonexistent' }),
    run: async () => '',
    answerOwner: undefined,
    input,
    say: (line) => said.push(line),
    ended: new Promise(() => undefined),
    ...options,
  });
}

const tell = (...requests: readonly unknown[]) => {
  for (const request of requests) input.write(`${JSON.stringify(request)}\n`);
};
/** Waits, in turns of the event loop and not by the clock. */
async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await new Promise((resolve) => setImmediate(resolve));
}
const answers = (count: number) => until(() => said.length >= count);

const change = { do: 'change', detect: [], block: false, remove: {}, add: {} };
const open = { id: 1, do: 'open', listen: 40_000, ipv6: true, detect: ['imap'], block: false, add: {} };

test('requests are answered by their numbers, in their order', async () => {
  const ended = start();
  tell(open, { id: 7, ...change }, { do: 'alive' }, { id: 8, do: 'close', block: false });
  input.end();
  expect(await ended).toEqual({ end: 'closed' });
  expect(said).toEqual([
    { id: 1, ok: true, answer: { greetings: 'ih' } },
    { id: 7, ok: true },
    { id: 8, ok: true },
  ]);
  expect(closed).toBe(true);
});

test('what comes behind a line that is no request is not done', async () => {
  const ended = start();
  tell(open, { do: 'flush ruleset' }, { id: 2, do: 'close', block: false });
  expect(await ended).toEqual({ end: 'malformed', detail: 'do' });
  expect(said).toHaveLength(1);
  expect(closed).toBe(true);
});

test('it ends when it is told to, whatever its input does', async () => {
  const told = Promise.withResolvers<HelperEnd>();
  const ended = start({ ended: told.promise });
  told.resolve({ end: 'nft-failed', detail: 'lost' });
  expect(await ended).toEqual({ end: 'nft-failed', detail: 'lost' });
  expect(closed).toBe(true);
});

describe('silence', () => {
  test('ends it, and only lines break it', async () => {
    const ended = start();
    for (let i = 1; i <= 20; i++) {
      tell({ do: 'alive' }, { id: i, do: 'close', block: true });
      await answers(i);
      vi.advanceTimersByTime(heartbeatMs);
    }
    vi.advanceTimersByTime(silenceMs / 2);
    input.write('{"do":');
    await until(() => input.readableLength === 0);
    vi.advanceTimersByTime(silenceMs);
    expect(await ended).toEqual({ end: 'silence' });
    expect(closed).toBe(true);
  });

  test('is not what the core keeps while it waits for an answer', async () => {
    const waiting = Promise.withResolvers<{ readonly ok: true }>();
    let asked = false;
    answer = () => {
      asked = true;
      return waiting.promise;
    };
    const ended = start();
    tell(open);
    await until(() => asked);
    vi.advanceTimersByTime(3 * silenceMs);
    waiting.resolve({ ok: true });
    await answers(1);
    input.end();
    expect(await ended).toEqual({ end: 'closed' });
  });
});

describe('rules', () => {
  test('denied ports are refused by the lowest, also in a change, and may be removed', async () => {
    const ended = start();
    tell({ ...open, add: { ports: [[400, 500]] } });
    tell({ ...open, id: 2 });
    tell({ ...change, id: 3, add: { found6: [['0'.repeat(32), 443, 1]] } });
    tell({ ...change, id: 4, remove: { ports: [[443, 443]] }, add: { down4: [['00000000', 443, 1]] } });
    tell({ ...change, id: 5, block: { ports: [[440, 443]] } });
    tell({ ...change, id: 6, block: { ports: [[444, 444]] } });
    input.end();
    await ended;
    const refused = { ok: false, reason: 'port-denied', detail: '443' };
    expect(said).toEqual([
      { id: 1, ...refused },
      expect.objectContaining({ ok: true }),
      { id: 3, ...refused },
      { id: 4, ok: true },
      { id: 5, ...refused },
      { id: 6, ok: true },
    ]);
  });

  test("whose sockets are is not a user's helper's to say", async () => {
    const ended = start();
    tell({ id: 1, do: 'owner', inode: 17, uid: 1001 });
    input.end();
    await ended;
    expect(said).toEqual([{ id: 1, ok: false, reason: 'not-allowed' }]);
  });
});

test("the system's helper goes on to what comes next while it looks for owners", async () => {
  const ended = start({
    answerOwner: async ({ id }) => void setImmediate(() => said.push({ id, ok: true })),
  });
  tell({ id: 1, do: 'owner', inode: 1, uid: 7 }, { id: 2, do: 'close', block: true });
  await answers(2);
  expect(said.map((line) => 'id' in line && line.id).toSorted()).toEqual([1, 2]);
  input.end();
  await ended;
});
