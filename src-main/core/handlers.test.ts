import { createRouterClient, ORPCError } from '@orpc/server';
import { describe, expect, test } from 'vitest';
import { createTestKeys, makeTestCertificate } from '../certificates/authority.fixture.ts';
import type { QuarantineEntry } from '../contract/api.ts';
import { defaultSettings } from '../contract/settings.ts';
import { quietState } from '../contract/state.fixture.ts';
import type { MessageEvent, SelfTestStep, State } from '../contract/state.ts';
import { type CallContext, createRouter, type RouterParts } from './handlers.ts';
import type { SettingsResult } from './settings-service.ts';
import { createStateHub } from './state-hub.ts';
import { fakeClock } from './testing.fixture.ts';

const id = '20251124T120000Z-0123456789abcdef';
const entry: QuarantineEntry = {
  id,
  at: '2025-11-24T12:00:00.000Z',
  sha256: 'ab'.repeat(32),
  sizeBytes: 5,
  verdict: {
    outcome: 'infected',
    complete: true,
    detections: [],
    notes: [],
    engines: [],
    limits: [],
    sha256: '',
    bytes: 5,
    parts: 1,
    ms: 1,
  },
  server: 'imap.example.test',
};
const message: MessageEvent = {
  id: 1,
  at: '2025-11-24T12:00:00.000Z',
  outcome: 'not-scanned',
  detections: [],
  limits: ['encrypted'],
  server: 'imap.example.test',
};
const facts = {
  subject: 'CN=mail.example.org',
  issuer: 'CN=Example',
  sha256: 'ab'.repeat(32),
  names: ['mail.example.org'],
  notBefore: '2025-11-24T12:00:00.000Z',
  notAfter: '2026-11-24T12:00:00.000Z',
};
const step: SelfTestStep = { protocol: 'imap', step: 'greeting', outcome: 'passed', ms: 1 };
const state: State = {
  ...quietState,
  counters: { ...quietState.counters, notScannedByReason: { encrypted: 1 } },
  lastMessages: [message],
};

function setUp(changes: { saves?: boolean; url?: string; via?: CallContext['via']; whole?: boolean } = {}) {
  const { saves = true, url, via = 'socket', whole = true } = changes;
  const hub = createStateHub(state, fakeClock().after);
  const calls: unknown[] = [];
  const stored: SettingsResult = saves
    ? { ok: true, settings: { ...defaultSettings, appearance: { language: 'nb', theme: 'dark' } } }
    : { ok: false, code: 'settings-not-saved' };
  const parts: RouterParts = {
    hub,
    settings: {
      current: () => defaultSettings,
      problems: () => [],
      async update(patch) {
        calls.push(patch);
        return stored;
      },
      reset: async () => stored,
      onChange: () => undefined,
    },
    applications: { running: async () => [], installed: async () => [] },
    connections: {
      list: () => [],
      close(ids) {
        calls.push(ids);
        return 3;
      },
      async closeDirect() {
        calls.push('direct');
        return 2;
      },
    },
    protection: {
      async *selfTest() {
        yield step;
      },
      async retry() {
        calls.push('retry');
      },
    },
    trust: {
      async look() {
        calls.push('look');
        return quietState.trust;
      },
      async install(ids) {
        calls.push(['install', ids]);
        return [];
      },
      async remove(ids) {
        calls.push(['remove', ids]);
        return [];
      },
      async replace() {
        calls.push('replace');
        return [];
      },
      forget: (ids) => calls.push(['forget', ids]),
      root: () => ({ pem: 'PEM', facts }),
      async ofServer(host, port) {
        calls.push([host, port]);
        if (port === 993) return { ok: true, facts };
        return { ok: false, reason: port === 1 ? 'unreachable' : 'no-tls' };
      },
    },
    events: {
      list(limit) {
        calls.push(limit);
        return [message];
      },
    },
    quarantine: {
      list: async () => [entry],
      show: async (asked) => (asked === id ? entry : undefined),
      async *read() {
        yield Buffer.from([0, 255, 1]);
        yield Buffer.from([13, 10]);
        if (!whole) throw new Error('damaged');
      },
    },
    consoleUrl: () => url,
  };
  return { hub, calls, client: createRouterClient(createRouter(parts), { context: { via } }) };
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ORPCError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'no error';
}

describe('state', () => {
  test('a follower that subscribes first, then takes a snapshot, misses nothing', async () => {
    const { client, hub } = setUp();
    const updates = await client.state.watch();
    hub.set({ openConnections: 1 });
    const { revision, state: at } = await client.state.get();
    hub.set({ openConnections: 2 });
    expect([revision, at.openConnections]).toEqual([1, 1]);
    expect((await updates.next()).value).toEqual({ revision: 1, patch: { openConnections: 1 } });
    expect((await updates.next()).value).toEqual({ revision: 2, patch: { openConnections: 2 } });
    await updates.return?.();
    hub.set({ openConnections: 3 });
    expect((await updates.next()).done).toBe(true);
  });
});

describe('settings', () => {
  test('are given, changed by a valid patch, and reset', async () => {
    const { client, calls } = setUp();
    expect(await client.settings.get()).toEqual(defaultSettings);
    expect(
      (await client.settings.update({ mailTransport: { imapsPorts: '993,585' } })).appearance.theme,
    ).toBe('dark');
    expect(calls).toEqual([{ mailTransport: { imapsPorts: '585, 993' } }]);
    expect((await client.settings.reset()).appearance.language).toBe('nb');
  });

  test('an invalid patch is refused before it reaches them', async () => {
    const { client, calls } = setUp();
    const code = await codeOf(client.settings.update({ mailTransport: { imapsPorts: '70000' } }));
    expect(code).toMatch(/^BAD_REQUEST/);
    expect(calls).toEqual([]);
  });

  test('that can not be stored say so', async () => {
    const { client } = setUp({ saves: false });
    expect(await codeOf(client.settings.update({}))).toBe('NOT_SAVED settings-not-saved');
    expect(await codeOf(client.settings.reset())).toBe('NOT_SAVED settings-not-saved');
  });
});

