// The console's port. It answers on loopback alone, and loopback is no authentication: every request must name this
// very host, come from this very origin when it has one, and carry a session; a session begins with a one-time token.
// Everything lies below a path that nobody can guess: cookies know no ports, and a browser that is led to another user's
// server on this host must not show it ours.
// Against DNS rebinding: the Host header. Against pages of other origins: Origin, SameSite=Strict and the CSP.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import serveStatic from '@fastify/static';
import websocket from '@fastify/websocket';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import type { Endpoint } from '../../contract/connection.ts';
import type { ErrorCode } from '../../contract/error-codes.ts';
import type { Log } from '../../core/ports.ts';
import { contentSecurityPolicy } from '../content-security-policy.ts';
import type { ConsoleAuth } from './auth.ts';
import { maxRequestBytes, maxWebSockets, type ServeCalls } from './rpc.ts';

/** A page is some ten requests: reloading it every second is still within it. */
export const maxSessionRequestsPerMinute = 1_000;
/** Without a session there is nothing to do but to open one. */
export const maxAnonymousRequestsPerMinute = 60;

/** Open sockets are descriptors that mail needs, too; a browser opens six. */
export const maxConsoleConnections = 128;

export interface ConsoleOptions {
  readonly host: '127.0.0.1' | '::1' | 'localhost';
  /** 0: any free one. */
  readonly port: number;
  /** The built renderer. */
  readonly rendererDir: string;
  readonly auth: ConsoleAuth;
  readonly randomBytes: (sizeBytes: number) => Buffer;
  readonly now: () => number;
  readonly serveCalls: ServeCalls;
  /** Never gets a query or a cookie. */
  readonly log: Log;
}

export interface Console {
  readonly port: number;
  /** Where it listens. */
  readonly endpoints: readonly Endpoint[];
  /** A fresh one-time URL. */
  url(): string;
  /** Closes every connection. May be called twice. */
  stop(): Promise<void>;
}

export type ConsoleResult =
  | { readonly ok: true; readonly console: Console }
  | { readonly ok: false; readonly code: ErrorCode };

const noSession = 'No session here: run `postern console` for a fresh address.\n';
const notBuilt = 'The screen is not built: run `npm run build` in the folder of Postern.\n';
/** 128 bits of a path: it is no secret that opens anything, only a place that is not to be found. */
const pathBytes = 16;
/** Where a redirect would be followed without the new cookie: SameSite=Strict looks at who began the chain. */
const refreshPage = (path: string) =>
  `<!doctype html><meta http-equiv="refresh" content="0;url=${path}"><title>Postern</title>\n`;

