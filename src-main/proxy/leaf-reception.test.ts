import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import {
  createLeafReception,
  createTakenLeaves,
  type LeafReceptionOptions,
  type TakenLeaves,
} from './leaf-reception.ts';

/** Enough of a socket for what is watched of one. */
function fakeSocket(): Socket {
  const stream = new PassThrough();
  stream.on('error', () => undefined);
  return stream as unknown as Socket;
}

const leafOf = (issuer: string) => ({
  certPem: `-----BEGIN CERTIFICATE-----\nleaf\n-----END CERTIFICATE-----\n${issuer}`,
  keyPem: '',
});

let nowMs: number;
let taken: TakenLeaves;
beforeEach(() => {
  nowMs = 0;
  taken = createTakenLeaves();
});

function receive(changes: Partial<LeafReceptionOptions> = {}) {
  const onKnown = vi.fn();
  const onLearnt = vi.fn();
  const onRefused = vi.fn();
  const reception = createLeafReception({
    leaf: leafOf('root'),
    trusted: true,
    program: '/usr/bin/mutt',
    uid: 1000,
    destination: { address: '203.0.113.10', port: 993 },
    serverName: 'mail.example.org',
    mayRelay: true,
    since: new Date(nowMs),
    startTls: false,
    taken,
    now: () => new Date(nowMs),
    onKnown,
    onLearnt,
    onRefused,
    ...changes,
  });
  const client = fakeSocket();
  const server = fakeSocket();
  return {
    reception,
    client,
    server,
    shaken: () => reception.shaken(client, server),
    learnt: () => onLearnt.mock.calls.map(([{ reason, detail }]) => [reason, detail]),
    known: () => onKnown.mock.calls.map(([accepted]) => accepted),
    refusals: () => onRefused.mock.calls.map(([detail]) => detail),
  };
}

const welcome = Buffer.from('* OK ready\r\n');
const closed = async (socket: Socket) => {
  socket.destroy();
  await new Promise((resolve) => socket.once('close', resolve));
};
const failedBy = (end: 'alert' | 'closed' | 'incompatible' | 'timeout' | 'other', alert?: string) =>
  ({ ok: false, reason: 'client-tls-failed', end, ...(alert === undefined ? {} : { alert }) }) as const;

describe('in the handshake', () => {
  test.each([
    ['unknown-ca', 'certificate-refused', [false]],
    ['bad-certificate', 'certificate-refused', [false]],
    ['decrypt-error', 'certificate-refused', [false]],
    ['access-denied', 'certificate-refused', [false]],
    ['handshake-failure', 'client-tls', []],
    ['protocol-version', 'client-tls', []],
  ])('the alert %s: %s', (alert, reason, known) => {
    const one = receive();
    one.reception.failed(failedBy('alert', alert));
    expect([one.learnt(), one.known(), one.refusals()]).toEqual([[[reason, alert]], known, [alert]]);
  });

  test('a client that leaves refuses, unless it was kept waiting', () => {
    const one = receive();
    one.reception.failed(failedBy('closed'));
    expect(one.learnt()).toEqual([['certificate-refused', 'closed']]);
    const since = new Date(nowMs);
    nowMs += 5_000;
    const late = receive({ since });
    late.reception.failed(failedBy('closed'));
    expect([late.learnt(), late.known()]).toEqual([[], []]);
  });

  test('a client with which nothing can be agreed', () => {
    const one = receive();
    one.reception.failed(failedBy('incompatible', 'no-shared-cipher'));
    expect([one.learnt(), one.known()]).toEqual([[['client-tls', 'no-shared-cipher']], []]);
  });

  test('one that only gets no further is none', () => {
    const one = receive();
    one.reception.failed(failedBy('timeout'));
    expect([one.learnt(), one.known()]).toEqual([[], []]);
  });

  test.each(['internal-error', 'user-cancelled'])(
    'the alert %s refuses, unless it may be for the wait',
    (alert) => {
      const one = receive();
      one.reception.failed(failedBy('alert', alert));
      expect(one.learnt()).toEqual([['certificate-refused', alert]]);
      const late = receive({ since: new Date(nowMs - 5_000) });
      late.reception.failed(failedBy('alert', alert));
      expect(late.learnt()).toEqual([]);
      const clear = receive({ since: new Date(nowMs - 5_000) });
      clear.reception.failed(failedBy('alert', 'unknown-ca'));
      expect(clear.learnt()).toEqual([['certificate-refused', 'unknown-ca']]);
    },
  );

  test('of a leaf that nobody is to trust', () => {
    const one = receive({ trusted: false });
    one.reception.failed(failedBy('alert', 'unknown-ca'));
    expect(one.learnt()).toEqual([['untrusted-certificate-refused', 'unknown-ca']]);
  });

  test('nothing is learnt where TLS is opened in any case, but it is told', () => {
    const one = receive({ mayRelay: false });
    one.reception.failed(failedBy('alert', 'unknown-ca'));
    expect([one.learnt(), one.known(), one.refusals()]).toEqual([[], [false], ['unknown-ca']]);
  });
});