describe('connections and messages', () => {
  test('the named connections are closed, or those that live by older rules', async () => {
    const { client, calls } = setUp();
    expect(await client.connections.close({ ids: [4, 5] })).toEqual({ closed: 3 });
    await client.connections.close({});
    expect(calls).toEqual([[4, 5], 'stale']);
  });

  test('those that go past us are ended, and their number is said', async () => {
    const { client, calls } = setUp();
    expect(await client.connections.closeDirect()).toEqual({ closed: 2 });
    expect(calls).toEqual(['direct']);
  });

  test('messages come in the asked number, a hundred by default', async () => {
    const { client, calls } = setUp();
    expect(await client.messages.list({ limit: 7 })).toEqual([message]);
    await client.messages.list({});
    expect(calls).toEqual([7, 100]);
    expect(await codeOf(client.messages.list({ limit: 1_001 }))).toMatch(/^BAD_REQUEST/);
  });
});

describe('the protection', () => {
  test('is tested step by step, and tried again', async () => {
    const { client, calls } = setUp();
    const seen: unknown[] = [];
    for await (const each of await client.protection.selfTest()) seen.push(each);
    expect(seen).toEqual([step]);
    await client.protection.retry();
    expect(calls).toEqual(['retry']);
  });
});

describe('quarantine', () => {
  test('an original comes back octet for octet, in chunks that are decoded one by one', async () => {
    const { client } = setUp();
    const chunks: Buffer[] = [];
    for await (const { base64 } of await client.quarantine.restore({ id }))
      chunks.push(Buffer.from(base64, 'base64'));
    expect([...Buffer.concat(chunks)]).toEqual([0, 255, 1, 13, 10]);
    expect(await client.quarantine.list()).toEqual([entry]);
    expect(await client.quarantine.show({ id })).toEqual(entry);
  });

  test('one that is not there fails the call, not the stream', async () => {
    const { client } = setUp();
    for (const missing of ['x', '../../etc/passwd', '__proto__']) {
      expect(await codeOf(client.quarantine.show({ id: missing }))).toBe('NOT_FOUND not-found');
      expect(await codeOf(client.quarantine.restore({ id: missing }))).toBe('NOT_FOUND not-found');
    }
    expect(await codeOf(client.quarantine.show({ id: 'x'.repeat(101) }))).toMatch(/^BAD_REQUEST/);
  });

  test('a damaged one fails its stream at the end', async () => {
    const { client } = setUp({ whole: false });
    const chunks = await client.quarantine.restore({ id });
    await chunks.next();
    await chunks.next();
    await expect(chunks.next()).rejects.toThrow();
  });
});

describe('trust', () => {
  test('without named stores everything is meant that needs no administrator, or everything at all', async () => {
    const { client, calls } = setUp();
    await client.trust.install({});
    await client.trust.install({ stores: ['system'] });
    await client.trust.remove({});
    await client.trust.forget({});
    await client.trust.forget({ ids: ['1'] });
    await client.trust.replace();
    expect(calls).toEqual([
      ['install', 'own'],
      ['install', ['system']],
      ['remove', 'all'],
      ['forget', undefined],
      ['forget', ['1']],
      'replace',
    ]);
    expect(await client.trust.status()).toEqual(quietState.trust);
    expect(await client.trust.certificate()).toEqual({ pem: 'PEM', facts });
  });

  test('the certificate of a server, or why there is none', async () => {
    const { client } = setUp();
    expect(await client.trust.ofServer({ host: 'mail.example.org', port: 993 })).toEqual(facts);
    expect(await codeOf(client.trust.ofServer({ host: 'mail.example.org', port: 1 }))).toBe(
      'UNREACHABLE upstream-unreachable',
    );
    expect(await codeOf(client.trust.ofServer({ host: 'mail.example.org', port: 2 }))).toBe(
      'NO_TLS upstream-tls-failed',
    );
    expect(await codeOf(client.trust.ofServer({ host: '', port: 70_000 }))).toMatch(/^BAD_REQUEST/);
  });

  test('the certificate in a file, as PEM or as DER in base64', async () => {
    const { client } = setUp();
    const { certPem, der } = makeTestCertificate({ keys: createTestKeys()('ec'), subject: 'filed' });
    const read = await client.trust.ofFile({ text: certPem });
    expect(read).toMatchObject({ subject: 'CN=filed' });
    expect(await client.trust.ofFile({ text: der.toString('base64') })).toEqual(read);
    for (const text of ['', 'x', '-----BEGIN CERTIFICATE-----', certPem.slice(0, 200)])
      expect(await codeOf(client.trust.ofFile({ text }))).toBe('NO_CERTIFICATE invalid-input');
  });
});

describe('the console', () => {
  test('its URL is given on the socket alone', async () => {
    const url = 'http://127.0.0.1:1234/?token=x';
    expect(await setUp({ url }).client.console.url()).toEqual({ url });
    for (const via of ['console', 'window'] as const) {
      expect(await codeOf(setUp({ url, via }).client.console.url())).toBe('FORBIDDEN invalid-input');
    }
  });

  test('without a console there is none', async () => {
    expect(await codeOf(setUp().client.console.url())).toBe('NOT_RUNNING not-running');
  });
});
