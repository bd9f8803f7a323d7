// What the backend makes of a plan, over a played helper. The kernel itself is met in e2e/intercept; what goes wrong is in
// netfilter-trouble.test.ts.
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAddressEntry } from '../../contract/address-list.ts';
import { helloLine } from './fake-helper.fixture.ts';
import { heartbeatMs } from './helper-messages.ts';
import { active, blocking, plan, port, setStage, startMs, switchedOff } from './netfilter.fixture.ts';

const stage = setStage();
const off = { availability: { state: 'off', reason: 'protection-off' }, remarks: [] };
const dayMs = 24 * 60 * 60 * 1_000;

const listenPort = () => Number(stage.logged.find(([event]) => event === 'interception-ready')?.[1]['port']);

async function refusalOf(toPort: number): Promise<unknown> {
  const [error] = await once(connect({ host: '127.0.0.1', port: toPort }), 'error');
  return error.code;
}

const excluded = ['10.0.0.0/8', 'fd00::/8'].flatMap((text) => {
  const parsed = parseAddressEntry(text);
  return parsed.ok ? [parsed.range] : [];
});

describe('a plan', () => {
  test('is set up in one request, and tested', async () => {
    const whole = { ...blocking, localPorts: [port(1143)], excluded, detect: ['imap', 'pop3'] as const };
    expect(await stage.backend.start(whole)).toEqual(active);
    expect(stage.asked()).toEqual([
      {
        id: 1,
        do: 'open',
        listen: listenPort(),
        ipv6: true,
        detect: ['imap', 'pop3'],
        block: true,
        add: {
          ports: [[143, 143]],
          bridges: [[1143, 1143]],
          skip4: [['0a000000', '0affffff']],
          skip6: [[`fd${'0'.repeat(30)}`, `fd${'f'.repeat(30)}`]],
        },
      },
    ]);
    expect(stage.tests).toEqual(['4:143']);
    expect(stage.told).toEqual([]);
  });

  test('is changed by what differs, on the same helper, and not tested again', async () => {
    await stage.backend.start(plan);
    stage.asked();
    expect(await stage.backend.apply({ ...plan, ports: [port(110), port(143)] })).toEqual(active);
    expect(await stage.backend.apply({ ...plan, ports: [port(110), port(143)] })).toEqual(active);
    expect(await stage.backend.apply({ ...plan, ports: [port(110)], excluded })).toEqual(active);
    expect(stage.asked()).toMatchObject([
      { id: 2, do: 'change', remove: {}, add: { ports: [[110, 110]] } },
      { id: 3, do: 'change', remove: { ports: [[143, 143]] }, add: { skip4: [['0a000000', '0affffff']] } },
    ]);
    expect([stage.helper.links, stage.tests]).toEqual([1, ['4:143']]);
  });

  test('that differs in what is detected or blocked alone is a change as well', async () => {
    await stage.backend.start(plan);
    stage.asked();
    await stage.backend.apply({ ...plan, detect: ['imap'] });
    await stage.backend.apply({ ...blocking, detect: ['imap'] });
    await stage.backend.apply({ ...plan, detect: ['imap'] });
    expect(stage.asked()).toMatchObject([
      { do: 'change', detect: ['imap'] },
      { do: 'change', block: expect.anything() },
      { do: 'change', block: false },
    ]);
  });

  test('that is switched off reaches no helper until it is switched on', async () => {
    expect(await stage.backend.start(switchedOff)).toEqual(off);
    expect([stage.helper.links, stage.logged]).toEqual([0, []]);
    expect(await stage.backend.apply(plan)).toEqual(active);
    expect(await stage.backend.apply(switchedOff)).toEqual(off);
    expect(stage.asked()).toMatchObject([
      { do: 'open' },
      { do: 'change', remove: { ports: [[143, 143]] }, add: {} },
    ]);
    expect(await stage.backend.apply(plan)).toEqual(active);
    expect(stage.asked()).toMatchObject([{ do: 'change', add: { ports: [[143, 143]] } }]);
    expect(stage.helper.links).toBe(1);
  });

  test('that is switched off lifts a block that may stand from before', async () => {
    expect(await stage.backend.start({ ...switchedOff, blockChosen: true })).toEqual(off);
    expect(stage.asked()).toEqual([{ id: 1, do: 'close', block: false }]);
  });

  test('without ports, as with endpoints alone, is not tested', async () => {
    expect(await stage.backend.start({ ...plan, ports: [], detect: ['imap'] })).toEqual(active);
    expect(stage.tests).toEqual([]);
  });

  test('is carried out in the order of the calls', async () => {
    const states = await Promise.all([
      stage.backend.start(plan),
      stage.backend.apply(switchedOff),
      stage.backend.apply({ ...plan, ports: [port(110)] }),
    ]);
    expect(states).toEqual([active, off, active]);
    expect(stage.asked().map(({ do: what }) => what)).toEqual(['open', 'change', 'change']);
  });

  test('stands as long as the helper hears that the core lives', async () => {
    await stage.backend.start(plan);
    for (const lives of [1, 2, 3]) {
      stage.advance(heartbeatMs);
      await stage.helper.until(() => stage.helper.lives === lives);
    }
  });
});

