// The walk with a real proxy, real certificates and the real scanner; only the kernel is a door of the test's.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Certificates, openCertificates } from '../certificates/authority.ts';
import { defaultSettings, type MailTransportSettings, type Settings } from '../contract/settings.ts';
import type { Availability, SelfTestStep } from '../contract/state.ts';
import { createProxy, type MailProxy, type ProxyOptions } from '../proxy/proxy.ts';
import { rulesFrom } from '../proxy/rules.ts';
import { createTlsRelays } from '../proxy/tls-relays.ts';
import { type Scanner, startScanner } from '../scanner/pool.ts';
import { openSpoolStore } from '../storage/spool.ts';
import { createSelfTest, type SelfTestParts } from './self-test.ts';
import { fakeClock } from './testing.fixture.ts';

let directory: string;
let certificates: Certificates;
let scanner: Scanner;
const teardown: (() => unknown)[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'postern-self-test-'));
  certificates = await openCertificates({ directory, hostname: 'desk', now: () => new Date() });
  scanner = await startScanner({
    workerUrl: new URL('../scanner/worker.ts', import.meta.url),
    rulesDirectory: resolve(import.meta.dirname, '../scanner/rules'),
    workers: 1,
  });
}, 30_000);
afterEach(async () => {
  for (const undo of teardown.splice(0).reverse()) await undo();
});
afterAll(async () => {
  await scanner.stop();
  await rm(directory, { recursive: true });
});

interface Options {
  readonly mailTransport?: Partial<MailTransportSettings>;
  readonly delivery?: Settings['response']['delivery'];
  readonly interception?: Availability;
  readonly proxy?: Partial<ProxyOptions>;
  readonly parts?: Partial<SelfTestParts>;
}

async function setup(options: Options = {}) {
  const settings: Settings = {
    ...defaultSettings,
    mailTransport: { ...defaultSettings.mailTransport, ...options.mailTransport },
    response: { ...defaultSettings.response, delivery: options.delivery ?? 'keep-alive' },
  };
  const spools = await openSpoolStore({ directory: join(directory, 'spool'), onFailure: () => undefined });
  const quarantined = vi.fn();
  const events = { connectionsChanged: vi.fn(), message: vi.fn(), relayed: vi.fn(), plainMailFound: vi.fn() };
  const verdicts = { isClean: vi.fn(() => false), addClean: vi.fn(), stop: () => undefined };
  const unused = () => {
    throw new Error('not used');
  };
  const proxy = createProxy({
    certificates,
    scanner,
    spools,
    quarantine: { put: quarantined, list: unused, show: unused, read: unused },
    verdicts: { ...verdicts, revision: '' },
    rules: () => rulesFrom(settings, 1),
    sourcePorts: { from: 61_000, to: 65_535 },
    extraCa: undefined,
    isOwnEndpoint: () => false,
    summarise: async () => ({}),
    events,
    log: () => undefined,
    now: () => new Date(),
    tlsRelays: createTlsRelays({ now: () => new Date() }),
    ...options.proxy,
  });
  teardown.push(
    () => spools.stop(),
    () => proxy.stop(),
  );
  const asked: string[] = [];
  const selfTest = createSelfTest({
    proxy,
    settings: () => settings,
    interception: () => options.interception ?? { state: 'active' },
    rootPem: () => certificates.roots()[0]?.pem ?? '',
    random: randomBytes,
    clock: {
      now: () => new Date(),
      after(delayMs, callback) {
        const timer = setTimeout(callback, delayMs);
        return () => clearTimeout(timer);
      },
    },
    connect: await kernelOf(proxy, asked),
    ...options.parts,
  });
  return { selfTest, proxy, asked, traces: { ...events, ...verdicts, quarantined } };
}

/** What is dialled comes to the proxy with its destination, as by the redirect. */
async function kernelOf(proxy: MailProxy, asked: string[]): Promise<NonNullable<SelfTestParts['connect']>> {
  const going = new Map<number, { readonly address: string; readonly port: number }>();
  const door = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    const destination = going.get(socket.remotePort ?? 0);
    if (destination) proxy.accept({ socket, destination, owner: undefined });
  }).listen(0, '127.0.0.1');
  teardown.push(() => door.close());
  await once(door, 'listening');
  const { port: doorPort } = door.address() as AddressInfo;
  return ({ host, port, localPort }) => {
    going.set(localPort, { address: host, port });
    const socket = connect({ host: '127.0.0.1', port: doorPort, localPort });
    // Not before: a port of this machine that another program has is tried in vain.
    return socket.once('connect', () => asked.push(`${host}:${port}`));
  };
}

async function stepsOf(steps: AsyncIterable<SelfTestStep>): Promise<SelfTestStep[]> {
  const all: SelfTestStep[] = [];
  for await (const step of steps) all.push(step);
  return all;
}

