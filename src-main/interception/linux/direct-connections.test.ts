// Lines of /proc/net/tcp and tcp6 (proc_net_tcp(5)) as kernels write them, and as none should.
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { listConnections, readConnections } from './direct-connections.ts';

const head =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const rest = '00000000:00000000 02:000A1D4C 00000000';
const tcp = (local: string, remote: string, state = '01', uid = '1000', sl = '   0') =>
  `${sl}: ${local} ${remote} ${state} ${rest} ${uid}        0 4143216 2 0000000000000000 20 4 30 10 -1\n`;

const imap = tcp('0F02000A:D2F0', '0A7100CB:03E1');
const imapConnection = {
  local: { address: '10.0.2.15', port: 54_000 },
  remote: { address: '203.0.113.10', port: 993 },
  uid: 1_000,
};

describe('a list of connections', () => {
  test('of IPv4', () => {
    expect(readConnections(head + imap)).toEqual([imapConnection]);
  });

  test('of IPv6, and IPv4 in its clothes', () => {
    const v6 = tcp(
      'B80D0120000000000000000001000000:D2F0',
      'B80D0120000000000000000010000000:008F',
      '01',
      '0',
      '12345',
    );
    const mapped = tcp('0000000000000000FFFF00000F02000A:D2F0', '0000000000000000FFFF00000A7100CB:03E1');
    expect(readConnections(head + v6 + mapped)).toEqual([
      {
        local: { address: '2001:db8::1', port: 54_000 },
        remote: { address: '2001:db8::10', port: 143 },
        uid: 0,
      },
      imapConnection,
    ]);
  });

  test('has no listener, and none that begins or ends', () => {
    const states = ['02', '03', '04', '05', '06', '07', '08', '09', '0A', '0B', '0C'];
    const others = states.map((state) => tcp('0F02000A:D2F0', '0A7100CB:03E1', state)).join('');
    expect(readConnections(head + others)).toEqual([]);
  });

  test.each([
    ['empty', ''],
    ['cut off', '   0: 0F02000A:D2F0 0A7100CB:03E1 01'],
    ['without its user', tcp('0F02000A:D2F0', '0A7100CB:03E1', '01', 'x')],
    ['with a negative user', tcp('0F02000A:D2F0', '0A7100CB:03E1', '01', '-1')],
    ['with half an address', tcp('0F0200:D2F0', '0A7100CB:03E1')],
    ['with an address of no length', tcp('0F02000A:D2F0', '0F02000A0F02000A:03E1')],
    ['with a port that is none', tcp('0F02000A:D2F0', '0A7100CB:103E1')],
    ['in small letters', tcp('0f02000a:d2f0', '0a7100cb:03e1')],
  ])('leaves out a line that is %s, and reads on', (_, line) => {
    expect(readConnections(`${head}${line.trimEnd()}\n${imap}`)).toEqual([imapConnection]);
  });

  test('has the connections of all lines that were written so, whatever else it says', () => {
    const port = fc.integer({ min: 0, max: 65_535 });
    const end = fc.record({ octets: fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)), port });
    const upper = (value: number, digits: number) => value.toString(16).toUpperCase().padStart(digits, '0');
    const written = ({ octets, port: number }: { octets: readonly number[]; port: number }) =>
      `${octets
        .toReversed()
        .map((octet) => upper(octet, 2))
        .join('')}:${upper(number, 4)}`;
    const line = fc.tuple(end, end, fc.nat(2 ** 32 - 1)).map(([local, remote, uid]) => ({
      text: tcp(written(local), written(remote), '01', `${uid}`),
      listed: [local, remote].map((each) => ({ address: each.octets.join('.'), port: each.port })),
    }));
    const noise = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes(':'));
    fc.assert(
      fc.property(fc.array(fc.tuple(line, noise), { maxLength: 8 }), (lines) => {
        const text =
          head + lines.map(([{ text: own }, other]) => `${own}${other.replaceAll('\n', '')}\n`).join('');
        expect(readConnections(text).map(({ local, remote }) => [local, remote])).toEqual(
          lines.map(([{ listed }]) => listed),
        );
      }),
    );
  });

  test('may be anything at all', () => {
    const pieces = fc.constantFrom(' ', '\n', ':', '0A7100CB', '01', '03E1', 'FFFF', '\u0000', 'x', imap);
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 60 }), (parts) => {
        for (const { local, remote, uid } of readConnections(head + parts.join(''))) {
          expect(local.port).toBeLessThanOrEqual(65_535);
          expect(remote.address).toMatch(/^[0-9a-f.:]+$/);
          expect(Number.isSafeInteger(uid)).toBe(true);
        }
      }),
    );
  });

  test('is looked at up to its hundred thousandth line', () => {
    const lines = [head, 'x\n'.repeat(99_998), imap, imap];
    expect(readConnections(lines.join(''))).toEqual([imapConnection]);
  });
});

test('both lists are read; a family that the machine has not is empty', async () => {
  const procRoot = mkdtempSync(join(tmpdir(), 'proc-'));
  mkdirSync(join(procRoot, 'net'));
  expect(await listConnections(procRoot)).toEqual([]);
  writeFileSync(join(procRoot, 'net/tcp'), head + imap);
  expect(await listConnections(procRoot)).toEqual([imapConnection]);
  writeFileSync(join(procRoot, 'net/tcp6'), head + imap);
  expect(await listConnections(procRoot)).toEqual([imapConnection, imapConnection]);
  rmSync(procRoot, { recursive: true });
});

test("the kernel's own list has a connection of this process, from both sides", async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const remote = server.address() as AddressInfo;
  const accepted = once(server, 'connection');
  const client = connect(remote.port, '127.0.0.1');
  await once(client, 'connect');
  await accepted;
  const ends = [
    { address: '127.0.0.1', port: client.localPort },
    { address: '127.0.0.1', port: remote.port },
  ];
  const listed = (await listConnections()).filter(({ local }) =>
    ends.some(({ port }) => port === local.port),
  );
  for (const [local, other] of [ends, ends.toReversed()])
    expect(listed).toContainEqual({ local, remote: other, uid: process.getuid?.() });
  client.destroy();
  server.close();
});
