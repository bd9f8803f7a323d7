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

const pair = (value: number) => [value >> 8, value & 255];

/** A ClientHello in one record with the given extensions; of TLS 1.2 with one suite unless told otherwise. */
function helloWith(
  extensions: readonly (readonly [type: number, data: readonly number[]])[],
  { version = 0x0303, suites = [0x1301] }: { version?: number; suites?: readonly number[] } = {},
): Uint8Array {
  const list = extensions.flatMap(([type, data]) => [...pair(type), ...pair(data.length), ...data]);
  const offered = suites.flatMap(pair);
  const random = Array<number>(32).fill(7);
  const body = [
    ...pair(version),
    ...random,
    0,
    ...pair(offered.length),
    ...offered,
    1,
    0,
    ...pair(list.length),
    ...list,
  ];
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

describe('what the client is ready to speak', () => {
  const versionsExtension = (...versions: number[]) =>
    [43, [versions.length * 2, ...versions.flatMap(pair)]] as const;

  test('of a real client, in its own order', async () => {
    const ciphers = 'TLS_CHACHA20_POLY1305_SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256';
    const options = {
      ciphers,
      sigalgs: 'ecdsa_secp256r1_sha256:RSA-PSS+SHA256',
      minVersion: 'TLSv1.2',
    } as const;
    const hello = parseClientHello(await helloOf(options));
    expect(hello).toMatchObject({ versions: [0x0304, 0x0303], signatureAlgorithms: [0x0403, 0x0804] });
    // The last one is no suite: it says that renegotiation is secure (RFC 5746 §3.3).
    const suites = hello.kind === 'client-hello' ? hello.cipherSuites.filter((id) => id !== 0x00ff) : [];
    expect(suites).toEqual([0x1303, 0xc030, 0xc02b]);
  });

  test('of TLS 1.3 alone', async () => {
    expect(parseClientHello(await helloOf({ minVersion: 'TLSv1.3' }))).toMatchObject({ versions: [0x0304] });
  });

  test.each([
    [0x0300, [0x0300]],
    [0x0301, [0x0301, 0x0300]],
    [0x0303, [0x0303, 0x0302, 0x0301, 0x0300]],
    // TLS 1.3 is spoken of by the extension alone.
    [0x0304, [0x0303, 0x0302, 0x0301, 0x0300]],
    [0xffff, [0x0303, 0x0302, 0x0301, 0x0300]],
    [0x0002, []],
  ])('without the extension: version %i and those below it', (version, versions) => {
    expect(parseClientHello(helloWith([], { version }))).toMatchObject({ versions });
  });

  test('the extension wins over the version, is sorted, and loses its GREASE', () => {
    const hello = helloWith([versionsExtension(0x0303, 0x7a7a, 0x0304)], { version: 0x0301 });
    expect(parseClientHello(hello)).toMatchObject({ versions: [0x0304, 0x0303] });
  });

  test.each([
    ['empty', [43, []]],
    ['shorter than it says', [43, [9, 3]]],
    ['of half a version', [43, [1, 3]]],
  ] as const)('no version when the extension is %s', (_, extension) => {
    expect(parseClientHello(helloWith([extension]))).toMatchObject({ versions: [] });
  });

  test('suites and signatures without GREASE, in order', () => {
    const algorithms = [0x0a0a, 0x0804, 0x0403, 0xfafa, 0x0a1a];
    const extension = [13, [0, algorithms.length * 2, ...algorithms.flatMap(pair)]] as const;
    const hello = helloWith([extension], { suites: [0x5a5a, 0xc02f, 0x1301, 0x0a0b] });
    expect(parseClientHello(hello)).toMatchObject({
      cipherSuites: [0xc02f, 0x1301, 0x0a0b],
      signatureAlgorithms: [0x0804, 0x0403, 0x0a1a],
    });
  });

  test('no signatures without the extension', () => {
    expect(parseClientHello(helloWith([]))).toMatchObject({ signatureAlgorithms: [] });
  });

  test('any lists come back as they were, whatever the records', () => {
    const numbers = fc.array(
      fc.integer({ min: 0, max: 0xffff }).filter((value) => (value & 0x0f0f) !== 0x0a0a),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(numbers, numbers, fc.integer({ min: 1, max: 300 }), (suites, algorithms, size) => {
        const extension = [13, [...pair(algorithms.length * 2), ...algorithms.flatMap(pair)]] as const;
        const hello = inRecords(helloWith([extension], { suites }), size);
        expect(parseClientHello(hello)).toMatchObject({
          cipherSuites: suites,
          signatureAlgorithms: algorithms,
        });
      }),
    );
  });

  test('any octets in the lists: a value, never an exception', () => {
    const octets = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 40 });
    fc.assert(
      fc.property(octets, octets, (versions, algorithms) => {
        const hello = parseClientHello(
          helloWith([
            [43, versions],
            [13, algorithms],
          ]),
        );
        expect(hello.kind).toBe('client-hello');
      }),
    );
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
