import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { diagRequest, openSocketOwners, readDiagAnswer, type SocketOwners } from './socket-owner.ts';

const v4 = { address: '10.1.2.3', port: 0x1234 };
const v6 = { address: 'fd99::10', port: 143 };

describe('the request', () => {
  test('names exactly one socket, IPv4 and IPv6', () => {
    const ipv4 = Buffer.from(diagRequest(v4, { address: '203.0.113.10', port: 143 }, 7) ?? []);
    expect(ipv4.length).toBe(72);
    expect(ipv4.readUInt32LE(8)).toBe(7);
    expect([...ipv4.subarray(16, 18)]).toEqual([2, 6]);
    expect(ipv4.toString('hex', 24, 48)).toBe('1234008f0a01020300000000000000000000000' + '0cb00710a');
    const ipv6 = Buffer.from(diagRequest({ address: 'fd77::1', port: 1 }, v6, 7) ?? []);
    expect(ipv6.toString('hex', 28, 60)).toBe(`fd77${'0'.repeat(27)}1fd99${'0'.repeat(26)}10`);
  });

  test('is none for what is no pair of addresses', () => {
    expect(diagRequest(v4, v6, 1)).toBeUndefined();
    expect(diagRequest({ address: 'imap.example.org', port: 1 }, v4, 1)).toBeUndefined();
    expect(diagRequest({ address: '', port: 1 }, v4, 1)).toBeUndefined();
  });
});

describe('the answer', () => {
  function answer(sequence: number, type: number): Uint8Array {
    const bytes = Buffer.alloc(88);
    bytes.writeUInt16LE(type, 4);
    bytes.writeUInt32LE(sequence, 8);
    bytes.writeUInt32LE(1001, 80);
    bytes.writeUInt32LE(4711, 84);
    return bytes;
  }

  test('holds uid and inode', () => {
    expect(readDiagAnswer(answer(3, 20), 3)).toEqual({ kind: 'found', uid: 1001, inode: 4711 });
  });

  test('is none for an error, and for one that is cut short', () => {
    expect(readDiagAnswer(answer(3, 2), 3)).toEqual({ kind: 'none' });
    expect(readDiagAnswer(answer(3, 20).subarray(0, 87), 3)).toEqual({ kind: 'none' });
  });

  test('to another request, or less than a header, is not ours', () => {
    expect(readDiagAnswer(answer(2, 20), 3)).toEqual({ kind: 'other' });
    for (let length = 0; length < 16; length++) {
      expect(readDiagAnswer(answer(3, 20).subarray(0, length), 3)).toEqual({ kind: 'other' });
    }
  });
});

describe('the owner of a real connection', () => {
  const server = createServer();
  let owners: SocketOwners;
  let client: Socket;

  beforeAll(async () => {
    owners = await openSocketOwners({
      identify: (pid) => ({ path: `/of/${pid}`, sandboxId: 'snap:x', script: '/s' }),
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    client = connect({ host: '127.0.0.1', port: typeof address === 'object' && address ? address.port : 0 });
    await once(client, 'connect');
  });

  afterAll(() => {
    owners.close();
    owners.close();
    client.destroy();
    server.close();
  });

  const ends = () =>
    [
      { address: client.localAddress ?? '', port: client.localPort ?? 0 },
      { address: client.remoteAddress ?? '', port: client.remotePort ?? 0 },
    ] as const;

  test('is this process', async () => {
    expect(await owners.find(...ends())).toEqual({
      uid: process.getuid?.(),
      pid: process.pid,
      path: `/of/${process.pid}`,
      sandboxId: 'snap:x',
      script: '/s',
    });
  });

  test('is undefined for a connection that is not there, and that does not disturb the next', async () => {
    const [local, remote] = ends();
    expect(await owners.find({ ...local, address: '127.0.0.9' }, remote)).toBeUndefined();
    expect(await owners.find(local, remote)).toMatchObject({ pid: process.pid });
  });

  test('is known without its process when that is nowhere to be seen', async () => {
    const blind = await openSocketOwners({ identify: () => undefined, procRoot: '/nowhere' });
    expect(await blind.find(...ends())).toEqual({ uid: process.getuid?.() });
    blind.close();
    expect(await blind.find(...ends())).toBeUndefined();
  });

  describe('to a user who may not see it', () => {
    const identify = () => {
      throw new Error('not ours to look at');
    };
    const uid = (process.getuid?.() ?? 0) + 1;

    test('is whom the helper names', async () => {
      const asked: unknown[] = [];
      const other = await openSocketOwners({
        identify,
        uid,
        askHelper: async (inode, ofUser) => {
          asked.push(ofUser, inode > 0);
          return { pid: 5, path: '/usr/bin/python3', script: '/opt/mail.py' };
        },
      });
      expect(await other.find(...ends())).toEqual({
        uid: process.getuid?.(),
        pid: 5,
        path: '/usr/bin/python3',
        script: '/opt/mail.py',
      });
      expect(asked).toEqual([process.getuid?.(), true]);
      other.close();
    });

    test.each([
      ['there is no helper', undefined],
      ['the helper does not know', async () => undefined],
      ['the helper fails', () => Promise.reject(new Error('lost'))],
      [
        'the helper throws',
        () => {
          throw new Error('lost');
        },
      ],
    ])('is a user without a process when %s', async (_, askHelper) => {
      const other = await openSocketOwners({ identify, uid, askHelper });
      expect(await other.find(...ends())).toEqual({ uid: process.getuid?.() });
      other.close();
    });

    test('is a user without a process when the helper takes longer than 100 ms', async () => {
      vi.useFakeTimers();
      try {
        const other = await openSocketOwners({
          identify,
          uid,
          askHelper: () => Promise.withResolvers<undefined>().promise,
        });
        let owner: unknown;
        const finding = other.find(...ends()).then((found) => {
          owner = found;
        });
        await vi.advanceTimersByTimeAsync(99);
        expect(owner).toBeUndefined();
        await vi.advanceTimersByTimeAsync(1);
        await finding;
        expect(owner).toEqual({ uid: process.getuid?.() });
        other.close();
      } finally {
        vi.useRealTimers();
      }
    });
  });

  test('asks root no helper', async () => {
    const asked: number[] = [];
    const root = await openSocketOwners({
      identify: () => undefined,
      uid: 0,
      askHelper: async (inode) => {
        asked.push(inode);
        return undefined;
      },
    });
    expect(await root.find(...ends())).toMatchObject({ pid: process.pid });
    expect(asked).toEqual([]);
    root.close();
  });
});