describe('what is left out by rule', () => {
  test('is not asked for, and named', async () => {
    stage.helper.greeting = helloLine({
      denied: [
        [22, 22],
        [443, 443],
      ],
    });
    const asking = {
      ...plan,
      ports: [port(22), port(440, 450)],
      found: [{ address: '192.0.2.1', port: 443, until: new Date(startMs + dayMs) }],
    };
    expect(await stage.backend.start(asking)).toEqual({
      ...active,
      remarks: [{ code: 'port-denied', detail: '22, 443' }],
    });
    expect(stage.asked()).toMatchObject([
      {
        do: 'open',
        add: {
          ports: [
            [440, 442],
            [444, 450],
          ],
        },
      },
    ]);
    expect(await stage.backend.apply(plan)).toEqual(active);
  });

  test('greetings that this kernel does not see are named where they are to be seen', async () => {
    stage.helper.outcome = () => ({ ok: true, answer: { greetings: 'none' } });
    expect(await stage.backend.start(plan)).toEqual(active);
    expect(await stage.backend.apply({ ...plan, detect: ['pop3'] })).toEqual({
      ...active,
      remarks: [{ code: 'greetings-unseen' }],
    });
  });
});

describe('endpoints that were found', () => {
  const endpoint = (address: string, inDays: number) => ({
    address,
    port: 10_143,
    until: new Date(startMs + inDays * dayMs),
  });
  const week = 7 * 86_400;

  test('come after the set-up, with the time that they have left', async () => {
    const found = [endpoint('192.0.2.1', 7), endpoint('2001:db8::1', 1)];
    await stage.backend.start({ ...plan, found });
    expect(stage.asked()).toMatchObject([
      { do: 'open', add: { ports: [[143, 143]] } },
      {
        do: 'change',
        remove: {},
        add: {
          found4: [['c0000201', 10_143, week]],
          found6: [['20010db8000000000000000000000001', 10_143, 86_400]],
        },
      },
    ]);
  });

  test('are prolonged after a day, and removed when they are wanted no more', async () => {
    await stage.backend.start({ ...plan, found: [endpoint('192.0.2.1', 7)] });
    stage.asked();
    await stage.backend.apply({ ...plan, found: [endpoint('192.0.2.1', 8)] });
    expect(stage.asked()).toEqual([]);
    await stage.backend.apply({ ...plan, found: [endpoint('192.0.2.1', 8.5)] });
    expect(stage.asked()).toMatchObject([
      { do: 'change', add: { found4: [['c0000201', 10_143, 8.5 * 86_400]] } },
    ]);
    await stage.backend.apply(plan);
    expect(stage.asked()).toMatchObject([
      { do: 'change', add: {}, remove: { found4: [['c0000201', 10_143, 1]] } },
    ]);
  });

  test('are thousands in slices', async () => {
    const found = Array.from({ length: 4_096 }, (_, i) => endpoint(`10.0.${i >> 8}.${i & 255}`, 7));
    expect(await stage.backend.start({ ...plan, found })).toEqual(active);
    const [, ...changes] = stage.asked();
    const sizes = changes.map((request) => (request.do === 'change' ? request.add.found4?.length : 0));
    expect(sizes.reduce((sum, size) => (sum ?? 0) + (size ?? 0), 0)).toBe(4_096);
    expect(sizes.every((size) => size !== undefined && size > 0 && size <= 1_000)).toBe(true);
  });

  test('that are refused take the redirect away, which is set up anew', async () => {
    await stage.backend.start(plan);
    stage.asked();
    let refusals = 1;
    stage.helper.outcome = ({ do: what }) =>
      what === 'change' && refusals-- > 0 ? { ok: false, reason: 'nft-failed' } : { ok: true };
    expect(await stage.backend.apply({ ...plan, found: [endpoint('192.0.2.1', 7)] })).toEqual(active);
    expect(stage.asked().map(({ do: what }) => what)).toEqual(['change', 'close', 'open', 'change']);
  });
});