/** `imap redirect passed`, with the detail behind it. */
const lines = (steps: readonly SelfTestStep[]) =>
  steps.map(({ protocol, step, outcome, detail }) =>
    [protocol, step, outcome, detail].filter((word) => word !== undefined).join(' '),
  );

const plain = ['redirect', 'greeting', 'sign-in', 'clean-message', 'test-virus'];
const implicit = ['redirect', 'tls', 'greeting', 'sign-in', 'clean-message', 'test-virus'];
const upgraded = ['redirect', 'greeting', 'tls', 'sign-in', 'clean-message', 'test-virus'];
const all: readonly (readonly [string, readonly string[]])[] = [
  ['kernel', ['redirect']],
  ['imap', plain],
  ['imaps', implicit],
  ['imap-starttls', upgraded],
  ['pop3', plain],
  ['pop3s', implicit],
  ['pop3-stls', upgraded],
];
const each = (line: (protocol: string, step: string) => string) =>
  all.flatMap(([protocol, steps]) => steps.map((step) => line(protocol, step)));

describe('the walk', () => {
  test('passes every protocol through the redirect, and leaves no trace', async () => {
    const { selfTest, proxy, asked, traces } = await setup();
    const steps = await stepsOf(selfTest.run());
    expect(lines(steps)).toEqual(each((protocol, step) => `${protocol} ${step} passed`));
    expect(asked).toEqual([143, 143, 585, 143, 110, 995, 110].map((port) => `192.0.2.77:${port}`));
    expect(proxy.connections()).toEqual([]);
    for (const [name, trace] of Object.entries(traces)) {
      if (vi.isMockFunction(trace)) expect(trace, name).not.toHaveBeenCalled();
    }
  });

  test('takes another port where another program has the one that it would come from', async () => {
    const firstPort = 49_152;
    const other = createServer().listen(firstPort, '127.0.0.1');
    teardown.push(() => other.close());
    // Where another program has it, that serves as well.
    await once(other, 'listening').catch(() => undefined);
    let isFirst = true;
    const random = (sizeBytes: number) => {
      if (!isFirst || sizeBytes !== 2) return randomBytes(sizeBytes);
      isFirst = false;
      return Buffer.alloc(2);
    };
    const { selfTest, asked } = await setup({ parts: { random } });
    const steps = await stepsOf(selfTest.run());
    expect(steps.every(({ outcome }) => outcome === 'passed')).toBe(true);
    expect([isFirst, asked.length]).toEqual([false, 7]);
  });

  test('is left alone by no exclusion', async () => {
    const { selfTest } = await setup({
      mailTransport: { excludedAddresses: [{ address: '0.0.0.0/0' }] },
    });
    const steps = await stepsOf(selfTest.run());
    expect(steps.every(({ outcome }) => outcome === 'passed')).toBe(true);
  });

  test('proves the engines where nothing is intercepted', async () => {
    const { selfTest, asked } = await setup({
      interception: { state: 'unavailable', reason: 'no-privilege' },
    });
    expect(lines(await stepsOf(selfTest.run()))).toEqual(
      each((protocol, step) => {
        if (protocol === 'kernel') return 'kernel redirect failed unavailable: no-privilege';
        return `${protocol} ${step} ${step === 'redirect' ? 'skipped' : 'passed'} without the kernel`;
      }),
    );
    expect(asked).toEqual([]);
  });

  test('leaves out what is switched off', async () => {
    const { selfTest } = await setup({
      mailTransport: { scanImap: false, scanPop3: false, scanPop3s: false, imapsPorts: '4993' },
    });
    const off = 'switched off by the settings';
    expect(lines(await stepsOf(selfTest.run()))).toEqual(
      each((protocol, step) =>
        protocol === 'kernel' || protocol === 'imaps'
          ? `${protocol} ${step} passed`
          : `${protocol} ${step} skipped ${off}`,
      ),
    );
  });

  test('has nothing to walk where all is off, and starts no server', async () => {
    const random = vi.fn((sizeBytes: number) => randomBytes(sizeBytes));
    const { selfTest } = await setup({
      mailTransport: { enabled: false },
      parts: { random },
    });
    expect(lines(await stepsOf(selfTest.run()))).toEqual(
      each((protocol, step) => `${protocol} ${step} skipped switched off by the settings`),
    );
    expect(random).not.toHaveBeenCalled();
  });

  test('finds the virus though the settings would let it pass, and says so', async () => {
    const { selfTest } = await setup({ delivery: 'unchanged', mailTransport: { scanPop3: false } });
    const steps = (await stepsOf(selfTest.run())).filter(({ protocol }) => protocol === 'imaps');
    expect(lines(steps).at(-1)).toBe(
      'imaps test-virus passed by the settings, what is infected is delivered unchanged',
    );
  });
});

