// How the privileged helper begins and ends, with the real nft: who may start it, how several get on, and what is left of it
// however it ends.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { heartbeatMs, maxLineBytes, silenceMs } from '../../src-main/interception/linux/helper-messages.ts';
import { missingTools } from '../support/tools.ts';
import { asUser, HelperLab, hex, mail, other, owner, plain, proxied } from './netfilter-helper-lab.ts';

const missing = missingTools(['nft', 'setpriv', 'ss'], { namespaces: true });

describe.skipIf(missing !== undefined)(`the life of the netfilter helper${missing ?? ''}`, () => {
  let lab: HelperLab;

  beforeAll(async () => {
    lab = await HelperLab.create();
  });

  afterEach(() => lab.cleanUp());

  afterAll(() => lab?.stop());

  describe('who may start it', () => {
    test.each([
      ['another user, whatever he says that pkexec said', [], { PKEXEC_UID: '0' }, asUser(other)],
      ['another user, for all users', ['--all-users', '--core-uid', '1002'], {}, asUser(other)],
      ['pkexec with arguments', ['--all-users', '--core-uid', '1001'], { PKEXEC_UID: '1001' }, []],
      ['root without arguments', [], {}, []],
    ])('not %s', async (_, args, env, as) => {
      const helper = lab.start(args, env, as);
      expect(await helper.line()).toEqual({ end: 'no-privilege' });
      expect(await helper.exit()).toBe(1);
      expect(await lab.tables()).toEqual([]);
    });
  });

  describe('refusing mail in the absence of a core', () => {
    test('outlives helper and core, and a new one takes it over without a leak', async () => {
      const first = await lab.userHelper();
      const host = lab.net.internetV4[0];
      const excluded = hex(lab.net.internetV4[1]);
      await first.open(
        { ...mail, skip4: [[excluded, excluded]], found4: [[hex(host), 10_146, 600]] },
        { block: true, detect: ['imap'] },
      );
      expect(await lab.connect(host, 143)).toBe(proxied);
      await first.change({ ports: [[110, 110]] }, {}, { block: true, detect: ['imap'] });
      const looping = lab.loop(host, 143);
      await looping.until(proxied);
      await first.kill();
      await lab.redirectGone();
      expect(await lab.tables()).toEqual([`postern_block_${owner}`]);
      for (const port of [143, 110, 10_146]) expect(await lab.connect(host, port)).toBe('ECONNREFUSED');
      expect(await lab.connect(lab.net.internetV6, 143)).toBe('ECONNREFUSED');
      expect(await lab.connect(host, 143, other)).toBe(plain);
      expect(await lab.connect(lab.net.internetV4[1], 143)).toBe(plain);
      expect(await lab.connect(host, 8025)).toBe('220 direct');
      expect(await lab.connect(host, 143, owner, 61_237)).toBe(plain);
      const second = await lab.userHelper();
      expect(await second.open(mail, { block: true })).toMatchObject({ ok: true });
      expect(await lab.connect(host, 143)).toBe(proxied);
      expect(await lab.connect(host, 110)).toBe(plain);
      await second.ask({ do: 'close', block: true });
      expect(await lab.connect(host, 143)).toBe('ECONNREFUSED');
      // Those that the end of the redirect met hear nothing for some time, and only then try again.
      await looping.until('ECONNREFUSED');
      looping.child.stdin?.end();
      const last = (await looping.rest()).at(-1) ?? '';
      const counts = JSON.parse(last) as Record<string, number>;
      expect(Object.keys(counts)).not.toContain(plain);
      await second.ask({ do: 'close', block: false });
      expect(await lab.tables()).toEqual([]);
      expect(await lab.connect(host, 143)).toBe(plain);
    });

    test('is put up and taken away by a change, and one from before is lifted by opening without', async () => {
      const host = lab.net.internetV4[0];
      const first = await lab.userHelper();
      await first.open({ ...mail, found4: [[hex(host), 10_146, 600]] });
      const found4 = [[hex(host), 10_146, 600] as const];
      const ports = [[110, 110] as const, [143, 143] as const];
      await first.change({ ports: [[110, 110]] }, {}, { block: { ports, found4 } });
      await first.kill();
      await lab.redirectGone();
      for (const port of [143, 110, 10_146]) expect(await lab.connect(host, port)).toBe('ECONNREFUSED');
      const second = await lab.userHelper();
      await second.open(mail);
      expect(await lab.tables()).toEqual([`postern_${owner}`]);
      await second.change({}, {}, { block: mail });
      expect(await lab.tables()).toContain(`postern_block_${owner}`);
      await second.change({});
      expect(await lab.tables()).toEqual([`postern_${owner}`]);
    });
  });

  describe('several helpers', () => {
    const reserved = async () =>
      (await lab.net.runClient(['cat', '/proc/sys/net/ipv4/ip_local_reserved_ports'])).stdout.trim();

    test('for one user: the second is told so, and has it soon after the first was killed', async () => {
      const first = await lab.userHelper();
      await first.open(mail);
      const second = await lab.userHelper();
      expect(await second.open(mail)).toEqual({ id: 1, ok: false, reason: 'table-taken' });
      expect(await lab.connect(lab.net.internetV4[0], 143)).toBe(proxied);
      await first.kill();
      await lab.redirectGone();
      expect(await second.open(mail)).toMatchObject({ ok: true });
    });

    test("while the system's core runs a user's helper does nothing", async () => {
      const system = await lab.systemHelper();
      await system.open(mail);
      const helper = await lab.userHelper();
      expect(await helper.open(mail)).toEqual({ id: 1, ok: false, reason: 'system-core-running' });
      await system.kill();
      await lab.redirectGone();
      expect(await helper.open(mail)).toMatchObject({ ok: true });
    });

    test('reserve the source ports, and the last one gives them back', async () => {
      await lab.net.runClient(['sh', '-c', 'echo 8080 > /proc/sys/net/ipv4/ip_local_reserved_ports']);
      const [first, second] = [await lab.userHelper(owner), await lab.userHelper(other)];
      await first.open(mail);
      await second.open(mail);
      expect(await reserved()).toBe('8080,61000-65535');
      first.child.stdin?.end();
      expect(await first.exit()).toBe(0);
      expect(await reserved()).toBe('8080,61000-65535');
      second.child.stdin?.end();
      expect(await second.exit()).toBe(0);
      expect(await reserved()).toBe('8080');
    });
  });

  describe('it ends, and its redirect with it', () => {
    const alive = '{"do":"alive"}\n';

    test.each([
      ['text of nft', 'add table inet x; flush ruleset\n', 'json'],
      [
        'text of nft in place of digits',
        '{"id":9,"do":"change","remove":{},"add":{"skip4":[["1;flush ruleset","2"]]}}\n',
        'add',
      ],
      ['a field too many', '{"do":"alive","and":"$(reboot)"}\n', 'unknown'],
      ['an octet of zero', '{"do":"alive\0"}\n', 'json'],
      ['a line of 10 MB', `${'x'.repeat(10_000_000)}\n`, 'length'],
      ['a line that never ends', 'x'.repeat(maxLineBytes + 1), 'length'],
    ])('at %s', async (_, text, detail) => {
      const helper = await lab.userHelper();
      await helper.open(mail);
      helper.write(text);
      expect(await helper.line()).toEqual({ end: 'malformed', detail });
      expect(await helper.exit()).toBe(1);
      expect(await lab.tables()).toEqual([]);
      expect(await lab.connect(lab.net.internetV4[0], 143)).toBe(plain);
    });

    test('when its core asks and asks and takes no answers', async () => {
      const helper = await lab.userHelper();
      await helper.open(mail);
      helper.child.stdout?.pause();
      const question = '{"id":9,"do":"owner","inode":1,"uid":1}\n'.repeat(1_000);
      while (helper.child.exitCode === null) {
        helper.write(question);
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(await helper.exit()).toBe(1);
      expect(await lab.tables()).toEqual([]);
    });

    test('when its core ends, half a line or not', async () => {
      for (const rest of ['', '{"do":"al']) {
        const helper = await lab.userHelper();
        await helper.open(mail);
        helper.write(alive);
        helper.child.stdin?.end(rest);
        expect(await helper.line()).toEqual({ end: 'closed' });
        expect(await helper.exit()).toBe(0);
        expect(await lab.tables()).toEqual([]);
      }
    });

    test('when it is told to, but not at a Ctrl+C that is meant for the core', async () => {
      const helper = await lab.userHelper();
      await helper.open(mail);
      helper.child.kill('SIGINT');
      helper.child.kill('SIGHUP');
      expect(await helper.change({}, mail)).toMatchObject({ ok: true });
      helper.child.kill('SIGTERM');
      expect(await helper.line()).toEqual({ end: 'closed' });
      expect(await helper.exit()).toBe(0);
    });

    test('when nft is lost', async () => {
      const helper = await lab.userHelper();
      await helper.open(mail);
      const pid = helper.child.pid ?? 0;
      const children = await lab.net.runClient(['cat', `/proc/${pid}/task/${pid}/children`]);
      process.kill(Number(children.stdout.trim()), 'SIGKILL');
      expect(await helper.line()).toMatchObject({ end: 'nft-failed' });
      expect(await helper.exit()).toBe(1);
    });

    test('when its core is silent, and not while that says that it lives', async () => {
      const [silent, lively] = [await lab.userHelper(owner), await lab.userHelper(other)];
      await silent.open(mail);
      await lively.open(mail);
      const beating = setInterval(() => lively.write(alive), heartbeatMs);
      const since = performance.now();
      expect(await silent.line()).toEqual({ end: 'silence' });
      expect(performance.now() - since).toBeGreaterThan(silenceMs - heartbeatMs);
      expect(await silent.exit()).toBe(1);
      expect(await lab.tables()).toEqual([`postern_${other}`]);
      clearInterval(beating);
      expect(await lively.change({}, mail)).toMatchObject({ ok: true });
    });
  });
});