describe('a server that is down', () => {
  const server = { address: '192.0.2.1', port: 143 };

  test('is refused for a time, and admitted', async () => {
    await stage.backend.start(plan);
    stage.asked();
    await stage.backend.refuse(server, 30);
    await stage.backend.refuse({ ...server, address: '2001:db8::1' }, 60);
    await stage.backend.admit(server);
    expect(stage.asked()).toMatchObject([
      { do: 'change', remove: {}, add: { down4: [['c0000201', 143, 30]] } },
      { do: 'change', remove: {}, add: { down6: [['20010db8000000000000000000000001', 143, 60]] } },
      { do: 'change', remove: { down4: [['c0000201', 143, 1]] }, add: {} },
    ]);
  });

  test('is nothing to a helper while nothing is redirected, nor by its name', async () => {
    await stage.backend.refuse(server, 30);
    await stage.backend.start(switchedOff);
    await stage.backend.refuse(server, 30);
    expect(stage.helper.links).toBe(0);
    await stage.backend.apply(plan);
    stage.asked();
    await stage.backend.refuse({ ...server, address: 'mail.example.org' }, 30);
    expect(stage.asked()).toEqual([]);
    await stage.backend.apply(switchedOff);
    stage.asked();
    await stage.backend.refuse(server, 30);
    expect(stage.asked()).toEqual([]);
  });
});

describe('connections that go past us', () => {
  const rest = '00000000:00000000 00:00000000 00000000';
  const line = (local: string, remote: string, uid: number) =>
    `  1: ${local} ${remote} 01 ${rest} ${uid} 0 1 1\n`;
  const client = '0F02000A:D2F0';
  const imap = '0A7100CB:008F';

  async function listed(lines: readonly string[], user: number | 'all' = 'all') {
    const procRoot = mkdtempSync(join(tmpdir(), 'proc-'));
    mkdirSync(join(procRoot, 'net'));
    writeFileSync(join(procRoot, 'net/tcp'), `head\n${lines.join('')}`);
    stage.helper.greeting = helloLine({ user });
    stage.create({ procRoot });
    const found = [{ address: '203.0.113.10', port: 10_143, until: new Date(startMs + dayMs) }];
    await stage.backend.start({ ...plan, excluded, found });
    const connections = await stage.backend.directConnections(({ local }) => local.port === 1);
    rmSync(procRoot, { recursive: true });
    return connections.map(({ local, remote }) => `${local.port}>${remote.address}:${remote.port}`);
  }

  test('are those of a listed port or a found endpoint, but not ours, known ones, or those that are left alone', async () => {
    expect(
      await listed([
        line(client, imap, 1_001),
        line(client, '0A7100CB:279F', 0),
        line(client, '0A7100CB:01BB', 0),
        // Our own way to a server, and somebody else's with such a port.
        line('0F02000A:EE48', imap, 1_000),
        line('0F02000A:EE49', imap, 1_001),
        line('0F02000A:0001', imap, 1_000),
        line(client, '0100007F:008F', 0),
        line(client, '0100000A:008F', 0),
      ]),
    ).toEqual(['54000>203.0.113.10:143', '54000>203.0.113.10:10143', '61001>203.0.113.10:143']);
  });

  test('are those of the covered user alone', async () => {
    const lines = [line(client, imap, 1_000), line('0F02000A:D2F1', imap, 1_001)];
    expect(await listed(lines, 1_000)).toEqual(['54000>203.0.113.10:143']);
  });

  test('are none where nothing is redirected', async () => {
    await stage.backend.start(switchedOff);
    expect(await stage.backend.directConnections(() => false)).toEqual([]);
  });

  test('are ended, so many at a time, and counted', async () => {
    const one = {
      local: { address: '10.0.2.15', port: 54_000 },
      remote: { address: '203.0.113.10', port: 143 },
    };
    expect(await stage.backend.endDirect([one])).toBe(0);
    await stage.backend.start(plan);
    stage.asked();
    stage.helper.outcome = (request) =>
      request.do === 'end' ? { ok: true, answer: { ended: request.connections.length } } : { ok: true };
    expect(await stage.backend.endDirect(Array(300).fill(one))).toBe(300);
    const [first, second, ...more] = stage.asked();
    expect(first).toMatchObject({ do: 'end' });
    expect(first?.do === 'end' && first.connections).toHaveLength(256);
    expect(second?.do === 'end' && second.connections[0]).toEqual([
      ['0a00020f', 54_000],
      ['cb00710a', 143],
    ]);
    expect(more).toEqual([]);
  });
});