describe('a fault', () => {
  const onlyImap = { scanImaps: false, scanPop3: false, scanPop3s: false };
  const imapSteps = (steps: readonly SelfTestStep[]) =>
    lines(steps.filter(({ protocol }) => protocol === 'imap'));

  test('of the scanner is a virus that came through', async () => {
    const blind: Scanner = {
      ...scanner,
      scan: async (source, options) => {
        const { verdict } = await scanner.scan(source, options);
        return {
          verdict: { ...verdict, outcome: 'clean', detections: [] },
          overwrites: [],
          tags: [],
          leaves: [],
        };
      },
    };
    const { selfTest } = await setup({ mailTransport: onlyImap, proxy: { scanner: blind } });
    expect(imapSteps(await stepsOf(selfTest.run())).at(-1)).toBe(
      'imap test-virus failed the test virus came through',
    );
  });

  test('of the certificates is told at the handshake, and what stands behind it is left out', async () => {
    const { selfTest } = await setup({
      mailTransport: { scanPop3: false, scanImap: false, scanPop3s: false },
      proxy: {
        certificates: {
          ...certificates,
          leafFor: ({ der, keyKind }) => certificates.leafFor({ der, trusted: false, keyKind }),
        },
      },
    });
    const steps = (await stepsOf(selfTest.run())).filter(({ protocol }) => protocol === 'imaps');
    expect(lines(steps)).toEqual([
      'imaps redirect passed',
      'imaps tls failed SELF_SIGNED_CERT_IN_CHAIN',
      ...['greeting', 'sign-in', 'clean-message', 'test-virus'].map(
        (step) => `imaps ${step} skipped an earlier step failed`,
      ),
    ]);
  });

  test('of the kernel is told, and the engines are proved without it', async () => {
    const nowhere = () => {
      const socket = connect({ host: '127.0.0.1', port: 1 });
      return socket;
    };
    const { selfTest } = await setup({ mailTransport: onlyImap, parts: { connect: nowhere } });
    const steps = lines(await stepsOf(selfTest.run()));
    expect(steps[0]).toBe('kernel redirect failed ECONNREFUSED');
    expect(steps[2]).toBe('imap greeting passed without the kernel');
  });

  test('that lets a connection go past us is told, too', async () => {
    const elsewhere = createServer((socket) => socket.on('error', () => socket.destroy()).end()).listen(
      0,
      '127.0.0.1',
    );
    teardown.push(() => elsewhere.close());
    await once(elsewhere, 'listening');
    const { port } = elsewhere.address() as AddressInfo;
    const { selfTest } = await setup({
      mailTransport: onlyImap,
      parts: {
        connect: ({ localPort }) => {
          const socket = connect({ host: '127.0.0.1', port, localPort });
          socket.on('connect', () => socket.resume());
          return socket;
        },
      },
    });
    expect(lines(await stepsOf(selfTest.run()))[0]).toBe('kernel redirect failed the connection ended');
  });

  test('that hangs costs a step its time', async () => {
    const clock = fakeClock();
    const silent: Socket[] = [];
    const elsewhere = createServer((socket) => silent.push(socket)).listen(0, '127.0.0.1');
    teardown.push(
      () => elsewhere.close(),
      () => silent.forEach((socket) => void socket.destroy()),
    );
    await once(elsewhere, 'listening');
    const { port } = elsewhere.address() as AddressInfo;
    const { selfTest } = await setup({
      mailTransport: onlyImap,
      parts: { clock, connect: ({ localPort }) => connect({ host: '127.0.0.1', port, localPort }) },
    });
    const steps = selfTest.run();
    const first = steps.next();
    await vi.waitFor(() => expect(silent).toHaveLength(1), 5_000);
    clock.advance(4_999);
    clock.advance(1);
    expect((await first).value).toMatchObject({
      protocol: 'kernel',
      outcome: 'failed',
      ms: 5_000,
      detail: 'nothing came within 5 s',
    });
    await steps.return(undefined);
  });
});

describe('several callers', () => {
  test('get a walk of their own each, one after the other, though the first one takes no more steps', async () => {
    const { selfTest } = await setup({
      mailTransport: { scanPop3: false, scanPop3s: false, scanImaps: false },
    });
    const first = selfTest.run();
    await first.next();
    const second = await stepsOf(selfTest.run());
    expect(second.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    const rest = await stepsOf(first);
    expect(rest).toHaveLength(second.length - 1);
  });

  test('that leave end their walk', async () => {
    const { selfTest, asked } = await setup();
    const steps = selfTest.run();
    await steps.next();
    await steps.return(undefined);
    await stepsOf(selfTest.run());
    expect(asked.length).toBeLessThan(2 * 7);
  });

  test('after the end get no step', async () => {
    const { selfTest } = await setup();
    selfTest.stop();
    selfTest.stop();
    expect(await stepsOf(selfTest.run())).toEqual([]);
  });
});
