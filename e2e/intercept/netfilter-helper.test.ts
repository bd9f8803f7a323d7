// The privileged helper as a program, spoken to in raw lines, with the real nft between two network namespaces: whose
// connections it moves, and what it refuses.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  type Elements,
  type End,
  type EndpointElement,
  maxElements,
} from '../../src-main/interception/linux/helper-messages.ts';
import {
  creation,
  greetingRules,
  onTable,
  ownerTable,
} from '../../src-main/interception/linux/nft-script.ts';
import { missingTools } from '../support/tools.ts';
import { HelperLab, hex, listen, mail, other, owner, plain, proxied } from './netfilter-helper-lab.ts';

const missing = missingTools(['nft', 'setpriv', 'ss'], { namespaces: true });

describe.skipIf(missing !== undefined)(`the netfilter helper${missing ?? ''}`, () => {
  let lab: HelperLab;

  beforeAll(async () => {
    lab = await HelperLab.create();
  });

  afterEach(() => lab.cleanUp());

  afterAll(() => lab?.stop());

  test("a user's helper moves that user's connections and no others", async () => {
    const helper = await lab.userHelper();
    const skip6 = hex(lab.net.serverV6);
    expect(
      await helper.open({
        ...mail,
        bridges: [[1143, 1143]],
        skip4: [[hex(lab.net.internetV4[1]), hex(lab.net.internetV4[1])]],
        skip6: [[skip6, skip6]],
      }),
    ).toEqual({ id: 1, ok: true, answer: { greetings: 'ih' } });
    for (const host of [lab.net.internetV4[0], lab.net.internetV6]) {
      expect(await lab.connect(host, 143)).toBe(proxied);
      expect(await lab.connect(host, 143, other)).toBe(plain);
      expect(await lab.connect(host, 143, 0)).toBe(plain);
      expect(await lab.connect(host, 143, owner, 61_234)).toBe(plain);
      expect(await lab.connect(host, 110)).toBe(plain);
    }
    expect(await lab.connect(lab.net.internetV4[1], 143)).toBe(plain);
    expect(await lab.connect(lab.net.serverV6, 143)).toBe(plain);
    expect(await lab.connect('127.0.0.1', 143)).toBe('ECONNREFUSED');
    for (const host of ['127.0.0.1', '::1']) {
      expect(await lab.connect(host, 1143)).toBe(proxied);
      expect(await lab.connect(host, 1143, other)).toBe('* OK bridge');
      expect(await lab.connect(host, 1143, owner, 61_234)).toBe('* OK bridge');
    }
  });

  test('changes are made in place, and what is removed goes direct', async () => {
    const helper = await lab.userHelper();
    await helper.open(mail);
    expect(await helper.change({ ports: [[110, 110]] }, mail)).toEqual({ id: 2, ok: true });
    expect(await lab.connect(lab.net.internetV4[0], 143)).toBe(plain);
    expect(await lab.connect(lab.net.internetV4[0], 110)).toBe(proxied);
    expect(await helper.ask({ do: 'close', block: false })).toEqual({ id: 3, ok: true });
    expect(await lab.tables()).toEqual([]);
    expect(await helper.change(mail)).toEqual({ id: 4, ok: false, reason: 'not-open' });
    expect(await helper.open(mail)).toMatchObject({ id: 5, ok: true });
    expect(await lab.connect(lab.net.internetV4[0], 143)).toBe(proxied);
  });

  test('a change that can not be made changes nothing, and the helper lives', async () => {
    const helper = await lab.userHelper();
    await helper.open({ ports: [[140, 145]] });
    for (const [add, remove] of [
      [{ ports: [[143, 143]] }, {}],
      [
        {
          ports: [
            [1, 5],
            [5, 9],
          ],
        },
        {},
      ],
      [{ found4: [[hex(lab.net.internetV4[0]), 110, 5]] }, { ports: [[999, 999]] }],
    ] satisfies [Elements, Elements][]) {
      expect(await helper.change(add, remove)).toMatchObject({
        ok: false,
        reason: 'nft-failed',
        detail: expect.stringContaining('Error'),
      });
    }
    expect(await lab.connect(lab.net.internetV4[0], 143)).toBe(proxied);
    expect(await lab.connect(lab.net.internetV4[0], 110)).toBe(plain);
    expect(await helper.ask({ do: 'owner', inode: 1, uid: owner })).toMatchObject({ reason: 'not-allowed' });
  });

  test('denied ports are not redirected, however they are asked for', async () => {
    const helper = await lab.userHelper();
    for (const add of [
      { ports: [[440, 450]] },
      { bridges: [[443, 443]] },
      { found4: [[hex(lab.net.internetV4[0]), 443, 5]] },
      { found6: [[hex(lab.net.internetV6), 443, 5]] },
    ] satisfies Elements[]) {
      expect(await helper.open(add)).toMatchObject({ ok: false, reason: 'port-denied', detail: '443' });
    }
    expect(await lab.tables()).toEqual([]);
    await helper.open(mail);
    expect(await helper.change({ ports: [[1, 65_535]] })).toMatchObject({
      reason: 'port-denied',
      detail: '20',
    });
  });

  test('the longest list that there may be is taken, and taken back', async () => {
    const helper = await lab.userHelper();
    const found6 = Array.from(
      { length: maxElements },
      (_, i): EndpointElement => [(BigInt(i) << 100n).toString(16).padStart(32, '0'), 10_143, 3600],
    );
    expect(await helper.open({ found6 })).toMatchObject({ ok: true });
    expect(await helper.change({ found6 })).toMatchObject({ ok: true });
    expect(await helper.change({}, { found6 })).toMatchObject({ ok: true });
    expect(await lab.nft('list', 'set', 'inet', `postern_${owner}`, 'found6')).not.toContain('elements');
  });

  test('sets that only grow come to an end, and what stands goes on', async () => {
    const helper = await lab.userHelper();
    await helper.open(mail);
    const ports = (from: number): Elements => ({
      bridges: Array.from({ length: maxElements }, (_, i) => [from + 2 * i, from + 2 * i] as const),
    });
    expect(await helper.change(ports(10_000))).toMatchObject({ ok: true });
    for (const from of [16_000, 22_000]) await helper.change(ports(from));
    expect(await helper.change(ports(28_000))).toMatchObject({
      reason: 'nft-failed',
      detail: expect.stringContaining('Too many'),
    });
    expect(await lab.connect(lab.net.internetV4[0], 143)).toBe(proxied);
  });

  test('an endpoint that ran out may be removed, and one that comes again begins anew', async () => {
    const helper = await lab.userHelper();
    const element = (ttl: number): Elements => ({ found4: [[hex(lab.net.internetV4[0]), 10_143, ttl]] });
    const kept = () => lab.nft('list', 'set', 'inet', `postern_${owner}`, 'found4');
    await helper.open(element(1));
    while ((await kept()).includes(lab.net.internetV4[0]));
    expect(await helper.change({}, element(1))).toMatchObject({ ok: true });
    expect(await helper.change(element(1))).toMatchObject({ ok: true });
    expect(await helper.change(element(7_200))).toMatchObject({ ok: true });
    expect(await kept()).toContain('timeout 2h');
    expect(await lab.connect(lab.net.internetV4[0], 10_143)).toBe(proxied);
    expect(await helper.change({}, element(5))).toMatchObject({ ok: true });
    expect(await lab.connect(lab.net.internetV4[0], 10_143)).toBe(plain);
  });

  test('a server that is down refuses new connections, and the core still reaches it', async () => {
    const helper = await lab.userHelper();
    const host = lab.net.internetV4[0];
    const down: Elements = {
      down4: [[hex(host), 143, 60]],
      down6: [[hex(lab.net.internetV6), 143, 60]],
    };
    await helper.open(mail);
    const held = await lab.hold(host, 143, owner);
    await helper.change(down);
    expect(await lab.connect(host, 143)).toBe('ECONNREFUSED');
    expect(await lab.connect(lab.net.internetV6, 143)).toBe('ECONNREFUSED');
    expect(await lab.connect(host, 143, other)).toBe(plain);
    expect(await lab.connect(host, 143, owner, 61_235)).toBe(plain);
    held.lines.child.stdin?.end();
    expect(await held.lines.exit()).toBe(0);
    await helper.change({}, down);
    expect(await lab.connect(host, 143)).toBe(proxied);
  });

  describe('greetings on any port', () => {
    test('reset the first connection, before it has read anything, and the second is redirected', async () => {
      const helper = await lab.userHelper();
      await helper.open(mail, { detect: ['imap', 'pop3'] });
      for (const host of [lab.net.internetV4[0], lab.net.internetV6]) {
        for (const port of [10_143, 10_110, 10_144]) {
          expect(await lab.connect(host, port, other)).toMatch(/direct/);
          expect(await lab.connect(host, port)).toBe('ECONNRESET');
          expect(await lab.connect(host, port)).toBe(proxied);
        }
        expect(await lab.connect(host, 6379)).toBe('+OK direct');
        expect(await lab.connect(host, 8025)).toBe('220 direct');
      }
    });

    test('of protocols that are not asked for, of excluded servers and of upstream connections pass', async () => {
      const helper = await lab.userHelper();
      const host = lab.net.internetV4[0];
      const excluded = hex(lab.net.internetV4[1]);
      await helper.open({ skip4: [[excluded, excluded]] }, { detect: ['pop3'] });
      expect(await lab.connect(host, 10_143)).toBe(plain);
      await helper.change({}, {}, { detect: ['imap'] });
      expect(await lab.connect(lab.net.internetV4[1], 10_143)).toBe(plain);
      expect(await lab.connect(host, 10_143, owner, 61_236)).toBe(plain);
      expect(await lab.connect(host, 10_110)).toBe('+OK direct');
      expect(await lab.connect(host, 10_143)).toBe('ECONNRESET');
      await helper.change({});
      expect(await lab.connect(host, 10_145)).toBe(plain);
    });

    test('are found by the offsets of the usual headers too', async () => {
      const scope = { user: owner, coreUid: owner, denied: [6379] };
      const made = creation(scope, { listen, ipv6: true, form: 'th' });
      const found = greetingRules(scope, 'th', ['imap', 'pop3']);
      // In a table that nobody owns, since the one who loads it ends.
      const text = onTable(ownerTable(owner), made + found).replace('{ flags owner; }', '');
      expect((await lab.net.runClient(['nft', '-f', '-'], `${text}\n`)).stderr).toBe('');
      for (const host of [lab.net.internetV4[0], lab.net.internetV6]) {
        for (const port of [10_143, 10_110, 10_144]) {
          expect(await lab.connect(host, port)).toBe('ECONNRESET');
          expect(await lab.connect(host, port)).toBe(proxied);
        }
        expect(await lab.connect(host, 6379)).toBe('+OK direct');
        expect(await lab.connect(host, 8025)).toBe('220 direct');
      }
      await lab.nft('delete', 'table', 'inet', `postern_${owner}`);
    });

    test('on IPv6 are left alone where nobody listens there', async () => {
      const helper = await lab.userHelper();
      await helper.ask({ do: 'open', listen, ipv6: false, detect: ['imap'], block: false, add: mail });
      expect(await lab.connect(lab.net.internetV6, 10_143)).toBe(plain);
      expect(await lab.connect(lab.net.internetV6, 143)).toBe(plain);
      expect(await lab.connect(lab.net.internetV4[0], 143)).toBe(proxied);
    });
  });

  test("the system's helper moves all users' connections, and knows whose sockets are", async () => {
    const helper = await lab.systemHelper();
    await helper.open(mail, { detect: ['imap'] });
    const host = lab.net.internetV4[0];
    for (const uid of [owner, other, 0]) expect(await lab.connect(host, 143, uid)).toBe(proxied);
    expect(await lab.connect(host, 143, owner, 61_238)).toBe(plain);
    expect(await lab.connect(host, 143, other, 61_239)).toBe(proxied);
    expect(await lab.connect(host, 10_143, owner, 61_240)).toBe(plain);
    expect(await lab.connect(host, 10_143, other)).toBe('ECONNRESET');
    expect(await lab.connect(host, 10_143, 0)).toBe(proxied);
    const held = await lab.hold(host, 143, other);
    const [[, port]] = held.ends;
    const listed = await lab.net.runClient(['ss', '-Htne', 'sport', '=', `:${port}`]);
    const inode = Number(/ino:(\d+)/.exec(listed.stdout)?.[1]);
    expect(await helper.ask({ do: 'owner', inode, uid: other })).toMatchObject({
      ok: true,
      answer: { owner: { pid: held.lines.child.pid, path: lab.node } },
    });
    expect(await helper.ask({ do: 'owner', inode: 1, uid: other })).toEqual({ id: 3, ok: true });
    await held.lines.kill();
  });

  test('ends connections that go past it, of its own user alone', async () => {
    const hosts = [lab.net.internetV4[0], lab.net.internetV6, `::ffff:${lab.net.internetV4[1]}`];
    const own = await Promise.all(hosts.map((host) => lab.hold(host, 143, owner)));
    const others = await Promise.all([
      lab.hold(hosts[0] ?? '', 143, other),
      lab.hold(hosts[1] ?? '', 143, 0),
    ]);
    const helper = await lab.userHelper();
    await helper.open(mail);
    const never: readonly [End, End] = [
      [hex('10.77.0.1'), 1],
      [hex('10.77.0.2'), 2],
    ];
    expect(
      await helper.ask({
        do: 'end',
        connections: [...own, ...others].map(({ ends }) => ends).concat([never]),
      }),
    ).toEqual({ id: 2, ok: true, answer: { ended: 3 } });
    for (const { lines } of own) expect(await lines.next()).toBe('ECONNABORTED');
    for (const { lines } of others) {
      lines.child.stdin?.end();
      expect(await lines.exit()).toBe(0);
    }
  });
});
