import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { netfilterRoute, type RouteSurroundings, untrustedPart } from './netfilter-route.ts';

let directory: string;
let server: Server | undefined;
const uid = process.geteuid?.() ?? 0;
const path = (...names: string[]) => join(directory, ...names);

function program(file: string): void {
  writeFileSync(file, '#!/bin/sh\n', { mode: 0o755 });
}

/** As an ordinary user sees them; whoever runs the test plays the part of root. */
function surroundings(changes: Partial<RouteSurroundings> = {}): RouteSurroundings {
  return {
    euid: 1_000,
    helperModule: path('main.ts'),
    compileCache: undefined,
    systemSocket: path('helper.sock'),
    installedHelpers: [path('package', 'netfilter-helper'), path('local', 'netfilter-helper')],
    pkexec: path('pkexec'),
    trustedUid: uid,
    ...changes,
  };
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'postern-route-'));
  mkdirSync(path('package'));
  mkdirSync(path('local'));
  program(path('pkexec'));
});

afterEach(async () => {
  await new Promise<void>((done) => (server === undefined ? done() : server.close(() => done())));
  server = undefined;
  rmSync(directory, { recursive: true });
});

async function listen(): Promise<void> {
  const made = createServer();
  await new Promise<void>((done) => made.listen(path('helper.sock'), done));
  server = made;
}

describe('the way to the helper', () => {
  test('is the socket that the command line names, for anybody', () => {
    for (const euid of [0, 1_000]) {
      expect(netfilterRoute('/run/x.sock', surroundings({ euid }))).toEqual({
        kind: 'socket',
        path: '/run/x.sock',
      });
    }
  });

  test('of root takes the compiled code along', () => {
    writeFileSync(path('main.ts'), '');
    const route = netfilterRoute(undefined, surroundings({ euid: 0, compileCache: '/cache' }));
    expect(route).toMatchObject({
      argv: [
        '/usr/bin/env',
        'NODE_COMPILE_CACHE=/cache',
        process.execPath,
        path('main.ts'),
        '--all-users',
        '--core-uid',
        '0',
      ],
    });
  });

  test('is a child of a core that runs as root, also where the system has its socket', async () => {
    await listen();
    writeFileSync(path('main.ts'), '');
    expect(netfilterRoute(undefined, surroundings({ euid: 0 }))).toEqual({
      kind: 'start',
      argv: [process.execPath, path('main.ts'), '--all-users', '--core-uid', '0'],
      asks: false,
    });
  });

  test("is the system's socket for its own user alone", async () => {
    await listen();
    const socket = { kind: 'socket', path: path('helper.sock') };
    // Root has a way of its own, so that it plays the service's user here.
    const owner = uid === 0 ? 1_000 : uid;
    if (uid === 0) chownSync(path('helper.sock'), owner, owner);
    expect(netfilterRoute(undefined, surroundings({ euid: owner }))).toEqual(socket);
    expect(netfilterRoute(undefined, surroundings({ euid: owner + 1 }))).toBeUndefined();
  });

  test('is pkexec with the package\u2019s helper, else with the one of a clone', () => {
    program(path('local', 'netfilter-helper'));
    const local = ['start', [path('pkexec'), path('local', 'netfilter-helper')], true];
    const route = () => Object.values(netfilterRoute(undefined, surroundings()) ?? {});
    expect(route()).toEqual(local);
    program(path('package', 'netfilter-helper'));
    expect(route()).toEqual(['start', [path('pkexec'), path('package', 'netfilter-helper')], true]);
    chmodSync(path('package', 'netfilter-helper'), 0o757);
    expect(route()).toEqual(local);
  });

  test('is none without a helper, and none without pkexec', () => {
    expect(netfilterRoute(undefined, surroundings())).toBeUndefined();
    program(path('local', 'netfilter-helper'));
    rmSync(path('pkexec'));
    expect(netfilterRoute(undefined, surroundings())).toBeUndefined();
    expect(netfilterRoute(undefined, surroundings({ euid: 0 }))).toBeUndefined();
  });
});

describe('a path is trusted', () => {
  const helper = () => path('local', 'netfilter-helper');

  beforeEach(() => program(helper()));

  test('when its owner alone writes along all of it', () => {
    expect(untrustedPart(helper(), uid)).toBeUndefined();
  });

  test.each([
    ['the file', () => helper(), 0o757],
    ['its directory', () => path('local'), 0o757],
    ['a directory further up', () => directory, 0o707],
  ])('not when others may write to %s', (_name, part, mode) => {
    chmodSync(part(), mode);
    expect(untrustedPart(helper(), uid)).toBe(part());
  });

  test('not when a part is a link, which somebody could turn', () => {
    symlinkSync(path('local'), path('link'));
    expect(untrustedPart(path('link', 'netfilter-helper'), uid)).toBe(path('link'));
  });

  test('not when it is missing', () => {
    expect(untrustedPart(path('local', 'none'), uid)).toBe(path('local', 'none'));
  });

  test.runIf(uid !== 0)('not when it is mine in place of root\u2019s', () => {
    expect(untrustedPart(helper())).toBe(directory);
  });

  test.runIf(uid === 0)('not when a part is another user\u2019s', () => {
    chownSync(path('local'), 65_534, 65_534);
    expect(untrustedPart(helper())).toBe(path('local'));
    chownSync(path('local'), 0, 65_534);
    expect(untrustedPart(helper())).toBeUndefined();
    chmodSync(path('local'), 0o775);
    expect(untrustedPart(helper())).toBe(path('local'));
  });
});
