import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type FakeIcap, fakeIcap, type IcapScript, modified, noContent } from './icap.fixture.ts';
import { openIcap, parseIcapUrl } from './icap.ts';
import { bytesOf, type ManualTime, manualTime, nobodyAborts, until } from './remote.fixture.ts';
import type { RemoteEngine } from './remote-engine.ts';

const clean = { kind: 'clean' };
const blocked = { kind: 'found', name: 'Icap.Blocked', category: 'malware' };
const atEnd: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of atEnd.splice(0).reverse()) await end();
});

function open(url: string): { readonly engine: RemoteEngine; readonly time: ManualTime } {
  const service = parseIcapUrl(url);
  if (!service) throw new Error(`no URL: ${url}`);
  const time = manualTime();
  const engine = openIcap({ service, now: time.now, after: time.after, random: () => 1 });
  atEnd.push(() => engine.stop());
  return { engine, time };
}

async function started(
  script: IcapScript = {},
): Promise<ReturnType<typeof open> & { readonly server: FakeIcap }> {
  const server = await fakeIcap(script);
  atEnd.push(() => server.close());
  return { server, ...open(`icap://127.0.0.1:${server.port}/av`) };
}

const scan = (engine: RemoteEngine, bytes: string | Uint8Array = 'octets') =>
  engine.scan(bytesOf(bytes), nobodyAborts);

describe('a request', () => {
  it('names the service, what may be answered, and what follows', async () => {
    const { server, engine } = await started();
    expect(await scan(engine, 'octets')).toEqual(clean);
    const [request] = server.requests;
    const authority = `127.0.0.1:${server.port}`;
    expect(request?.head.split('\r\n')).toEqual([
      `RESPMOD icap://${authority}/av ICAP/1.0`,
      `Host: ${authority}`,
      'Allow: 204',
      expect.stringMatching(/^Encapsulated: req-hdr=0, res-hdr=\d+, res-body=\d+$/),
    ]);
    expect(request?.http).toMatch(/^GET .*\r\n\r\nHTTP\/1\.1 200 OK\r\n.*Content-Length: 6\r\n\r\n$/s);
    expect(request?.body.toString()).toBe('octets');
    expect([engine.isUp, engine.version]).toEqual([true, 't1']);
  });

  it('has every octet, with a preview where the server wants one, from memory and from files', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'icap-'));
    atEnd.push(() => rmSync(directory, { recursive: true }));
    const path = join(directory, 'spool');
    for (const preview of [undefined, 0, 1, 1024, 1_000_000]) {
      const { server, engine } = await started({
        options: preview === undefined ? [] : [`Preview: ${preview}`],
      });
      for (const size of [1, 1023, 1024, 1025, 65_536, 65_537, 3_000_000]) {
        const bytes = randomBytes(size);
        writeFileSync(path, bytes);
        expect(await scan(engine, bytes)).toEqual(clean);
        expect(await engine.scan({ kind: 'file', path, sizeBytes: size }, nobodyAborts)).toEqual(clean);
        const wanted = preview === undefined ? size : Math.min(preview, 65_536);
        for (const { body, previewBytes } of server.requests.slice(-2)) {
          expect(body.equals(bytes)).toBe(true);
          expect(previewBytes).toBe(wanted < size ? wanted : undefined);
        }
      }
      expect(server.connections).toBe(2);
    }
  });

  it('waits for its turn on as many connections as the server allows', async () => {
    const answers: (() => void)[] = [];
    const { server, engine } = await started({
      options: ['Max-Connections: 2'],
      answer: (_request, socket) => {
        answers.push(() => socket.write(noContent));
        return undefined;
      },
    });
    const scans = [1, 2, 3].map((each) => scan(engine, `${each}`));
    await until(() => answers.length === 2);
    expect(server.connections).toBe(1 + 2);
    answers[0]?.();
    await until(() => answers.length === 3);
    for (const answer of answers.slice(1)) answer();
    expect(await Promise.all(scans)).toEqual([clean, clean, clean]);
  });
});

