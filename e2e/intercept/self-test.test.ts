// What the core finds out about its own redirect: rules of others that break it are noticed at the start and while it runs,
// mail then goes directly, and once they are gone it is scanned again. And the walk that a person asks for.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { SelfTestStep, State } from '../../src-main/contract/state.ts';
import { curlImapMessage } from '../support/clients.ts';
import type { RunningCore } from '../support/core.ts';
import { containsVirus, testMessages } from '../support/messages.ts';
import { missingTools } from '../support/tools.ts';
import { type CoreLab, createCoreLab } from './core-lab.ts';

const missing = missingTools(['nft', 'dovecot', 'curl', 'openssl'], { namespaces: true });
const infected = testMessages().filter((message) => message.name === 'eicar-base64');

/** Rules of others as people have them, each of which breaks a redirect to this machine in its own way. */
const foreign = {
  'a notrack rule on lo': `
    chain in { type filter hook prerouting priority raw; iif "lo" notrack; }
    chain out { type filter hook output priority raw; oif "lo" notrack; }`,
  'a conntrack zone': `
    chain in { type filter hook prerouting priority raw; ct zone set 5; }
    chain out { type filter hook output priority raw; ct zone set 5; }`,
  'a firewall that drops what comes in on lo': `
    chain in { type filter hook input priority filter; iif "lo" drop; }`,
} as const;
type Foreign = keyof typeof foreign;

