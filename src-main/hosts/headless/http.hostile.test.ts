// What the console must refuse, over real sockets.
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { CallContext } from '../../core/handlers.ts';
import { createConsoleAuth, tokenLifetimeMs } from './auth.ts';
import { type Console, maxAnonymousRequestsPerMinute, startConsole } from './http.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

let rendererDir: string;
let directory: string;
let time = 0;
let running: Console;
let logged: string[];
let served: CallContext[];

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'postern-http-'));
  rendererDir = join(directory, 'renderer');
  mkdirSync(rendererDir);
  writeFileSync(join(rendererDir, 'index.html'), '<!doctype html><title>screen</title>');
  writeFileSync(join(rendererDir, 'app.js'), '1;');
  writeFileSync(join(directory, 'secret.txt'), 'secret');
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function start(): Promise<Console> {
  const result = await startConsole({
    host: '127.0.0.1',
    port: 0,
    rendererDir,
    auth: createConsoleAuth({ now: () => time, randomBytes }),
    randomBytes,
    now: () => time,
    serveCalls: (socket, context) => {
      served.push(context);
      socket.on('message', (data) => socket.send(data));
    },
    log: (line) => logged.push(line),
  });
  if (!result.ok) throw new Error(result.code);
  return result.console;
}

beforeEach(async () => {
  logged = [];
  served = [];
  running = await start();
  return async () => {
    await running.stop();
    await running.stop();
  };
});

const origin = () => `http://127.0.0.1:${running.port}`;
/** The path below which everything lies, without its last slash. */
const base = () => new URL(running.url()).pathname.slice(0, -1);
const tokenPath = () => `/${new URL(running.url()).search}`;

/** Asks for a path below the console's own. */
function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return getPlain(base() + path, headers, method);
}

