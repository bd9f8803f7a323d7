import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseClientHello } from './client-hello.ts';
import { clientHelloBytes } from './limits.ts';

/** The first octets that Node's own TLS client writes. */
async function helloOf(options: ConnectionOptions): Promise<Uint8Array> {
  return await new Promise((resolve) => {
    const wire = new Duplex({
      read: () => undefined,
      write(chunk, _encoding, done) {
        resolve(new Uint8Array(chunk));
        done();
      },
    });
    connect({ socket: wire, ...options }).on('error', () => undefined);
  });
}

/** The same handshake message in records of so many octets. */
function inRecords(hello: Uint8Array, size: number): Uint8Array {
  const records: number[] = [];
  for (let at = 5; at < hello.length; at += size) {
    const part = hello.subarray(at, at + size);
    records.push(0x16, 3, 1, part.length >> 8, part.length & 255, ...part);
  }
  return Uint8Array.from(records);
}

describe('a real ClientHello', () => {
  test('shows its name and its protocols', async () => {
    const hello = await helloOf({ servername: 'mail.example.test', ALPNProtocols: ['imap', 'pop3'] });
    expect(parseClientHello(hello)).toMatchObject({
      kind: 'client-hello',
      serverName: 'mail.example.test',
      alpn: ['imap', 'pop3'],
    });
  });

  test('without a name', async () => {
    const hello = parseClientHello(await helloOf({ servername: '' }));
    expect(hello).toMatchObject({ kind: 'client-hello', alpn: [] });
    expect(hello).not.toHaveProperty('serverName');
  });

  test('of TLS 1.2', async () => {
    const hello = await helloOf({ servername: 'a.test', maxVersion: 'TLSv1.2' });
    expect(parseClientHello(hello)).toMatchObject({ kind: 'client-hello', serverName: 'a.test' });
  });

  test('needs more at every cut, and is the same behind it', async () => {
    const hello = await helloOf({ servername: 'mail.example.test' });
    const whole = parseClientHello(hello);
    for (let cut = 0; cut < hello.length; cut++) {
      expect(parseClientHello(hello.subarray(0, cut)), String(cut)).toEqual({ kind: 'need-more' });
    }
    expect(parseClientHello(Buffer.concat([hello, Buffer.from('more')]))).toEqual(whole);
  });

  test.each([1, 7, 100])('in records of %i octets', async (size) => {
    const hello = await helloOf({ servername: 'mail.example.test' });
    expect(parseClientHello(inRecords(hello, size))).toEqual(parseClientHello(hello));
  });
});

/** A ClientHello of TLS 1.2 in one record, with the given extensions. */
function helloWith(extensions: readonly (readonly [type: number, data: readonly number[]])[]): Uint8Array {
  const pair = (value: number) => [value >> 8, value & 255];
  const list = extensions.flatMap(([type, data]) => [...pair(type), ...pair(data.length), ...data]);
  const body = [3, 3, ...Array(32).fill(7), 0, 0, 2, 0x13, 1, 1, 0, ...pair(list.length), ...list];
  return Uint8Array.from([0x16, 3, 1, ...pair(body.length + 4), 1, 0, ...pair(body.length), ...body]);
}

const nameExtension = (name: string) => {
  const octets = [...Buffer.from(name, 'latin1')];
  return helloWith([[0, [0, octets.length + 3, 0, 0, octets.length, ...octets]]]);
};

describe('the name', () => {
  test.each([
    'a',
    'mail.example.test',
    'my_host.lan',
    'XN--BCHER-KVA.example',
    '1and1.example',
    'trailing.test.',
  ])('%j is one', (name) => {
    expect(parseClientHello(nameExtension(name))).toMatchObject({ serverName: name });
  });

  test.each([
    '',
    '.',
    '192.0.2.1',
    '2001:db8::1',
    'a..b',
    '-a.test',
    'a-.test',
    'a b',
    'a\0.test',
    'b\xfccher.test',
    'x'.repeat(64),
    'a.'.repeat(127),
  ])('%j is none, and the hello is read all the same', (name) => {
    const hello = parseClientHello(nameExtension(name));
    expect(hello.kind).toBe('client-hello');
    expect(hello).not.toHaveProperty('serverName');
  });
});

describe('what is none', () => {
  test.each([
    'GET / HTTP/1.1\r\n',
    'a LOGIN x y\r\n',
    '\x16\x02\x00',
    '\x16\x03\x01\x00\x00',
    '\x16\x03\x01\x00\x04\x02\x00\x00\x00',
  ])('%j', (text) => {
    expect(parseClientHello(Buffer.from(text, 'latin1'))).toEqual({ kind: 'not-tls' });
  });

  test('one that announces more than any has, or never ends', () => {
    expect(parseClientHello(Uint8Array.of(0x16, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff))).toEqual({
      kind: 'not-tls',
    });
    const endless = inRecords(Uint8Array.from([0, 0, 0, 0, 0, 1, 0, 0x40, 0, ...Array(2_000).fill(0)]), 1);
    expect(endless.length).toBeLessThanOrEqual(clientHelloBytes);
    expect(parseClientHello(endless)).toEqual({ kind: 'need-more' });
    expect(parseClientHello(Buffer.concat([endless, endless]))).toEqual({ kind: 'not-tls' });
  });

  test('one whose extensions say that they are longer than they are', () => {
    expect(parseClientHello(helloWith([[0, [0, 9]]]))).toMatchObject({ kind: 'client-hello' });
    const hello = helloWith([[0, []]]);
    hello[hello.length - 1] = 9;
    expect(parseClientHello(hello)).toEqual({ kind: 'not-tls' });
  });

  test('any octets: a value, never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, looksLikeTls) => {
        const input = looksLikeTls ? Uint8Array.from([0x16, 3, 1, 0, bytes.length, 1, ...bytes]) : bytes;
        expect(['client-hello', 'need-more', 'not-tls']).toContain(parseClientHello(input).kind);
      }),
    );
  });
});