describe.skipIf(missing !== undefined)(`the test of the redirect${missing ?? ''}`, () => {
  let hosts: CoreLab;
  let core: RunningCore | undefined;
  /** Trusts both the server's authority and ours, so that only the content tells who was reached. */
  let caPath: string;

  beforeAll(async () => {
    hosts = await createCoreLab({ alice: infected });
    core = await hosts.startCore('--console', 'off');
    caPath = join(hosts.directory, 'both.pem');
    writeFileSync(
      caPath,
      readFileSync(core.ready.ca, 'utf8') + readFileSync(hosts.certificates.caPath, 'utf8'),
    );
    await core.stop();
  });
  afterAll(async () => await hosts?.stop());
  afterEach(async () => {
    await core?.stop();
    core = undefined;
    // Whatever the test, or one that failed, has left.
    await run('nft', 'flush', 'ruleset');
    await hosts.lab.runClient(['ip', 'addr', 'del', '10.78.0.1/24', 'dev', hosts.lab.clientInterface]);
  });

  async function run(...argv: string[]): Promise<string> {
    const { status, stdout, stderr } = await hosts.lab.runClient(argv);
    expect(status, stderr).toBe(0);
    return stdout;
  }
  async function load(name: Foreign): Promise<void> {
    const { status, stderr } = await hosts.lab.runClient(
      ['nft', '-f', '-'],
      `table inet foreign {${foreign[name]}\n}\n`,
    );
    expect(status, stderr).toBe(0);
  }
  const unload = async () => void (await run('nft', 'delete', 'table', 'inet', 'foreign'));

  const state = async () => JSON.parse((await hosts.postern('status', '--json')).stdout) as State;
  async function untilState(expected: Partial<State['interception']>): Promise<void> {
    await vi.waitFor(async () => expect((await state()).interception).toMatchObject(expected), {
      timeout: 12_000,
      interval: 200,
    });
  }
  /** Any change of the machine's addresses has the core look again. */
  async function changeNetwork(): Promise<void> {
    await run('ip', 'addr', 'add', '10.78.0.1/24', 'dev', hosts.lab.clientInterface);
  }
  const virusArrives = async () =>
    containsVirus(await curlImapMessage(hosts.account({ transport: 'tls', protocol: 'imap', caPath }), '1'));

  test.each(Object.keys(foreign) as Foreign[])(
    '%s, there before the start: mail goes directly, and is scanned when the rule has gone',
    async (name) => {
      await load(name);
      core = await hosts.startCore('--console', 'off');
      const failed = { state: 'unavailable', reason: 'self-test-failed' };
      expect(core.ready.interception).toMatchObject(failed);
      expect((await state()).interception).toMatchObject({
        ...failed,
        detail: expect.stringMatching(
          name === 'a conntrack zone' ? /^IPv4: .*conntrack zone$/ : /^IPv4: it did not come through/,
        ),
      });
      expect(await run('nft', 'list', 'ruleset')).not.toContain('redirect');
      expect(await virusArrives()).toBe(true);
      await unload();
      await changeNetwork();
      await untilState({ state: 'active' });
      expect(await virusArrives()).toBe(false);
    },
  );

  test('a rule that comes while the core runs, with a change of network; gone again, time alone mends it', async () => {
    core = await hosts.startCore('--console', 'off');
    expect(core.ready.interception).toEqual({ state: 'active' });
    await load('a notrack rule on lo');
    await changeNetwork();
    await untilState({ state: 'unavailable', reason: 'self-test-failed' });
    expect(await virusArrives()).toBe(true);
    await unload();
    await untilState({ state: 'active' });
    expect(await virusArrives()).toBe(false);
  });

  test('without a way out nothing is tested and the redirect stands', async () => {
    await run('ip', 'route', 'del', 'default');
    await run('ip', '-6', 'route', 'del', 'default');
    core = await hosts.startCore('--console', 'off');
    expect(core.ready.interception).toEqual({ state: 'active' });
    expect(await virusArrives()).toBe(false);
    await run('ip', 'route', 'add', 'default', 'via', hosts.lab.serverV4);
    await run('ip', '-6', 'route', 'add', 'default', 'via', hosts.lab.serverV6);
  });

  describe('the walk through all protocols', () => {
    async function selftest(): Promise<{ status: number | null; steps: SelfTestStep[] }> {
      const { status, stdout } = await hosts.postern('selftest', '--json');
      const steps = stdout.split('\n').filter(Boolean);
      return { status, steps: steps.map((line) => JSON.parse(line) as SelfTestStep) };
    }
    const outcomes = (steps: readonly SelfTestStep[], of: (protocol: string) => boolean) => [
      ...new Set(steps.filter(({ protocol }) => of(protocol)).map(({ outcome }) => outcome)),
    ];

    test('passes at every step, and ends with 0', async () => {
      core = await hosts.startCore('--console', 'off');
      const { status, steps } = await selftest();
      expect(steps.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
      expect(new Set(steps.map(({ protocol }) => protocol))).toEqual(
        new Set(['kernel', 'imap', 'imaps', 'imap-starttls', 'pop3', 'pop3s', 'pop3-stls']),
      );
      expect(new Set(steps.map(({ step }) => step))).toEqual(
        new Set(['redirect', 'greeting', 'tls', 'sign-in', 'clean-message', 'test-virus']),
      );
      expect(status).toBe(0);
    });

    test('leaves out what is switched off, and ends with 0', async () => {
      core = await hosts.startCore('--console', 'off');
      await hosts.postern('settings', 'set', 'mailTransport.scanImap', 'false');
      const { status, steps } = await selftest();
      await hosts.postern('settings', 'set', 'mailTransport.scanImap', 'true');
      const isOff = (protocol: string) => protocol === 'imap' || protocol === 'imap-starttls';
      expect(outcomes(steps, isOff)).toEqual(['skipped']);
      expect(outcomes(steps, (protocol) => !isOff(protocol))).toEqual(['passed']);
      expect(status).toBe(0);
    });

    test('says what fails without the redirect, goes on by a door of its own, and ends with 1', async () => {
      await load('a notrack rule on lo');
      core = await hosts.startCore('--console', 'off');
      const { status, steps } = await selftest();
      await unload();
      expect(steps[0]).toMatchObject({
        protocol: 'kernel',
        step: 'redirect',
        outcome: 'failed',
        detail: expect.stringContaining('self-test-failed'),
      });
      const later = steps.slice(1);
      expect(outcomes(later, () => true).toSorted()).toEqual(['passed', 'skipped']);
      expect(later.filter(({ outcome }) => outcome === 'skipped').map(({ step }) => step)).toEqual(
        Array.from({ length: 6 }, () => 'redirect'),
      );
      expect(status).toBe(1);
    });

    test('without a core ends with 3', async () => {
      expect((await selftest()).status).toBe(3);
    });
  });
});
