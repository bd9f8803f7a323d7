import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createDownServers, type DownServersOptions } from './down-servers.ts';

const server = { address: '2001:db8::7', port: 993 };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function setup(changes: Partial<DownServersOptions> = {}) {
  let up = false;
  const reach = vi.fn<DownServersOptions['reach']>(async () => up);
  const refuse = vi.fn<DownServersOptions['refuse']>(async () => undefined);
  const admit = vi.fn<DownServersOptions['admit']>(async () => undefined);
  const log: string[] = [];
  const servers = createDownServers({
    reach,
    refuse,
    admit,
    after(delayMs, callback) {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
    now: () => new Date(),
    log: (event) => log.push(event),
    ...changes,
  });
  return {
    servers,
    reach,
    refuse,
    admit,
    log,
    comeUp: () => {
      up = true;
    },
  };
}

const elapse = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1_000);

describe('a server that is down', () => {
  test('is refused until behind each next try, after 1, 2, 4, 8, 15, 15 s', async () => {
    const { servers, reach, refuse, admit } = setup();
    await servers.down(server, '2001:db8::1');
    expect(refuse.mock.calls).toEqual([[server, 16]]);
    const tries: number[] = [];
    for (let second = 1; second <= 45; second++) {
      await elapse(1);
      if (reach.mock.calls.length > tries.length) tries.push(second);
    }
    expect(tries).toEqual([1, 3, 7, 15, 30, 45]);
    expect(reach).toHaveBeenCalledWith(server, '2001:db8::1', 10_000);
    expect(refuse.mock.calls.map(([, ttlSeconds]) => ttlSeconds)).toEqual([16, 17, 19, 23, 30, 30, 30]);
    expect(admit).not.toHaveBeenCalled();
  });

  test('is admitted when it is back, and tried no more', async () => {
    const { servers, reach, admit, comeUp, log } = setup();
    await servers.down(server, undefined);
    await elapse(1);
    comeUp();
    await elapse(2);
    expect(admit.mock.calls).toEqual([[server]]);
    await elapse(120);
    expect(reach).toHaveBeenCalledTimes(2);
    expect(log).toEqual(['upstream-down', 'upstream-back']);
  });

  test('that falls again begins anew', async () => {
    const { servers, refuse, comeUp } = setup();
    comeUp();
    await servers.down(server, undefined);
    await elapse(1);
    await servers.down(server, undefined);
    expect(refuse.mock.calls).toEqual([
      [server, 16],
      [server, 16],
    ]);
  });

  test('is known once, however many of its connections fail', async () => {
    const { servers, refuse } = setup();
    await Promise.all([servers.down(server, undefined), servers.down(server, undefined)]);
    expect(refuse).toHaveBeenCalledTimes(1);
    await servers.down({ ...server, port: 143 }, undefined);
    expect(refuse).toHaveBeenCalledTimes(2);
  });

  test('is left to its clients after half an hour', async () => {
    const { servers, reach, refuse, log } = setup();
    await servers.down(server, undefined);
    await elapse(31 * 60);
    const { length } = reach.mock.calls;
    await elapse(31 * 60);
    expect(reach).toHaveBeenCalledTimes(length);
    expect(log.at(-1)).toBe('upstream-given-up');
    expect(vi.getTimerCount()).toBe(0);
    await servers.down(server, undefined);
    expect(refuse.mock.lastCall).toEqual([server, 16]);
  });
});

test('a client waits for the refusal, but not for a kernel that does not answer', async () => {
  const { servers } = setup({ refuse: () => new Promise(() => undefined) });
  let done = false;
  const waiting = servers.down(server, undefined).then(() => {
    done = true;
  });
  await vi.advanceTimersByTimeAsync(499);
  expect(done).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await waiting;
});

test('a refusal that fails is told, and the tries go on', async () => {
  const { servers, reach, log } = setup({ refuse: async () => Promise.reject(new Error('lost')) });
  await servers.down(server, undefined);
  await elapse(1);
  expect(reach).toHaveBeenCalledTimes(1);
  expect(log).toEqual(['upstream-down', 'refuse-failed', 'refuse-failed']);
});

test('256 servers are known at most', async () => {
  const { servers, refuse } = setup();
  for (let port = 1; port <= 257; port++) await servers.down({ address: '192.0.2.1', port }, undefined);
  expect(refuse).toHaveBeenCalledTimes(256);
});

test('nothing goes on after the end', async () => {
  let answer: (reached: boolean) => void = () => undefined;
  const reach = () =>
    new Promise<boolean>((resolve) => {
      answer = resolve;
    });
  const { servers, refuse, admit } = setup({ reach });
  await servers.down(server, undefined);
  await elapse(1);
  servers.stop();
  servers.stop();
  answer(true);
  await elapse(60);
  await servers.down({ ...server, port: 143 }, undefined);
  expect(refuse).toHaveBeenCalledTimes(1);
  expect(admit).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});