function getPlain(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((done, fail) => {
    const outgoing = request({ host: '127.0.0.1', port: running.port, path, headers, method }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => done({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    outgoing.on('error', fail).end();
  });
}

async function signIn(): Promise<string> {
  const { headers } = await get(tokenPath());
  return String(headers['set-cookie']).replace(/;.*/s, '');
}

/** Opens the WebSocket; the status of a refusal, or 101. */
function upgrade(headers: Record<string, string>, path = '/rpc'): Promise<number> {
  return new Promise((done, fail) => {
    const socket = new WebSocket(`ws://127.0.0.1:${running.port}${base()}${path}`, { headers });
    socket.once('open', () => {
      socket.close();
      done(101);
    });
    socket.once('unexpected-response', (outgoing, response) => {
      outgoing.destroy();
      done(response.statusCode ?? 0);
    });
    socket.once('error', fail);
  });
}

describe('without a session', () => {
  test('nothing lies outside the path that nobody can guess, and the cookie goes nowhere else', async () => {
    const { headers } = await get(tokenPath());
    const cookie = String(headers['set-cookie']);
    expect(cookie).toContain(`Path=${base()}/;`);
    expect(base().length).toBeGreaterThan(20);
    for (const path of ['/', '/index.html', '/app.js', tokenPath(), base(), '//', `/${base()}/`]) {
      expect((await getPlain(path, { cookie: cookie.replace(/;.*/s, '') })).status, path).toBe(401);
    }
  });

  test.each(['/', '/index.html', '/app.js', '/rpc', '/nothing', '/?token=', '/?token=wrong', '/?x=1'])(
    '%s is refused, and the page says what to do',
    async (path) => {
      const answer = await get(path);
      expect(answer.status).toBe(401);
      expect(answer.headers['content-type']).toMatch(/^text\/plain/);
      expect(answer.body).toContain('postern console');
      expect(answer.headers['set-cookie']).toBeUndefined();
    },
  );

  test('a WebSocket is refused', async () => {
    expect(await upgrade({ origin: origin() })).toBe(401);
    expect(await upgrade({ origin: origin(), cookie: `postern-${running.port}=x` })).toBe(401);
    expect(served).toEqual([]);
  });

  test('a token opens a session by GET of the page alone, so that a look at the address does not use it up', async () => {
    const path = tokenPath();
    expect((await get(path, {}, 'HEAD')).status).toBe(401);
    expect((await get(`/app.js${path.slice(1)}`)).status).toBe(401);
    expect(await upgrade({ origin: origin() }, `/rpc${path.slice(1)}`)).toBe(401);
    expect((await get(path)).status).toBe(303);
  });

  test('too many requests are refused, and a session goes on', async () => {
    const cookie = await signIn();
    const statuses = await Promise.all(
      Array.from({ length: maxAnonymousRequestsPerMinute + 1 }, async () => (await get('/')).status),
    );
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(0);
    expect((await get('/', { cookie })).status).toBe(200);
  });
});

describe('a token', () => {
  test('gives a strict cookie that scripts can not read, and leaves the address', async () => {
    const { status, headers } = await get(tokenPath());
    expect(status).toBe(303);
    expect(headers['location']).toBe(`${base()}/`);
    const [cookie = ''] = headers['set-cookie'] ?? [];
    expect(cookie.split('; ').slice(1).sort()).toEqual([
      'HttpOnly',
      'Max-Age=86400',
      `Path=${base()}/`,
      'SameSite=Strict',
    ]);
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['referrer-policy']).toBe('no-referrer');
  });

  test('works once, and not after its time', async () => {
    const used = tokenPath();
    await get(used);
    expect((await get(used)).status).toBe(401);
    const late = tokenPath();
    time += tokenLifetimeMs;
    expect((await get(late)).status).toBe(401);
  });

  test('of one console is none of another', async () => {
    const path = tokenPath();
    await running.stop();
    running = await start();
    expect((await get(path)).status).toBe(401);
  });

  test('stands in no log', async () => {
    const cookie = await signIn();
    const token = tokenPath();
    await get(`${token}%`, { cookie });
    await get(`/%E0%A4%A${token}`, { cookie });
    await get(token, { host: 'evil.example' });
    expect(logged.join('\n')).not.toContain(token.slice('/?token='.length));
  });
});

describe('another host or origin', () => {
  test.each(['evil.example', 'evil.example:80', '127.0.0.1', 'localhost', '127.0.0.1:1'])(
    'Host %j is refused, with a session too',
    async (host) => {
      const cookie = await signIn();
      const answer = await get('/', { host, cookie });
      expect(answer.status).toBe(403);
      expect(await upgrade({ host, cookie, origin: `http://${host}` })).toBe(403);
      expect(served).toEqual([]);
    },
  );

  test('a token does not work under another host, and is not used up there', async () => {
    const path = tokenPath();
    expect((await get(path, { host: 'evil.example' })).status).toBe(403);
    expect((await get(path)).status).toBe(303);
  });

  test.each([
    'http://evil.example',
    'null',
    'https://127.0.0.1',
    'http://127.0.0.1:1',
    'http://localhost:1',
    '',
  ])('Origin %j is refused', async (from) => {
    const cookie = await signIn();
    expect((await get('/', { cookie, origin: from })).status).toBe(403);
    expect(await upgrade({ cookie, origin: from })).toBe(403);
    expect(served).toEqual([]);
  });

  test('a WebSocket without an origin is refused', async () => {
    expect(await upgrade({ cookie: await signIn() })).toBe(403);
  });

  test('localhost is us, and an origin of its own', async () => {
    const cookie = await signIn();
    const host = `localhost:${running.port}`;
    expect((await get('/', { cookie, host })).status).toBe(200);
    expect(await upgrade({ cookie, host, origin: `http://${host}` })).toBe(101);
    expect(await upgrade({ cookie, host, origin: origin() })).toBe(403);
  });
});

describe('with a session', () => {
  test('the page is served under a strict policy', async () => {
    const { status, headers, body } = await get('/', { cookie: await signIn() });
    expect(status).toBe(200);
    expect(body).toContain('screen');
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe-eval|\*|https?:/);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['x-frame-options']).toBeDefined();
  });

  test('calls are served as the console', async () => {
    expect(await upgrade({ cookie: await signIn(), origin: origin() })).toBe(101);
    expect(served).toEqual([{ via: 'console' }]);
  });

  test.each([
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e%2fsecret.txt',
    '//etc/passwd',
    '/..\\secret.txt',
  ])('%s leads nowhere', async (path) => {
    const answer = await get(path, { cookie: await signIn() });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.body).not.toContain('secret');
    expect(answer.body).not.toContain('root:');
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])('%s does nothing', async (method) => {
    expect((await get('/', { cookie: await signIn() }, method)).status).toBeGreaterThanOrEqual(400);
  });

  test('a used address leads to the page', async () => {
    const path = tokenPath();
    const cookie = String((await get(path)).headers['set-cookie']).replace(/;.*/s, '');
    expect((await get(path, { cookie })).headers['location']).toBe(`${base()}/`);
  });
});
