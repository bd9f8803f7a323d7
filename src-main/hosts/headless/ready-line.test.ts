import { expect, test } from 'vitest';
import { isLogged, type ReadyFacts, readyLine } from './ready-line.ts';

const facts: ReadyFacts = {
  pid: 7,
  readyMs: 123.4,
  interception: { state: 'unavailable', reason: 'no-privilege' },
  listeners: [{ protocol: 'imaps', address: '127.0.0.1', port: 1993, target: 'imap.example.org:993' }],
  consoleUrl: 'http://127.0.0.1:4000/?token=secret',
  caPath: '/data/ca/ca.pem',
  dataDir: '/data',
};

test('the ready line has the form that scripts rely on', () => {
  expect(readyLine(facts, { logged: false })).toBe(
    '{"event":"ready","pid":7,"readyMs":123,"interception":{"state":"unavailable","reason":"no-privilege"},' +
      '"listeners":[{"protocol":"imaps","address":"127.0.0.1","port":1993,"target":"imap.example.org:993"}],' +
      '"console":{"url":"http://127.0.0.1:4000/?token=secret"},"ca":"/data/ca/ca.pem","dataDir":"/data"}',
  );
});

test('no URL goes into a system log', () => {
  expect(isLogged({ INVOCATION_ID: 'x' })).toBe(true);
  expect(isLogged({ JOURNAL_STREAM: '8:1' })).toBe(true);
  expect(isLogged({})).toBe(false);
  const line = readyLine(facts, { logged: true });
  expect(line).not.toContain('secret');
  expect(JSON.parse(line)).toMatchObject({ event: 'ready', console: {} });
});

test('without a console there is none', () => {
  expect(JSON.parse(readyLine({ ...facts, consoleUrl: undefined }, { logged: false })).console).toBeNull();
});
