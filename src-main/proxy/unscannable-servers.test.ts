import { expect, test } from 'vitest';
import { createUnscannableServers } from './unscannable-servers.ts';

function setUp() {
  let nowMs = Date.parse('2026-01-01T12:00:00Z');
  const servers = createUnscannableServers(() => new Date(nowMs));
  return {
    servers,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

const dayMs = 24 * 60 * 60 * 1_000;
const server = { address: '192.0.2.1', port: 993 };

test('a server is known by its address and its name, on its port alone', () => {
  const { servers } = setUp();
  expect(servers.has('192.0.2.1', 993)).toBe(false);
  servers.add(server, 'imap.example.test');
  expect(servers.has('192.0.2.1', 993)).toBe(true);
  expect(servers.has('IMAP.example.test.', 993)).toBe(true);
  expect(servers.has('192.0.2.1', 143)).toBe(false);
  expect(servers.has('imap.example.test', 143)).toBe(false);
  expect(servers.has('192.0.2.2', 993)).toBe(false);
});

test('a server without a name is known by its address', () => {
  const { servers } = setUp();
  servers.add(server, undefined);
  expect(servers.has('192.0.2.1', 993)).toBe(true);
});

test('after a day it is tried again', () => {
  const { servers, pass } = setUp();
  servers.add(server, 'imap.example.test');
  pass(dayMs - 1);
  expect(servers.has('192.0.2.1', 993)).toBe(true);
  pass(1);
  expect(servers.has('192.0.2.1', 993)).toBe(false);
  expect(servers.has('imap.example.test', 993)).toBe(false);
});

test('what is said again is known for another day', () => {
  const { servers, pass } = setUp();
  servers.add(server, undefined);
  pass(dayMs - 1);
  servers.add(server, undefined);
  pass(dayMs - 1);
  expect(servers.has('192.0.2.1', 993)).toBe(true);
});

test('of more than a thousand the longest known goes', () => {
  const { servers } = setUp();
  for (let port = 1; port <= 1_000; port++) servers.add({ address: '192.0.2.1', port }, undefined);
  servers.add({ address: '192.0.2.1', port: 1 }, undefined);
  expect(servers.has('192.0.2.1', 2)).toBe(true);
  servers.add({ address: '192.0.2.1', port: 1_001 }, undefined);
  expect([1, 2, 3, 1_000, 1_001].map((port) => servers.has('192.0.2.1', port))).toEqual([
    true,
    false,
    true,
    true,
    true,
  ]);
});
