import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ErrorCode } from '../contract/error-codes.ts';
import type { Engine, EngineAction, EngineEvent } from '../protocols/engine.ts';
import { Session, type SessionOptions } from './session.ts';
import {
  memoryQuarantine,
  memorySpools,
  memoryVerdicts,
  received,
  socketPair,
  wordScanner,
} from './testing.fixture.ts';

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

/** Passes everything on; lets a test script what else is done. */
function passingEngine(script: (event: EngineEvent) => EngineAction[] | undefined = () => undefined) {
  const events: EngineEvent[] = [];
  const engine: Engine = {
    handle(event) {
      events.push(event);
      const scripted = script(event);
      if (scripted) return scripted;
      if (event.kind === 'data')
        return [{ kind: 'send', to: event.from === 'client' ? 'server' : 'client', bytes: event.bytes }];
      if (event.kind === 'end') return [{ kind: 'end', to: event.from === 'client' ? 'server' : 'client' }];
      return [];
    },
  };
  return { engine, events };
}

const teardown: (() => void)[] = [];
afterEach(() => {
  for (const undo of teardown.splice(0)) undo();
});

async function startSession(
  engine: Engine,
  changes: Partial<SessionOptions> = {},
  quarantine = memoryQuarantine(),
) {
  const client = await socketPair();
  const server = await socketPair();
  const ended = Promise.withResolvers<ErrorCode | undefined>();
  const spools = memorySpools();
  const session = new Session({
    client: client.inner,
    server: server.inner,
    engine,
    forwarded: Buffer.alloc(0),
    keepAliveMs: 10_000,
    onNoSignIn: () => undefined,
    upgrade: async () => ({ kind: 'failed', reason: 'client-tls-failed' }),
    onTls: () => undefined,
    onRelay: () => undefined,
    onEnd: (reason) => ended.resolve(reason),
    delivery: {
      spools,
      quarantine,
      scanner: wordScanner(),
      summarise: async () => ({}),
      verdicts: memoryVerdicts(),
      treatment: { neutralise: true, needsEngines: false, tag: undefined },
      server: 'mail.example.test',
      onOutcome: () => undefined,
    },
    ...changes,
  });
  teardown.push(() => session.close(undefined));
  return {
    session,
    spools,
    client: client.outer,
    server: server.outer,
    atClient: received(client.outer),
    atServer: received(server.outer),
    ended: ended.promise,
    start: (greeting: string) => session.start(Buffer.from(greeting)),
  };
}

describe('octets', () => {
  test('pass both ways, the greeting first', async () => {
    const { client, server, atClient, atServer, start } = await startSession(passingEngine().engine);
    start('* OK hello\r\n');
    server.write('more\r\n');
    client.write('a NOOP\r\n');
    await vi.waitFor(() => {
      expect(atClient()).toBe('* OK hello\r\nmore\r\n');
      expect(atServer()).toBe('a NOOP\r\n');
    });
  });

  test('a half-close passes, and what the server still says arrives', async () => {
    const { client, server, atClient, ended, start } = await startSession(passingEngine().engine);
    start('');
    client.end('last\r\n');
    await once(server, 'end');
    server.end('answer\r\n');
    expect(await ended).toBeUndefined();
    expect(atClient()).toBe('answer\r\n');
  });

  test('a reset by the server reaches the client as one', async () => {
    const { client, server, ended, start } = await startSession(passingEngine().engine);
    start('hello');
    await once(client, 'data');
    const error = once(client, 'error');
    server.resetAndDestroy();
    expect(await ended).toBe('server-vanished');
    expect(await error).toMatchObject([{ code: 'ECONNRESET' }]);
  });

  test('what the server was told before the session is not told again', async () => {
    const { client, atServer, start } = await startSession(passingEngine().engine, {
      forwarded: Buffer.from('a LOG'),
    });
    start('* OK\r\n');
    client.write('IN x y\r\n');
    await vi.waitFor(() => expect(atServer()).toBe('IN x y\r\n'));
  });

  test('what the server was told before, and should not have been, ends the connection', async () => {
    const refusing = passingEngine((event) =>
      event.kind === 'data' && event.from === 'client'
        ? [{ kind: 'send', to: 'server', bytes: Buffer.from('other') }]
        : undefined,
    );
    const { ended, start } = await startSession(refusing.engine, {
      forwarded: Buffer.from('a COMPRESS DEFLATE\r\n'),
    });
    start('* OK\r\n');
    expect(await ended).toBe('protocol-violation');
  });
});

/** Every chunk of the server is one message, sent on in its delivered form when it is released. */
function holdingEngine() {
  const sizes = new Map<number, number>();
  let next = 1;
  return passingEngine((event) => {
    if (event.kind === 'release') {
      if (event.release === 'refuse') return [{ kind: 'send', to: 'client', bytes: Buffer.from('refused') }];
      return [
        {
          kind: 'send-message',
          message: event.message,
          from: 0,
          to: sizes.get(event.message) ?? 0,
          dotStuff: false,
        },
        { kind: 'message-drop', message: event.message },
        { kind: 'send', to: 'client', bytes: Buffer.from('!') },
      ];
    }
    if (event.kind !== 'data' || event.from !== 'server' || event.bytes.length === 0) return undefined;
    const message = next++;
    sizes.set(message, event.bytes.length);
    return [
      { kind: 'message-start', message, extent: 'whole' },
      { kind: 'message-data', message, bytes: event.bytes },
      { kind: 'message-end', message },
    ];
  });
}

