// The link alone: a helper that obeys, and one of which the end, or the way there, has to be told by its right name. What a
// helper says that is no helper is in helper-link.hostile.test.ts.
import { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type FakeHelper, helloLine, openFakeHelper } from './fake-helper.fixture.ts';
import { type HelperLink, type HelperRoute, type LinkFailure, openHelperLink } from './helper-link.ts';
import { heartbeatMs } from './helper-messages.ts';

let helper: FakeHelper;
let links: HelperLink[];
let lost: LinkFailure[];

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  helper = await openFakeHelper();
  [links, lost] = [[], []];
});
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(links.map((link) => link.close()));
  await helper.stop();
  vi.useRealTimers();
});

function open(route: HelperRoute = helper.route): HelperLink {
  const link = openHelperLink({
    route,
    onLost: (problem) => {
      lost.push(problem);
      helper.changed();
    },
  });
  links.push(link);
  return link;
}

const startRoute = (...argv: readonly [string, ...string[]]): HelperRoute => ({
  kind: 'start',
  argv,
  asks: false,
});
const shell = (script: string) => startRoute('/bin/sh', '-c', script);
const sayHello = `echo '${helloLine().trim()}'`;

describe('on its socket', () => {
  test('says who is covered and what never is', async () => {
    helper.greeting = helloLine({ user: 1_000, denied: [[22, 22]] });
    expect(await open().hello()).toEqual({
      ok: true,
      hello: { user: 1_000, nft: '1.0.9', denied: [[22, 22]] },
    });
  });

  test('requests are numbered, and done in the order of the calls', async () => {
    const link = open();
    const results = await Promise.all([
      link.call({ do: 'close', block: false }),
      link.call({ do: 'owner', inode: 7, uid: 8 }),
      link.call({ do: 'close', block: true }),
    ]);
    expect(helper.heard).toEqual([
      { id: 1, do: 'close', block: false },
      { id: 2, do: 'owner', inode: 7, uid: 8 },
      { id: 3, do: 'close', block: true },
    ]);
    expect(results).toEqual([1, 2, 3].map(() => ({ ok: true, answer: {} })));
  });

  test('each answer goes to its own request, in whatever order they come', async () => {
    helper.outcome = () => undefined;
    const link = open();
    const first = link.call({ do: 'owner', inode: 1, uid: 0 });
    const second = link.call({ do: 'owner', inode: 2, uid: 0 });
    await helper.until(() => helper.heard.length === 2);
    helper.say('{"id":2,"ok":true,"answer":{"owner":{"pid":22}}}\n{"id":1,"ok":true,"answer":{"owner":');
    expect(await second).toEqual({ ok: true, answer: { owner: { pid: 22 } } });
    helper.say('{"pid":11}}}\n');
    expect(await first).toEqual({ ok: true, answer: { owner: { pid: 11 } } });
  });

  test('a refusal is told with its reason, and ends nothing', async () => {
    helper.outcome = ({ do: what }) =>
      what === 'end' ? { ok: true, answer: { ended: 3 } } : { ok: false, reason: 'nft-failed', detail: 'no' };
    const link = open();
    expect(await link.call({ do: 'close', block: false })).toEqual({
      ok: false,
      reason: 'nft-failed',
      detail: 'no',
    });
    expect(await link.call({ do: 'end', connections: [] })).toEqual({ ok: true, answer: { ended: 3 } });
    expect(lost).toEqual([]);
  });

  test('an answer that nobody waits for, or the second to a request, is nothing', async () => {
    const link = open();
    await link.hello();
    helper.say('{"id":99,"ok":true}\n');
    await link.call({ do: 'close', block: false });
    helper.say('{"id":1,"ok":false,"reason":"nft-failed"}\n');
    expect(await link.call({ do: 'close', block: false })).toEqual({ ok: true, answer: {} });
    expect(lost).toEqual([]);
  });

  test('says that the core lives, from the hello to the end', async () => {
    helper.greeting = '';
    const link = open();
    await helper.until(() => helper.links === 1);
    vi.advanceTimersByTime(heartbeatMs);
    helper.say(helloLine());
    await link.hello();
    for (const lives of [1, 2]) {
      vi.advanceTimersByTime(heartbeatMs);
      await helper.until(() => helper.lives === lives);
    }
    await link.close();
    expect(vi.getTimerCount()).toBe(0);
    expect(helper.lives).toBe(2);
  });

  test('nobody there is missing', async () => {
    const link = open({ kind: 'socket', path: join(tmpdir(), 'no-such-helper') });
    expect(await link.hello()).toMatchObject({ ok: false, reason: 'missing' });
    expect(await link.call({ do: 'close', block: false })).toMatchObject({ reason: 'missing' });
    expect(lost).toMatchObject([{ reason: 'missing' }]);
    await link.close();
  });

  test.each([
    ['its reason', '{"end":"silence"}\n', { ok: false, reason: 'silence' }],
    [
      'its reason, with what it adds',
      '{"end":"nft-failed","detail":"killed"}\n',
      { ok: false, reason: 'nft-failed', detail: 'killed' },
    ],
    ['hung up', '', { ok: false, reason: 'lost', detail: 'the helper has hung up' }],
    ['hung up, whatever half a line says', '{"end":"sil', { reason: 'lost' }],
  ])('its end is told once, to all who wait and to the owner: %s', async (_, words, problem) => {
    helper.outcome = () => undefined;
    const link = open();
    const calls = [link.call({ do: 'close', block: false }), link.call({ do: 'close', block: true })];
    await helper.until(() => helper.heard.length === 2);
    helper.hangUp(words);
    expect(await Promise.all(calls)).toMatchObject([problem, problem]);
    await helper.until(() => lost.length > 0);
    expect(lost).toMatchObject([problem]);
    expect(await link.hello()).toMatchObject(problem);
    expect(await link.call({ do: 'close', block: false })).toMatchObject(problem);
    expect(helper.heard).toHaveLength(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('an end before its hello is told as one', async () => {
    helper.greeting = '{"end":"system-core-running"}\n';
    const link = open();
    await helper.until(() => helper.links === 1);
    helper.hangUp();
    expect(await link.hello()).toEqual({ ok: false, reason: 'system-core-running' });
  });

  test('closed by us it is not lost; twice is once', async () => {
    helper.outcome = () => undefined;
    const link = open();
    await link.hello();
    const call = link.call({ do: 'close', block: false });
    await helper.until(() => helper.heard.length === 1);
    await Promise.all([link.close(), link.close()]);
    await link.close();
    expect(await call).toMatchObject({ ok: false, reason: 'lost' });
    expect(await link.call({ do: 'close', block: false })).toMatchObject({ ok: false, reason: 'lost' });
    expect(lost).toEqual([]);
    await helper.until(() => helper.hungUp === 1);
  });

  test('one that says nothing is given up after five seconds', async () => {
    helper.greeting = '';
    const link = open();
    await helper.until(() => helper.links === 1);
    vi.advanceTimersByTime(4_999);
    expect(lost).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(await link.hello()).toEqual({ ok: false, reason: 'lost', detail: 'it did not answer' });
    await helper.until(() => helper.hungUp === 1);
  });

  test('one that does not answer is given up after ten seconds, for all who wait', async () => {
    helper.outcome = ({ do: what }) => (what === 'owner' ? { ok: true } : undefined);
    const link = open();
    const silent = link.call({ do: 'close', block: false });
    await helper.until(() => helper.heard.length === 1);
    vi.advanceTimersByTime(9_999);
    expect(await link.call({ do: 'owner', inode: 1, uid: 1 })).toEqual({ ok: true, answer: {} });
    vi.advanceTimersByTime(1);
    expect(await silent).toEqual({ ok: false, reason: 'lost', detail: 'it did not answer' });
    await helper.until(() => lost.length > 0);
    expect(lost).toHaveLength(1);
  });
});

describe('a program that is started', () => {
  test('is spoken to by its standard input and output, and ends with its input', async () => {
    const link = open(shell(`${sayHello}; read line; echo '{"id":1,"ok":true}'; read line; exit 5`));
    expect(await link.call({ do: 'close', block: false })).toEqual({ ok: true, answer: {} });
    await link.close();
    expect(lost).toEqual([]);
  });

  test.each([
    [126, 'Error executing command as another user: Request dismissed', 'denied'],
    [127, 'Error executing command as another user: Not authorized', 'denied'],
    [127, 'Error executing command as another user: No authentication agent found.', 'denied'],
    [127, 'Cannot run program /usr/lib/postern/netfilter-helper: No such file or directory', 'missing'],
    [1, 'Error: out of memory', 'lost'],
  ])('that ends with %i and "%s" is told so', async (code, text, reason) => {
    const link = open(shell(`echo '${text}' >&2; exit ${code}`));
    expect(await link.hello()).toEqual({ ok: false, reason, detail: text });
    expect(lost).toMatchObject([{ reason }]);
  });

  test('pkexec gives its reason first', async () => {
    const texts = [
      'Error executing command as another user: Not authorized',
      '',
      'This incident is reported.',
    ];
    const link = open(shell(`printf '${texts.join('\\n')}\\n' >&2; exit 127`));
    expect(await link.hello()).toEqual({ ok: false, reason: 'denied', detail: texts[0] });
  });

  test('a program that fails gives its reason last', async () => {
    const link = open(shell('printf "at line 1\\n\\nError: broken\\n" >&2; exit 1'));
    expect(await link.hello()).toEqual({ ok: false, reason: 'lost', detail: 'Error: broken' });
  });

  test.each([
    ['exit 3', 'it ended with 3'],
    ['kill -9 $$', 'it ended with SIGKILL'],
  ])('that ends without a word is told by how: %s', async (script, detail) => {
    expect(await open(shell(script)).hello()).toEqual({ ok: false, reason: 'lost', detail });
  });

  test('what it says at its end wins over how it ends', async () => {
    const link = open(
      shell(`${sayHello}; read line; echo oops >&2; echo '{"end":"nft-failed","detail":"gone"}'; exit 126`),
    );
    const ended = { ok: false, reason: 'nft-failed', detail: 'gone' };
    expect(await link.call({ do: 'close', block: false })).toEqual(ended);
    await helper.until(() => lost.length > 0);
    expect(lost).toEqual([ended]);
  });

  test('what it says at its end is heard though it reads no more', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'link-'));
    const [ready, go] = [join(folder, 'ready'), join(folder, 'go')];
    const fifos = `mkfifo '${ready}' '${go}'; ${sayHello}; exec 0<&-; echo > '${ready}'; read line < '${go}'`;
    const link = open(shell(`${fifos}; echo '{"end":"table-taken"}'; exit 1`));
    await link.hello();
    await readFile(ready);
    const call = link.call({ do: 'close', block: false });
    // The pipe breaks meanwhile, which this waits for.
    for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
    await writeFile(go, '\n');
    expect(await call).toEqual({ ok: false, reason: 'table-taken' });
    rmSync(folder, { recursive: true });
  });

  test.each([
    ['is not there', '/no/such/program', 'missing'],
    ['may not be run', '/etc/passwd', 'lost'],
  ])('that %s is told so', async (_, path, reason) => {
    expect(await open(startRoute(path)).hello()).toMatchObject({ ok: false, reason });
    await helper.until(() => lost.length > 0);
    expect(lost).toHaveLength(1);
  });

  test('has two minutes where a person is asked', async () => {
    const link = open({ kind: 'start', argv: ['/bin/cat'], asks: true });
    vi.advanceTimersByTime(119_999);
    expect(lost).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(await link.hello()).toMatchObject({ ok: false, reason: 'lost', detail: 'it did not answer' });
  });

  test('is killed when it does not end with its input', async () => {
    const kill = vi.spyOn(ChildProcess.prototype, 'kill');
    const link = open(shell(`${sayHello}; exec sleep 1000`));
    await link.hello();
    const closed = link.close();
    vi.advanceTimersByTime(1_999);
    expect(kill).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    await closed;
    expect(kill).toHaveBeenCalledExactlyOnceWith('SIGKILL');
    expect(lost).toEqual([]);
  });

  test('that can not be signalled is not waited for', async () => {
    const pids: (number | undefined)[] = [];
    vi.spyOn(ChildProcess.prototype, 'kill').mockImplementation(function (this: ChildProcess) {
      pids.push(this.pid);
      this.emit('error', Object.assign(new Error('kill EPERM'), { code: 'EPERM' }));
      return false;
    });
    const link = open(shell(`${sayHello}; exec sleep 1000`));
    await link.hello();
    const closed = link.close();
    vi.advanceTimersByTime(2_000);
    await closed;
    expect(lost).toEqual([]);
    const [pid] = pids;
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
    expect(pids).toHaveLength(1);
  });
});
