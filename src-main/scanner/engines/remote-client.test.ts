import { describe, expect, it } from 'vitest';
import { bytesOf, type ManualTime, manualTime, nobodyAborts } from './remote.fixture.ts';
import { FakeRemote } from './remote-client.fixture.ts';
import { type RemoteClientOptions, remoteClient } from './remote-client.ts';
import type { RemoteEngine } from './remote-engine.ts';
import type { Probe } from './remote-server.ts';

const up: Probe = { kind: 'up', version: 'v1', connections: 2 };

/** Lets everything that is ready run. */
const settle = () => new Promise((next) => setImmediate(next));

async function started(
  changes: Partial<RemoteClientOptions> = {},
): Promise<{ remote: FakeRemote; time: ManualTime; engine: RemoteEngine }> {
  const remote = new FakeRemote();
  const time = manualTime();
  const engine = remoteClient(remote, { now: time.now, after: time.after, random: () => 1, ...changes });
  remote.answerProbe(up);
  await settle();
  return { remote, time, engine };
}

/** Lets a multiple of 5 s pass for a server that answers each probe. */
async function passWithProbes(remote: FakeRemote, time: ManualTime, totalMs: number): Promise<void> {
  for (let ms = 0; ms < totalMs; ms += 5_000) {
    time.pass(5_000);
    remote.answerProbe(up);
    await settle();
  }
}

const scan = (engine: RemoteEngine, text: string, signal = nobodyAborts) =>
  engine.scan(bytesOf(text), signal);

describe('scans on their way', () => {
  it('wait for the first probe, and go out to the least busy connection', async () => {
    const remote = new FakeRemote();
    const time = manualTime();
    const engine = remoteClient(remote, { now: time.now, after: time.after, random: () => 1 });
    const scans = ['a', 'b', 'c', 'd', 'e'].map((text) => scan(engine, text));
    expect([engine.isUp, engine.version, remote.asked.length]).toEqual([false, '', 0]);
    remote.answerProbe(up);
    await settle();
    expect([engine.isUp, engine.version]).toEqual([true, 'v1']);
    expect(remote.asked.map(({ text, session }) => `${text}${session}`)).toEqual(['a1', 'b2', 'c1', 'd2']);
    remote.asking('b').reply({ kind: 'clean' });
    expect(await scans[1]).toEqual({ kind: 'clean' });
    expect(remote.asking('e').session).toBe(2);
  });

  it('have one connection while that is enough', async () => {
    const { remote, engine } = await started();
    for (const text of ['a', 'b']) {
      const answer = scan(engine, text);
      remote.asking(text).reply({ kind: 'clean' });
      await answer;
    }
    expect(remote.sessions).toBe(1);
  });

  it('have a connection of their own when they are large, two at once', async () => {
    const { remote, engine } = await started();
    const large = ['1', '2', '3'].map((text) => scan(engine, text.repeat(11)));
    void scan(engine, 'small');
    expect(remote.asked.map(({ session }) => session)).toEqual([1, 2, 3]);
    expect(remote.asking('small').session).toBe(3);
    remote.asking('1'.repeat(11)).reply({ kind: 'clean' });
    await large[0];
    await settle();
    expect(remote.closed).toEqual([1]);
    expect(remote.asking('3'.repeat(11)).session).toBe(4);
  });

  it('are not sent when there is nothing in them, or more than the server is known to take', async () => {
    const { remote, engine } = await started({ maxBytes: 50 });
    expect(await scan(engine, '')).toEqual({ kind: 'clean' });
    expect(await scan(engine, 'x'.repeat(51))).toEqual({ kind: 'skipped', detail: 'size' });
    const refused = scan(engine, 'x'.repeat(50));
    remote.asking('x'.repeat(50)).reply({ kind: 'too-large' });
    expect(await refused).toEqual({ kind: 'skipped', detail: 'size' });
    expect(await scan(engine, 'y'.repeat(50))).toEqual({ kind: 'skipped', detail: 'size' });
    void scan(engine, 'y'.repeat(49));
    expect(remote.asking('y'.repeat(49)).isRetry).toBe(false);
  });

  it('wait, but not more than may wait', async () => {
    const { engine } = await started();
    const scans = Array.from({ length: 4 + 4_096 }, (_, at) => scan(engine, `${at}`));
    expect(await scan(engine, 'more')).toEqual({ kind: 'timeout', detail: 'queue' });
    await engine.stop();
    const answers = await Promise.all(scans);
    expect(answers.every(({ kind }) => kind === 'down')).toBe(true);
  });

  it('wait, but not with more octets than may wait', async () => {
    const { engine } = await started();
    const large = bytesOf(new Uint8Array(200 * 1024 * 1024));
    const scans = [1, 2, 3].map(() => engine.scan(large, nobodyAborts));
    expect(await engine.scan(large, nobodyAborts)).toEqual({ kind: 'timeout', detail: 'queue' });
    await engine.stop();
    await Promise.all(scans);
  });

  it('end by their signal, wherever they are', async () => {
    const { remote, engine } = await started();
    const reason = new Error('no longer wanted');
    await expect(scan(engine, 'a', AbortSignal.abort(reason))).rejects.toBe(reason);
    const abort = new AbortController();
    const scans = ['1', '2', '3', '4', '5'].map((text) => scan(engine, text, abort.signal));
    const ends = Promise.allSettled(scans);
    abort.abort(reason);
    expect((await ends).map((end) => end.status === 'rejected' && end.reason)).toEqual(Array(5).fill(reason));
    expect(remote.asking('1').signal.aborted).toBe(true);
    // Their places are taken until the server has answered them.
    const next = scan(engine, 'next');
    expect(remote.asked.length).toBe(4);
    remote.asking('3').reply({ kind: 'clean' });
    await settle();
    remote.asking('next').reply({ kind: 'clean' });
    expect(await next).toEqual({ kind: 'clean' });
  });

  it('keep no connection that has nothing to do', async () => {
    const { remote, time, engine } = await started();
    const answer = scan(engine, 'a');
    remote.asking('a').reply({ kind: 'clean' });
    await answer;
    await settle();
    time.pass(9_999);
    expect(remote.closed).toEqual([]);
    time.pass(1);
    expect(remote.closed).toEqual([1]);
  });
});

