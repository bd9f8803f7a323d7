import { describe, expect, test, vi } from 'vitest';
import { relay, root, setUp, store } from './trust.fixture.ts';

describe('the root in stores', () => {
  test('is put into the stores of this user a moment after the start, and into no machine store', async () => {
    const { service, stores, pass, published } = setUp({
      stores: [store('p1'), store('system', { kind: 'system', fix: 'administrator' })],
    });
    service.start();
    expect(stores.held.size).toBe(0);
    await pass(1_000);
    expect([...stores.held.keys()]).toEqual(['p1']);
    expect(published.at(-1)?.stores.map(({ state }) => state)).toEqual(['trusted', 'not-trusted']);
    await service.stop();
  });

  test('is put nowhere while that is switched off, and at once when it is switched on', async () => {
    const { service, stores, pass, state } = setUp({ installs: false });
    service.start();
    await pass(1_000);
    expect(stores.held.size).toBe(0);
    state.installs = true;
    service.settingsChanged();
    await pass(0);
    expect(stores.held.get('p1')?.size).toBe(1);
    await service.stop();
  });

  test('is put into a new profile when it appears', async () => {
    const { service, stores, pass } = setUp();
    service.start();
    await pass(1_000);
    stores.all = [...stores.all, store('p2')];
    stores.changed();
    await pass(0);
    expect(stores.held.get('p2')?.size).toBe(1);
    await service.stop();
    expect(stores.isWatched).toBe(false);
  });

  test('does not come back where a person took it out, by us or by hand', async () => {
    const { service, stores, pass } = setUp({ stores: [store('p1'), store('p2')] });
    service.start();
    await pass(1_000);
    await service.remove(['p1']);
    stores.held.delete('p2');
    stores.changed();
    await pass(0);
    await pass(24 * 60 * 60 * 1_000);
    expect(stores.held.get('p1')?.size).toBe(0);
    expect(stores.held.has('p2')).toBe(false);
    await service.stop();
  });

  test('that was removed everywhere before it was ever put in stays out', async () => {
    const { service, stores, pass } = setUp();
    await service.remove('all');
    service.start();
    await pass(1_000);
    expect(stores.held.get('p1')?.size ?? 0).toBe(0);
    await service.stop();
  });
});

describe('a root that follows another', () => {
  test('signs a day after every store that knows the old one knows it, and the old one goes', async () => {
    const { service, stores, pass, state, roots } = setUp();
    service.start();
    await pass(1_000);
    state.successor = root('b');
    await pass(24 * 60 * 60 * 1_000);
    expect(roots().map(({ pem }) => pem)).toEqual(['PEM a', 'PEM b']);
    expect(stores.held.get('p1')?.size).toBe(2);
    await pass(24 * 60 * 60 * 1_000);
    expect(roots().map(({ pem }) => pem)).toEqual(['PEM b']);
    expect([...(stores.held.get('p1') ?? [])]).toEqual(['b'.repeat(64)]);
    await service.stop();
  });

  test('waits while a store that an administrator keeps has the old one alone', async () => {
    const system = store('system', { kind: 'system', fix: 'administrator' });
    const { service, stores, pass, state, roots } = setUp({ stores: [store('p1'), system] });
    stores.held.set('system', new Set(['a'.repeat(64)]));
    service.start();
    await pass(1_000);
    state.successor = root('b');
    for (let day = 0; day < 3; day++) await pass(24 * 60 * 60 * 1_000);
    expect(roots()).toHaveLength(2);
    await service.install(['system']);
    await pass(24 * 60 * 60 * 1_000);
    expect(roots().map(({ pem }) => pem)).toEqual(['PEM b']);
    await service.stop();
  });

  test('takes the place of the old one at once when it is replaced, where that one was', async () => {
    const { service, stores, pass } = setUp({ stores: [store('p1'), store('p2')] });
    await service.install(['p1']);
    const actions = await service.replace();
    expect(actions.map(({ action, store: { id } }) => [action, id])).toEqual([
      ['installed', 'p1'],
      ['removed', 'p1'],
    ]);
    expect([...(stores.held.get('p1') ?? [])]).toEqual(['c'.repeat(64)]);
    expect(stores.held.has('p2')).toBe(false);
    await pass(0);
    await service.stop();
  });
});