describe('an answer', () => {
  const octets = Buffer.from('octets');
  it.each([
    ['204', noContent, clean],
    ['the octets that it was sent', modified([], '200 OK', octets), clean],
    ['other octets', modified([], '200 OK', Buffer.from('OCTETS')), blocked],
    ['fewer octets', modified([], '200 OK', octets.subarray(1)), blocked],
    ['more octets', modified([], '200 OK', Buffer.alloc(100_000)), blocked],
    ['no octets', modified([], '200 OK', undefined), blocked],
    ['a page instead', modified([], '403 Forbidden', Buffer.from('<html>')), blocked],
    [
      'an infection',
      modified(['X-Infection-Found: Type=0; Resolution=2; Threat=Win.A-1;'], '403 Forbidden', octets),
      { kind: 'found', name: 'Win.A-1', category: 'malware' },
    ],
    [
      'an infection without a name',
      modified(['X-Infection-Found: Type=0; Resolution=2;'], '200 OK', octets),
      blocked,
    ],
    [
      'an infection without a body',
      'ICAP/1.0 204 No\r\nX-Infection-Found: Type=0; Resolution=2; Threat=Eicar-Test;\r\n\r\n',
      { kind: 'found', name: 'Eicar-Test', category: 'test' },
    ],
    [
      'an infection and an error',
      'ICAP/1.0 403 Forbidden\r\nX-Infection-Found: Threat=A;\r\nEncapsulated: null-body=0\r\n\r\n',
      { kind: 'found', name: 'A', category: 'malware' },
    ],
    [
      'a virus',
      modified(['X-Virus-ID: Some Virus'], '200 OK', octets),
      { kind: 'found', name: 'Some Virus', category: 'malware' },
    ],
    [
      'violations',
      modified(
        ['X-Violations-Found: 2', '\ta.zip', '\tWin.B', '\t0', '\t2', '\tb', '\tc', '\t0', '\t2'],
        '200 OK',
        octets,
      ),
      { kind: 'found', name: 'Win.B', category: 'malware' },
    ],
    ['no violations', modified(['X-Violations-Found: 0'], '200 OK', octets), clean],
    [
      'what clamd behind it did not look into',
      modified(
        ['X-Infection-Found: Type=0; Resolution=2; Threat=Heuristics.Encrypted.Zip;'],
        '403 F',
        octets,
      ),
      { kind: 'incomplete', limits: ['encrypted'] },
    ],
    ['400', 'ICAP/1.0 400 Bad\r\n\r\n', { kind: 'failed', detail: 'icap 400' }],
    ['404', 'ICAP/1.0 404 Service not found\r\n\r\n', { kind: 'failed', detail: 'icap 404' }],
    ['500', 'ICAP/1.0 500 Error\r\nConnection: close\r\n\r\n', { kind: 'failed', detail: 'icap 500' }],
    ['200 without anything', 'ICAP/1.0 200 OK\r\n\r\n', { kind: 'failed', detail: 'answer' }],
  ])('%s', async (_, answer, expected) => {
    const { engine } = await started({ answer: () => answer });
    expect(await scan(engine, octets)).toEqual(expected);
    expect(await scan(engine, octets)).toEqual(expected);
  });

  it('to a preview alone says that the rest was not looked into', async () => {
    const { server, engine } = await started({ options: ['Preview: 4'], previewed: () => noContent });
    expect(await scan(engine, 'octets')).toEqual({ kind: 'skipped', detail: 'preview' });
    expect(await scan(engine, 'octs')).toEqual(clean);
    expect(server.requests.map(({ body }) => body.toString())).toEqual(['octe', 'octs']);
  });

  it('to a preview alone may be what was found', async () => {
    const { engine } = await started({
      options: ['Preview: 4'],
      previewed: () => modified(['X-Virus-ID: A'], '403 Forbidden', Buffer.from('no')),
    });
    expect(await scan(engine)).toMatchObject({ kind: 'found', name: 'A' });
  });

  it('may begin before everything was sent', async () => {
    const { server, engine } = await started({ answer: ({ body }) => modified([], '200 OK', body, 50_000) });
    const bytes = randomBytes(5_000_000);
    expect(await scan(engine, bytes)).toEqual(clean);
    expect(server.requests[0]?.body.equals(bytes)).toBe(true);
  });

  it('tells of a new version of the service', async () => {
    let tag = 0;
    const { engine } = await started({ answer: () => noContent.replace('t1', `t${++tag}`) });
    for (const version of ['t1', 't2', 't3']) {
      await scan(engine);
      expect(engine.version).toBe(version);
    }
  });

  it('may be the last on its connection', async () => {
    const { server, engine } = await started({
      answer: () => noContent.replace('ISTag', 'Connection: close\r\nISTag'),
    });
    for (let round = 0; round < 3; round++) expect(await scan(engine)).toEqual(clean);
    expect(server.connections).toBe(1 + 3);
  });
});