describe('a scan that was lost', () => {
  it('is sent once more, alone, when the server is there', async () => {
    const { remote, engine } = await started();
    const scans = ['a', 'b', 'c'].map((text) => scan(engine, text));
    remote.asking('a').reply({ kind: 'lost' });
    remote.asking('c').reply({ kind: 'lost' });
    await settle();
    // Nothing goes out meanwhile, and one probe is enough.
    const late = scan(engine, 'late');
    expect([remote.asked.length, remote.probes.length]).toEqual([3, 2]);
    remote.answerProbe(up);
    await settle();
    const retries = [remote.asking('a'), remote.asking('c')];
    expect(retries).toMatchObject([{ isRetry: true }, { isRetry: true }]);
    expect(retries.map(({ session }) => session).sort()).toEqual([3, 4]);
    for (const text of ['a', 'b', 'c', 'late']) remote.asking(text).reply({ kind: 'clean' });
    expect(await Promise.all([...scans, late])).toEqual(Array(4).fill({ kind: 'clean' }));
  });

  it('has failed the second time', async () => {
    const { remote, engine } = await started();
    const answer = scan(engine, 'a');
    remote.asking('a').reply({ kind: 'lost' });
    await settle();
    remote.answerProbe(up);
    await settle();
    remote.asking('a').reply({ kind: 'lost' });
    expect(await answer).toEqual({ kind: 'failed', detail: 'closed' });
  });

  it('has no answer when the server is gone, like all the others', async () => {
    const { remote, engine } = await started();
    const scans = ['a', 'b', 'c', 'd', 'e'].map((text) => scan(engine, text));
    remote.asking('a').reply({ kind: 'lost' });
    await settle();
    remote.answerProbe({ kind: 'down' });
    expect(await Promise.all(scans)).toEqual(Array(5).fill({ kind: 'down' }));
    expect([engine.isUp, engine.version]).toEqual([false, 'v1']);
  });
});

describe('a server that is away', () => {
  it('is asked by one probe at a time, less and less often, and no scan waits for it', async () => {
    const { remote, time, engine } = await started();
    const lost = scan(engine, 'a');
    remote.asking('a').reply({ kind: 'lost' });
    await settle();
    for (const delayMs of [500, 1_000, 2_000]) {
      const before = remote.probes.length;
      remote.answerProbe({ kind: 'down' });
      await settle();
      expect(await scan(engine, 'b')).toEqual({ kind: 'down' });
      time.pass(delayMs - 1);
      expect(remote.probes.length).toBe(before);
      time.pass(1);
      expect(remote.probes.length).toBe(before + 1);
      expect(await scan(engine, 'b')).toEqual({ kind: 'down' });
    }
    expect(await lost).toEqual({ kind: 'down' });
    remote.answerProbe({ ...up, version: 'v2' });
    await settle();
    expect([engine.isUp, engine.version]).toEqual([true, 'v2']);
    const answer = scan(engine, 'c');
    remote.asking('c').reply({ kind: 'clean' });
    expect(await answer).toEqual({ kind: 'clean' });
  });

  it('says why it can not scan, where it does', async () => {
    const remote = new FakeRemote();
    const time = manualTime();
    const engine = remoteClient(remote, { now: time.now, after: time.after, random: () => 1 });
    const waiting = scan(engine, 'a');
    remote.answerProbe({ kind: 'failed', detail: 'icap 404' });
    expect(await waiting).toEqual({ kind: 'failed', detail: 'icap 404' });
    expect(await scan(engine, 'b')).toEqual({ kind: 'failed', detail: 'icap 404' });
  });

  it('may take more when it comes back', async () => {
    const { remote, time, engine } = await started();
    const refused = scan(engine, 'x'.repeat(20));
    remote.asking('x'.repeat(20)).reply({ kind: 'too-large' });
    await refused;
    time.pass(60_000);
    remote.answerProbe({ kind: 'down' });
    await settle();
    time.pass(500);
    remote.answerProbe(up);
    await settle();
    void scan(engine, 'x'.repeat(20));
    expect(remote.asked.length).toBe(2);
  });
});