test('a fault of one day does not end the care of the next', async () => {
  const { service, stores, pass, state, roots } = setUp();
  const status = stores.status.bind(stores);
  service.start();
  stores.status = async () => {
    throw new Error('too many open files');
  };
  await expect(pass(1_000)).rejects.toThrow('too many open files');
  stores.status = status;
  state.successor = root('b');
  for (let day = 0; day < 2; day++) await pass(24 * 60 * 60 * 1_000);
  expect(roots().map(({ pem }) => pem)).toEqual(['PEM b']);
  await service.stop();
});

describe('a root that has had its time', () => {
  test('is taken out later where that did not succeed at once', async () => {
    const { service, stores, pass, retired } = setUp();
    await service.install(['p1']);
    const remove = stores.remove.bind(stores);
    stores.remove = async () => [];
    await service.replace();
    expect(retired.list().map(({ pem }) => pem)).toEqual(['PEM a']);
    expect([...(stores.held.get('p1') ?? [])]).toEqual(['a'.repeat(64), 'c'.repeat(64)]);
    stores.remove = remove;
    service.start();
    await pass(1_000);
    expect([...(stores.held.get('p1') ?? [])]).toEqual(['c'.repeat(64)]);
    expect(retired.list()).toEqual([]);
    await service.stop();
  });

  test('stays where it is while it is in use after all', async () => {
    const { service, stores, pass, state, retired } = setUp();
    await service.install(['p1']);
    state.crashes = true;
    await expect(service.replace()).rejects.toThrow('the power is gone');
    expect(retired.list()).toHaveLength(1);
    service.start();
    await pass(1_000);
    expect([...(stores.held.get('p1') ?? [])]).toEqual(['a'.repeat(64)]);
    await service.stop();
  });
});

test('a store that could not be changed is tried again', async () => {
  const { stores, service, pass } = setUp();
  stores.hangs = Promise.withResolvers();
  stores.hangs.resolve();
  service.start();
  await pass(1_000);
  expect(stores.held.size).toBe(0);
  stores.hangs = undefined;
  await pass(24 * 60 * 60 * 1_000);
  expect([...stores.held.keys()]).toEqual(['p1']);
});

describe('a tool that hangs', () => {
  test('holds up the end for a moment, and its store is offered the root again', async () => {
    const { service, stores, clock, offered } = setUp();
    stores.hangs = Promise.withResolvers();
    service.start();
    clock.advance(1_000);
    await vi.waitFor(() => expect(offered.list()).toEqual(['p1']));
    const stopped = service.stop();
    expect(stores.isStopped).toBe(false);
    clock.advance(1_500);
    await stopped;
    expect([stores.isStopped, offered.list(), clock.waiting]).toEqual([true, [], 0]);
  });

  test('even one that can’t be killed ends nothing but its own work', async () => {
    const { service, stores, clock } = setUp();
    stores.hangs = Promise.withResolvers();
    stores.stop = () => undefined;
    service.install('own').catch(() => undefined);
    const stopped = service.stop();
    clock.advance(1_500);
    await vi.waitFor(() => expect(clock.waiting).toBe(1));
    clock.advance(1_000);
    await stopped;
    expect(clock.waiting).toBe(0);
  });
});

describe('what is relayed from experience', () => {
  const relays = [relay('1', 'certificate-refused'), relay('2', 'client-certificate')];

  test('is opened again once the root is in a store, for programs that refused it', async () => {
    const { service, relays: left } = setUp({ relays });
    await service.install(['p1']);
    expect(left().map(({ id }) => id)).toEqual(['2']);
    await service.stop();
  });

  test('is opened again when somebody else has mended the store', async () => {
    const { service, stores, relays: left } = setUp({ relays });
    await service.look();
    stores.held.set('p1', new Set(['a'.repeat(64)]));
    await service.look();
    expect(left().map(({ id }) => id)).toEqual(['2']);
    await service.stop();
  });

  test('is shown, and forgotten on demand', async () => {
    const { service, published } = setUp({ relays });
    service.forget(['2']);
    expect(published.at(-1)?.relays.map(({ id }) => id)).toEqual(['1']);
    service.forget(undefined);
    expect(service.current().relays).toEqual([]);
    await service.stop();
  });
});

test('the last handshake of a program stands at the store that it asks', async () => {
  const { service, published } = setUp();
  await service.look();
  service.handshake({
    owner: undefined,
    program: '/usr/lib/thunderbird/thunderbird',
    server: 'mail.example.org',
    port: 993,
    accepted: true,
    trusted: true,
  });
  expect(published.at(-1)?.stores[0]?.lastHandshake).toEqual({
    at: '2025-11-24T12:00:00.000Z',
    accepted: true,
    server: 'mail.example.org',
  });
  await service.stop();
});