describe('after the handshake', () => {
  test('the first octet says that the leaf is taken, once', () => {
    const one = receive();
    one.shaken();
    one.reception.flowing(welcome);
    expect(one.known()).toEqual([]);
    one.client.emit('data', Buffer.from('a LOGIN'));
    one.client.emit('data', Buffer.from('b NOOP'));
    expect(one.known()).toEqual([true]);
  });

  test.each(['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'ERR_SSL_SSL/TLS_ALERT_UNKNOWN_CA'])(
    'an alert: %s',
    async (code) => {
      const one = receive();
      one.shaken();
      one.client.destroy(Object.assign(new Error(), { code }));
      await vi.waitFor(() => expect(one.learnt()).toEqual([['certificate-refused', 'unknown-ca']]));
      expect(one.known()).toEqual([false]);
    },
  );

  test.each([
    ['a reset', (client: Socket) => client.destroy(Object.assign(new Error(), { code: 'ECONNRESET' }))],
    ['a close', (client: Socket) => client.destroy()],
    ['an end', (client: Socket) => client.emit('end')],
  ])('%s without a word, however late, after a welcome', async (_, leave) => {
    const one = receive();
    one.shaken();
    one.reception.flowing(welcome);
    nowMs += 20 * 60_000;
    leave(one.client);
    await vi.waitFor(() => expect(one.learnt()).toEqual([['certificate-refused', 'closed']]));
  });

  test('after STARTTLS the server has nothing more to say', async () => {
    const one = receive({ startTls: true });
    one.shaken();
    await closed(one.client);
    expect(one.learnt()).toEqual([['certificate-refused', 'closed']]);
  });

  test('a client that leaves at once is heard when the server greets', async () => {
    const one = receive();
    one.shaken();
    await closed(one.client);
    expect([one.reception.isLeaving(), one.learnt()]).toEqual([true, []]);
    one.reception.flowing(welcome);
    expect(one.learnt()).toEqual([['certificate-refused', 'closed']]);
  });
});

describe('what is no refusal', () => {
  test.each<[string, (one: ReturnType<typeof receive>) => unknown]>([
    ['the server has ended first', ({ server }) => server.destroy()],
    ['it has sent away its client', ({ reception }) => reception.flowing(Buffer.from('* BYE full\r\n'))],
    ['it speaks no mail', ({ reception }) => reception.flowing(Buffer.from('-ERR busy\r\n'))],
    [
      'it never greets',
      ({ reception, client }) => closed(client).then(() => reception.flowing(Buffer.alloc(0))),
    ],
    [
      'it was silent for too long',
      ({ reception, client }) => {
        nowMs += 5_000;
        return closed(client).then(() => reception.flowing(welcome));
      },
    ],
    [
      'the client was kept waiting before the handshake',
      ({ reception, client }) => {
        nowMs += 4_999;
        reception.shaken(client, fakeSocket());
        nowMs += 1;
        return closed(client).then(() => reception.flowing(welcome));
      },
    ],
    ['we ended it', ({ reception }) => reception.drop()],
  ])('%s', async (_, happens) => {
    const one = receive();
    one.shaken();
    await happens(one);
    if (!one.client.closed) await closed(one.client);
    expect([one.learnt(), one.known()]).toEqual([[], []]);
  });

  test('a program that has taken such a leaf before leaves for another reason, but an alert is one', async () => {
    const first = receive();
    first.shaken();
    first.reception.flowing(welcome);
    first.client.emit('data', Buffer.from('x'));
    const second = receive();
    second.shaken();
    second.reception.flowing(welcome);
    await closed(second.client);
    expect([second.learnt(), second.known()]).toEqual([[], []]);
    const third = receive();
    third.reception.failed(failedBy('alert', 'unknown-ca'));
    expect(third.learnt()).toEqual([['certificate-refused', 'unknown-ca']]);
  });

  test.each<[string, Partial<LeafReceptionOptions>]>([
    ['another program', { program: '/usr/bin/curl' }],
    ['another server', { serverName: 'other.example.org' }],
    ['another port', { destination: { address: '203.0.113.10', port: 995 } }],
    ['another root', { leaf: leafOf('next root') }],
  ])('that of %s says nothing', async (_, changes) => {
    const first = receive();
    first.shaken();
    first.reception.flowing(welcome);
    first.client.emit('data', Buffer.from('x'));
    const second = receive(changes);
    second.shaken();
    second.reception.flowing(welcome);
    await closed(second.client);
    expect(second.learnt()).toEqual([['certificate-refused', 'closed']]);
  });
});
