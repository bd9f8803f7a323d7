// A core without mail for the tests of the screen: the contract over a WebSocket with its state in memory, the built
// renderer under the console's own policy, and handles by which a test moves the state.
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize, resolve } from 'node:path';
import { EventPublisher, implement } from '@orpc/server';
import { RPCHandler } from '@orpc/server/ws';
import { WebSocketServer } from 'ws';
import type { z } from 'zod';
import { type Application, api } from '../../src-main/contract/api.ts';
import {
  applyPatch,
  defaultSettings,
  type Settings,
  type settingsPatchSchema,
} from '../../src-main/contract/settings.ts';
import type {
  MessageEvent,
  SelfTestStep,
  State,
  StatePatch,
  StateUpdate,
} from '../../src-main/contract/state.ts';
import { contentSecurityPolicyHeader } from '../../src-main/hosts/content-security-policy.ts';
import { createFakeTrust, type FakeTrust } from './fake-trust.ts';
import { noTrust } from './sample-trust.ts';

type Patch = z.output<typeof settingsPatchSchema>;

export interface FakeCore {
  readonly url: string;
  readonly port: number;
  /** Every patch that was sent, in order. */
  readonly patches: readonly Patch[];
  /** How often connections were closed by the page. */
  closedConnections(): number;
  /** What the next tries to set up the interception bring; undefined: nothing changes. */
  onRetry(patch: StatePatch | undefined): void;
  /** How often it was tried. */
  retries(): number;
  /** The walks of the self-test that are open. */
  openTests(): number;
  /** Shows a step in every open walk; `end`: it is over; `break`: it fails. */
  testStep(step: SelfTestStep | 'end' | 'break'): void;
  state(): State;
  /** Changes the state and tells every page. */
  change(patch: StatePatch): void;
  /** Raises the revision without telling anyone, so that the next update leaves a gap. */
  changeSilently(patch: StatePatch): void;
  /** Adds to the newest of lastMessages. */
  found(message: MessageEvent): void;
  setPrograms(running: readonly Application[], installed: readonly Application[]): void;
  readonly trust: FakeTrust;
  /** Whether the next saves fail. */
  failSaves(fail: boolean): void;
  /** Ends every open WebSocket, as a core that dies does. While `refuse`, no new one is accepted. */
  drop(refuse: boolean): void;
  stop(): Promise<void>;
}

export function restingState(settings: Settings = defaultSettings): State {
  return {
    settings,
    settingsProblems: [],
    protection: { state: 'active' },
    interception: { state: 'active' },
    listeners: [],
    counters: {
      scanned: 1284,
      clean: 1269,
      infected: 3,
      suspicious: 0,
      notScanned: 12,
      notScannedByReason: { encrypted: 9, 'message-size': 3 },
      relayedByReason: {},
      since: '2026-11-01T08:00:00.000Z',
    },
    openConnections: 6,
    staleConnections: 0,
    directConnections: 0,
    remarks: [],
    trust: noTrust,
    engines: [],
    ruleProblems: [],
    lastMessages: [],
  };
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

function serveFiles(folder: string) {
  return createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://fake').pathname;
    const file = join(folder, normalize(path === '/' ? '/index.html' : path));
    if (!file.startsWith(folder) || !existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      'content-type': types[extname(file)] ?? 'application/octet-stream',
      'content-security-policy': contentSecurityPolicyHeader,
      'x-content-type-options': 'nosniff',
    });
    response.end(readFileSync(file));
  });
}