describe('a service', () => {
  it.each([
    ['that is not there', 'ICAP/1.0 404 Not found\r\n\r\n', { kind: 'failed', detail: 'icap 404' }],
    [
      'that scans no responses',
      'ICAP/1.0 200 OK\r\nMethods: REQMOD\r\nEncapsulated: null-body=0\r\n\r\n',
      { kind: 'failed', detail: 'no RESPMOD' },
    ],
  ])('%s', async (_, answer, expected) => {
    const { engine } = await started({ optionsAnswer: () => answer });
    expect(await scan(engine)).toEqual(expected);
    expect(engine.isUp).toBe(false);
  });

  it('that names no version has one', async () => {
    const { engine } = await started({
      optionsAnswer: () => 'ICAP/1.0 200 OK\r\n\r\n',
      answer: () => 'ICAP/1.0 204 No\r\n\r\n',
    });
    expect(await scan(engine)).toEqual(clean);
    expect(engine.version).toBe('ICAP');
  });

  it('where nobody listens is away', async () => {
    const server = await fakeIcap();
    await server.close();
    const { engine } = open(`icap://127.0.0.1:${server.port}/av`);
    expect(await scan(engine)).toEqual({ kind: 'down' });
  });

  it('loses nothing when it closes between two messages', async () => {
    const { server, engine } = await started();
    for (let round = 0; round < 5; round++) {
      expect(await scan(engine)).toEqual(clean);
      for (const socket of server.open) socket.destroy();
    }
  });

  it('is not asked about a file that is not what it was said to be', async () => {
    const { engine } = await started();
    for (const path of ['/nowhere', '/dev/null'])
      expect(await engine.scan({ kind: 'file', path, sizeBytes: 5 }, nobodyAborts)).toEqual({
        kind: 'failed',
        detail: 'source',
      });
  });

  it('hears no more of a message that nobody wants any more', async () => {
    const { server, engine } = await started({ answer: () => undefined });
    const abort = new AbortController();
    const answer = engine.scan(bytesOf('octets'), abort.signal);
    await until(() => server.requests.length === 1);
    abort.abort();
    await expect(answer).rejects.toThrow();
    await until(() => server.open.size === 0);
  });
});

describe('a URL', () => {
  it.each([
    ['icap://scan.example/av', { host: 'scan.example', port: 1344 }, 'scan.example', 'av'],
    [
      'icap://scan.example:11344/a/b?c=d',
      { host: 'scan.example', port: 11344 },
      'scan.example:11344',
      'a/b?c=d',
    ],
    ['ICAP://[2001:db8::1]:99/av', { host: '2001:db8::1', port: 99 }, '[2001:db8::1]:99', 'av'],
    ['icap://[::1]/av', { host: '::1', port: 1344 }, '[::1]', 'av'],
  ])('%s', (url, endpoint, authority, name) => {
    expect(parseIcapUrl(url)).toEqual({ endpoint, authority, name });
  });

  it.each([
    '',
    'off',
    'http://a/b',
    'icap://a',
    'icap://a/',
    'icap://u@a/b',
    'icap://a:b/c',
    'icap:///a',
    'icap://a/b c',
  ])('%j is none', (url) => {
    expect(parseIcapUrl(url)).toBeUndefined();
  });
});