describe('whose a socket is', () => {
  test('is asked of a helper that covers all', async () => {
    const owner = { pid: 7, path: '/usr/bin/mail' };
    stage.helper.outcome = () => ({ ok: true, answer: { owner } });
    expect(await stage.backend.ownerOf(1, 2)).toBeUndefined();
    await stage.backend.start(plan);
    stage.asked();
    expect(await stage.backend.ownerOf(1, 2)).toEqual(owner);
    expect(stage.asked()).toMatchObject([{ do: 'owner', inode: 1, uid: 2 }]);
  });

  test('is not asked of one that covers a user, nor believed when it can not be said', async () => {
    stage.helper.greeting = helloLine({ user: 1_000 });
    await stage.backend.start(plan);
    stage.asked();
    expect(await stage.backend.ownerOf(1, 2)).toBeUndefined();
    expect(stage.asked()).toEqual([]);
  });
});

describe('released', () => {
  test('new connections go direct, and the helper and the listeners stay; twice is once', async () => {
    await stage.backend.start({ ...plan, detect: ['imap'] });
    stage.asked();
    await stage.backend.release();
    await stage.backend.release();
    expect(stage.asked()).toMatchObject([
      { do: 'change', detect: [], remove: { ports: [[143, 143]] }, add: {} },
    ]);
    const client = connect({ host: '127.0.0.1', port: listenPort() });
    await once(client, 'connect');
    client.destroy();
    expect(stage.helper.hungUp).toBe(0);
  });

  test('where mail is refused without us, nothing changes but that nobody is accepted', async () => {
    await stage.backend.start(blocking);
    stage.asked();
    await stage.backend.release();
    await stage.backend.release();
    expect(stage.asked()).toEqual([]);
    expect(await refusalOf(listenPort())).toBe('ECONNREFUSED');
  });

  test('before anything is nothing', async () => {
    await stage.backend.release();
    expect(stage.helper.links).toBe(0);
  });
});

describe('stopped', () => {
  test('the helper ends, then the listeners; twice is once, and nothing comes after it', async () => {
    await stage.backend.start(plan);
    await stage.backend.stop();
    await stage.backend.stop();
    await stage.helper.until(() => stage.helper.hungUp === 1);
    expect(await refusalOf(listenPort())).toBe('ECONNREFUSED');
    const gone = { availability: { state: 'off', reason: 'intercept-off' }, remarks: [] };
    expect(await stage.backend.apply(plan)).toEqual(gone);
    expect(await stage.backend.retry()).toEqual(gone);
    expect([stage.helper.links, stage.told]).toEqual([1, []]);
  });

  test('while it starts, it leaves nothing', async () => {
    const started = stage.backend.start(plan);
    await stage.backend.stop();
    await started;
    await stage.helper.until(() => stage.helper.hungUp === stage.helper.links);
    expect(stage.told).toEqual([]);
  });
});