describe('a server that does not answer', () => {
  it('is away when a probe has no answer either', async () => {
    const remote = new FakeRemote();
    const time = manualTime();
    const engine = remoteClient(remote, { now: time.now, after: time.after, random: () => 1 });
    const waiting = scan(engine, 'a');
    time.pass(5_000);
    expect(await waiting).toEqual({ kind: 'down' });
  });

  it('is found out while scans are under way', async () => {
    const { remote, time, engine } = await started();
    const scans = ['a', 'b', 'c', 'd', 'e'].map((text) => scan(engine, text));
    time.pass(5_000);
    expect(remote.probes.length).toBe(2);
    time.pass(5_000);
    expect(await Promise.all(scans)).toEqual(Array(5).fill({ kind: 'down' }));
  });

  it('may take its time over a scan as long as it answers probes, until the time of the scan is over', async () => {
    const { remote, time, engine } = await started();
    const [slow, neighbour] = [scan(engine, 'a'), scan(engine, 'b')];
    const behind = scan(engine, 'c');
    await passWithProbes(remote, time, 25_000);
    remote.asking('b').reply({ kind: 'clean' });
    expect(await neighbour).toEqual({ kind: 'clean' });
    time.pass(4_999);
    expect(remote.closed).toEqual([]);
    time.pass(1);
    expect(await slow).toEqual({ kind: 'timeout' });
    expect(await behind).toEqual({ kind: 'timeout' });
    expect(remote.closed).toContain(1);
  });

  it('takes no scan along that came later', async () => {
    const { remote, time, engine } = await started();
    const first = scan(engine, 'a');
    void scan(engine, 'b');
    await passWithProbes(remote, time, 20_000);
    const second = scan(engine, 'c');
    expect(remote.asking('c').session).toBe(1);
    await passWithProbes(remote, time, 10_000);
    expect(await first).toEqual({ kind: 'timeout' });
    await settle();
    remote.answerProbe(up);
    await settle();
    remote.asking('c').reply({ kind: 'clean' });
    expect(remote.asking('c').isRetry).toBe(true);
    expect(await second).toEqual({ kind: 'clean' });
  });

  it('says so of scans that never had their turn', async () => {
    const { remote, time, engine } = await started();
    const scans = ['a', 'b', 'c', 'd', 'e'].map((text) => scan(engine, text));
    await passWithProbes(remote, time, 30_000);
    expect(await scans[4]).toEqual({ kind: 'timeout', detail: 'queue' });
  });

  it('frees the place of a scan that nobody wants any more', async () => {
    const { remote, time, engine } = await started();
    const abort = new AbortController();
    const unwanted = scan(engine, 'a', abort.signal);
    abort.abort();
    await expect(unwanted).rejects.toThrow();
    await passWithProbes(remote, time, 30_000);
    expect(remote.closed).toEqual([1]);
  });
});

describe('the version', () => {
  it('is asked for again and again', async () => {
    const { remote, time, engine } = await started();
    time.pass(60_000);
    expect(engine.isUp).toBe(true);
    remote.answerProbe({ ...up, version: 'v2' });
    await settle();
    expect(engine.version).toBe('v2');
    time.pass(60_000);
    expect(remote.probes.length).toBe(3);
  });

  it('may be told in passing', async () => {
    const { remote, engine } = await started();
    void scan(engine, 'a');
    remote.events?.onVersion('v3');
    expect(engine.version).toBe('v3');
  });
});

describe('the end', () => {
  it('answers everything, leaves nothing behind, and may come twice', async () => {
    const { remote, time, engine } = await started();
    const scans = ['a', 'b', 'c', 'd', 'e', 'f'.repeat(11)].map((text) => scan(engine, text));
    await engine.stop();
    await engine.stop();
    expect(await Promise.all(scans)).toEqual(Array(6).fill({ kind: 'down', detail: 'stopped' }));
    expect(await scan(engine, 'g')).toEqual({ kind: 'down', detail: 'stopped' });
    expect(remote.closed.sort()).toEqual([1, 2, 3]);
    await settle();
    expect([engine.isUp, time.pending]).toEqual([false, []]);
  });

  it('may come before the first answer of the server', async () => {
    const remote = new FakeRemote();
    const time = manualTime();
    const engine = remoteClient(remote, { now: time.now, after: time.after, random: () => 1 });
    await engine.stop();
    await settle();
    expect([remote.probes[0]?.signal.aborted, time.pending]).toEqual([true, []]);
  });
});