describe('messages', () => {
  test('a clean one leaves as it came, and its spool goes', async () => {
    const { atClient, spools, start } = await startSession(holdingEngine().engine);
    start('clean');
    await vi.waitFor(() => expect(atClient()).toBe('clean!'));
    expect(spools.live()).toBe(0);
  });

  test('an infected one leaves harmless, in its turn, after it was kept', async () => {
    const quarantine = memoryQuarantine();
    const { atClient, start } = await startSession(holdingEngine().engine, {}, quarantine);
    start('a VIRUS');
    await vi.waitFor(() => expect(atClient()).toBe('a .....!'));
    expect(quarantine.kept).toEqual(['a VIRUS']);
  });

  test('one that could not be kept is refused', async () => {
    const { atClient, start } = await startSession(holdingEngine().engine, {}, memoryQuarantine(false));
    start('a VIRUS');
    await vi.waitFor(() => expect(atClient()).toBe('refused'));
  });

  test('a client that vanishes takes the spools with it', async () => {
    const scanner = { ...wordScanner(), scan: () => new Promise<never>(() => undefined) };
    const { client, spools, ended, start } = await startSession(holdingEngine().engine, {
      delivery: {
        spools: memorySpools(),
        quarantine: memoryQuarantine(),
        scanner,
        summarise: async () => ({}),
        verdicts: memoryVerdicts(),
        treatment: { neutralise: true, needsEngines: false, tag: undefined },
        server: 's',
        onOutcome: () => undefined,
      },
    });
    start('never decided');
    client.resetAndDestroy();
    expect(await ended).toBe('client-vanished');
    expect(spools.live()).toBe(0);
  });
});

describe('keep-alive', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    teardown.push(() => vi.useRealTimers());
  });

  test('is due each interval while a message is held, also while the server goes on sending', async () => {
    const { engine, events } = passingEngine((event) =>
      event.kind === 'data' && text(event.bytes) === 'hold'
        ? [{ kind: 'message-start', message: 1, extent: 'whole' }]
        : event.kind === 'data'
          ? []
          : undefined,
    );
    const { start } = await startSession(engine);
    const due = () => events.filter((event) => event.kind === 'keep-alive').length;
    start('hold');
    vi.advanceTimersByTime(9_999);
    expect(due()).toBe(0);
    vi.advanceTimersByTime(1);
    expect(due()).toBe(1);
    vi.advanceTimersByTime(10_000);
    expect(due()).toBe(2);
  });

  test('is not due when nothing is held', async () => {
    const { engine, events } = passingEngine();
    const { start } = await startSession(engine);
    start('hello');
    vi.advanceTimersByTime(60_000);
    expect(events.some((event) => event.kind === 'keep-alive')).toBe(false);
  });
});

describe('upgrade to TLS', () => {
  const starting = () =>
    passingEngine((event) =>
      event.kind === 'data' && event.from === 'client' && text(event.bytes).startsWith('STARTTLS')
        ? [{ kind: 'start-tls', reply: Buffer.from('OK go\r\n') }]
        : event.kind === 'tls-ready'
          ? [{ kind: 'send', to: 'client', bytes: Buffer.from('secure') }]
          : undefined,
    );

  test('the reply goes in the clear, then the sockets are replaced', async () => {
    const inside = await socketPair();
    const { client, atClient, start } = await startSession(starting().engine, {
      upgrade: async (_client, server) => ({ kind: 'open', client: inside.inner, server }),
    });
    const atInside = received(inside.outer);
    start('');
    client.write('STARTTLS\r\n');
    await vi.waitFor(() => expect(atInside()).toBe('secure'));
    expect(atClient()).toBe('OK go\r\n');
  });

  test('one that fails ends the connection with its reason', async () => {
    const { client, ended, start } = await startSession(starting().engine);
    start('');
    client.write('STARTTLS\r\n');
    expect(await ended).toBe('client-tls-failed');
  });

  test('one that is left to both sides ends the session and leaves the legs alone', async () => {
    const fresh = await socketPair();
    teardown.push(() => fresh.outer.destroy());
    const onEnd = vi.fn();
    const onRelay = vi.fn();
    const { client, session, spools, start } = await startSession(starting().engine, {
      upgrade: async () => ({ kind: 'relay', reason: 'tls-off', server: fresh.inner }),
      onRelay,
      onEnd,
    });
    start('');
    client.write('STARTTLS\r\n');
    await vi.waitFor(() => expect(onRelay).toHaveBeenCalledTimes(1));
    const [leg, upgrade] = onRelay.mock.calls[0] ?? [];
    expect(upgrade).toMatchObject({ reason: 'tls-off', server: fresh.inner });
    session.close(undefined);
    leg.pipe(fresh.inner).pipe(leg);
    const atFresh = received(fresh.outer);
    client.write('hello');
    await vi.waitFor(() => expect(atFresh()).toBe('hello'));
    expect([onEnd.mock.calls, spools.live()]).toEqual([[], 0]);
  });
});