export async function startFakeCore({ state: initial = restingState(), port = 0 } = {}): Promise<FakeCore> {
  let state = initial;
  let revision = 1;
  let programs: { running: Application[]; installed: Application[] } = { running: [], installed: [] };
  let isFailing = false;
  let isRefusing = false;
  let closed = 0;
  let afterRetry: StatePatch | undefined;
  let retries = 0;
  let openTests = 0;
  const patches: Patch[] = [];
  const publisher = new EventPublisher<{ update: StateUpdate }>();
  const testPublisher = new EventPublisher<{ step: SelfTestStep | 'end' | 'break' }>();

  const change = (patch: StatePatch) => {
    state = { ...state, ...patch };
    revision++;
    publisher.publish('update', { revision, patch });
  };
  const changeSilently = (patch: StatePatch) => {
    state = { ...state, ...patch };
    revision++;
  };

  async function* walk(signal: AbortSignal | undefined): AsyncGenerator<SelfTestStep> {
    openTests++;
    try {
      for await (const step of testPublisher.subscribe('step', { signal })) {
        if (step === 'end') return;
        if (step === 'break') throw new Error('broken off');
        yield step;
      }
    } finally {
      openTests--;
    }
  }

  const trust = createFakeTrust({ trust: () => state.trust, change: (next) => change({ trust: next }) });

  const os = implement(api);
  const router = os.router({
    state: {
      get: os.state.get.handler(() => ({ revision, state })),
      watch: os.state.watch.handler(({ signal }) => publisher.subscribe('update', { signal })),
    },
    settings: {
      get: os.settings.get.handler(() => state.settings),
      update: os.settings.update.handler(({ input, errors }) => {
        if (isFailing) throw errors.NOT_SAVED();
        patches.push(input);
        change({ settings: applyPatch(state.settings, input) });
        return state.settings;
      }),
      reset: os.settings.reset.handler(() => {
        change({ settings: defaultSettings });
        return state.settings;
      }),
    },
    applications: {
      running: os.applications.running.handler(() => programs.running),
      installed: os.applications.installed.handler(() => programs.installed),
    },
    connections: {
      list: os.connections.list.handler(() => []),
      close: os.connections.close.handler(() => {
        const count = state.staleConnections;
        closed++;
        change({ staleConnections: 0, openConnections: Math.max(0, state.openConnections - count) });
        return { closed: count };
      }),
      closeDirect: os.connections.closeDirect.handler(() => {
        const count = state.directConnections;
        change({ directConnections: 0 });
        return { closed: count };
      }),
    },
    protection: {
      selfTest: os.protection.selfTest.handler(({ signal }) => walk(signal)),
      retry: os.protection.retry.handler(() => {
        retries++;
        if (afterRetry !== undefined) change(afterRetry);
        return {};
      }),
    },
    trust: trust.router,
    messages: { list: os.messages.list.handler(() => state.lastMessages) },
    quarantine: {
      list: os.quarantine.list.handler(() => []),
      show: os.quarantine.show.handler(({ errors }) => {
        throw errors.NOT_FOUND();
      }),
      restore: os.quarantine.restore.handler(({ errors }) => {
        throw errors.NOT_FOUND();
      }),
    },
    console: {
      url: os.console.url.handler(({ errors }) => {
        throw errors.FORBIDDEN();
      }),
    },
  });

  const handler = new RPCHandler(router);
  const server = serveFiles(resolve('out/renderer'));
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    if (isRefusing || request.url !== '/rpc') {
      socket.destroy();
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => void handler.upgrade(webSocket));
  });
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : 0;
  const dropAll = () => {
    for (const each of sockets.clients) each.terminate();
  };

  return {
    url: `http://127.0.0.1:${bound}/`,
    port: bound,
    patches,
    closedConnections: () => closed,
    onRetry: (patch) => {
      afterRetry = patch;
    },
    retries: () => retries,
    openTests: () => openTests,
    testStep: (step) => testPublisher.publish('step', step),
    state: () => state,
    change,
    changeSilently,
    found: (message) => change({ lastMessages: [message, ...state.lastMessages].slice(0, 20) }),
    setPrograms: (running, installed) => {
      programs = { running: [...running], installed: [...installed] };
    },
    trust: trust.handles,
    failSaves: (fail) => {
      isFailing = fail;
    },
    drop: (refuse) => {
      isRefusing = refuse;
      dropAll();
    },
    stop: async () => {
      dropAll();
      server.closeAllConnections();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}