/** Opens the console; a port that is taken is `listener-busy`. */
export async function startConsole(options: ConsoleOptions): Promise<ConsoleResult> {
  const { auth, now, serveCalls, log } = options;
  const base = `/${options.randomBytes(pathBytes).toString('base64url')}/`;
  const isBelow = (url: string | undefined) => url?.startsWith(base) === true;
  const app = fastify({
    bodyLimit: 1024,
    routerOptions: { ignoreTrailingSlash: false },
    rewriteUrl: ({ url = '/' }) => (isBelow(url) ? url.slice(base.length - 1) : url),
  });
  app.server.maxConnections = maxConsoleConnections;
  let origins: readonly string[] = [];
  let cookieName = '';

  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: contentSecurityPolicy },
    strictTransportSecurity: false,
  });
  await app.register(cookie);
  await app.register(rateLimit, { global: false });
  await app.register(websocket, { options: { maxPayload: maxRequestBytes } });

  const sessionEnd = (request: FastifyRequest) => {
    const secret = request.cookies[cookieName];
    return secret === undefined ? undefined : auth.sessionEnd(secret);
  };
  const withinRate = app.createRateLimit({
    timeWindow: 60_000,
    keyGenerator: (request) => (sessionEnd(request) === undefined ? 'anonymous' : 'session'),
    max: (_request, key) => (key === 'session' ? maxSessionRequestsPerMinute : maxAnonymousRequestsPerMinute),
  });
  const refuse = (reply: FastifyReply, status: number, text: string) =>
    reply.code(status).type('text/plain; charset=utf-8').send(text);

  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    const origin = `http://${(request.headers.host ?? '').toLowerCase()}`;
    if (!origins.includes(origin)) return refuse(reply, 403, 'Wrong host.\n');
    const from = request.headers.origin;
    if (from === undefined ? request.ws : from !== origin) return refuse(reply, 403, 'Wrong origin.\n');
    const rate = await withinRate(request);
    if (!rate.isAllowed && rate.isExceeded) {
      reply.header('retry-after', rate.ttlInSeconds);
      return refuse(reply, 429, 'Too many requests.\n');
    }
    const known = sessionEnd(request) !== undefined || (opensSession(request) && openSession(request, reply));
    if (known && isBelow(request.originalUrl)) return;
    return refuse(reply, 401, noSession);
  });

  function opensSession(request: FastifyRequest): boolean {
    return request.method === 'GET' && !request.ws && request.originalUrl.startsWith(`${base}?token=`);
  }

  function openSession(request: FastifyRequest, reply: FastifyReply): boolean {
    const session = auth.redeem(request.url.slice('/?token='.length));
    if (session === undefined) return false;
    const maxAge = Math.floor((session.expiresAt - now()) / 1_000);
    reply.setCookie(cookieName, session.secret, { path: base, httpOnly: true, sameSite: 'strict', maxAge });
    return true;
  }

  app.get('/', (request, reply) => {
    if (request.url === '/') {
      const index = join(options.rendererDir, 'index.html');
      return existsSync(index) ? reply.sendFile('index.html') : refuse(reply, 503, notBuilt);
    }
    // The token has done its work (or a session was there already): get it out of the address.
    if (request.headers['sec-fetch-site'] === 'cross-site')
      return reply.type('text/html').send(refreshPage(base));
    return reply.redirect(base, 303);
  });
  await app.register(serveStatic, { root: options.rendererDir, index: false, cacheControl: false });

  app.get('/rpc', { websocket: true }, (socket, request) => {
    const end = sessionEnd(request);
    if (end === undefined || app.websocketServer.clients.size > maxWebSockets) return socket.close(1008);
    const timer = setTimeout(() => socket.close(1008), end - now());
    socket.on('close', () => clearTimeout(timer));
    serveCalls(socket, { via: 'console' });
  });

  app.setNotFoundHandler((_request, reply) => refuse(reply, 404, 'Not found.\n'));
  app.setErrorHandler((error: Error & { readonly statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) log('console-fault', { path: request.url.replace(/\?.*/s, ''), error });
    return refuse(reply, status, status >= 500 ? 'Internal error.\n' : 'Bad request.\n');
  });

  try {
    await app.listen({ host: options.host, port: options.port, listenTextResolver: () => '' });
  } catch (error) {
    await app.close();
    if (error instanceof Error && 'code' in error) {
      return { ok: false, code: error.code === 'EADDRINUSE' ? 'listener-busy' : 'listener-failed' };
    }
    throw error;
  }
  const endpoints = app.addresses().filter((each) => typeof each === 'object');
  const port = endpoints[0]?.port ?? options.port;
  const bound = options.host === '::1' ? '[::1]' : options.host;
  origins = [`http://${bound}:${port}`, `http://localhost:${port}`];
  // Cookies don't tell ports apart: two consoles on one machine must not overwrite each other's.
  cookieName = `postern-${port}`;

  return {
    ok: true,
    console: {
      port,
      endpoints,
      url: () => `http://${bound}:${port}${base}?token=${auth.issueToken()}`,
      async stop() {
        for (const socket of app.websocketServer.clients) socket.terminate();
        app.server.closeAllConnections();
        await app.close();
      },
    },
  };
}
