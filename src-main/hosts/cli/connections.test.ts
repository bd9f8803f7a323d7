import { expect, test } from 'vitest';
import type { Connection } from '../../contract/connection.ts';
import { connectionLine } from './connections.ts';

const connection: Connection = {
  id: 7,
  protocol: 'imaps',
  server: 'imap.example.org',
  port: 993,
  program: '/usr/bin/thunderbird',
  state: 'scanning',
  messages: 0,
  since: '2025-11-24T12:00:00.000Z',
};

test('a connection is one line', () => {
  expect(connectionLine(connection)).toBe('7  imaps  /usr/bin/thunderbird  imap.example.org:993  scanning');
});

test('what is not known is a dash, and a reason stands last', () => {
  const { protocol: _, program: __, ...bare } = connection;
  expect(connectionLine({ ...bare, server: '2001:db8::1', state: 'relayed', reason: 'not-mail' })).toBe(
    '7  -  -  [2001:db8::1]:993  relayed  not-mail',
  );
});

test('a name can steer no terminal', () => {
  expect(connectionLine({ ...connection, program: '/tmp/\u001b[2J' })).not.toContain('\u001b');
});
