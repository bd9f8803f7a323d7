import { expect, test } from 'vitest';
import { roleOf, type Start } from './role.ts';

const byPkexec: Start = { uid: 0, euid: 0, argv: [], pkexecUid: '1001' };
const byRoot: Start = { uid: 0, euid: 0, argv: ['--all-users', '--core-uid', '998'], pkexecUid: undefined };

test('by pkexec it is for the user who asked, and for a core that runs as that user', () => {
  expect(roleOf(byPkexec)).toEqual({ user: 1001, coreUid: 1001 });
  expect(roleOf({ ...byPkexec, pkexecUid: '0' })).toEqual({ user: 0, coreUid: 0 });
});

test('by root it is for all users, and for a core that runs as root says', () => {
  expect(roleOf(byRoot)).toEqual({ user: 'all', coreUid: 998 });
  expect(roleOf({ ...byRoot, argv: ['--all-users', '--core-uid', '0'] })).toEqual({
    user: 'all',
    coreUid: 0,
  });
});

test.each<[string, Start]>([
  ['a user', { ...byPkexec, uid: 1001, euid: 1001 }],
  ['a user who says that pkexec said root', { ...byPkexec, uid: 1001, euid: 1001, pkexecUid: '0' }],
  ['a user, for all', { ...byRoot, uid: 1001, euid: 1001 }],
  ["a user with the file's rights", { ...byRoot, uid: 1001 }],
  ["root with a user's rights", { ...byRoot, euid: 1001 }],
  ['pkexec with arguments', { ...byRoot, pkexecUid: '1001' }],
  ['pkexec with an empty argument', { ...byPkexec, argv: [''] }],
  ...[
    '',
    '-1',
    '+1',
    '1.0',
    '1e3',
    '0x10',
    ' 1',
    '01',
    '1001\n',
    '1001;',
    'root',
    '4294967295',
    '99999999999',
  ].map((pkexecUid): [string, Start] => [
    `pkexec of ${JSON.stringify(pkexecUid)}`,
    { ...byPkexec, pkexecUid },
  ]),
  ['root without arguments', { ...byRoot, argv: [] }],
  ['root without a user', { ...byRoot, argv: ['--all-users', '--core-uid'] }],
  ['root with a name', { ...byRoot, argv: ['--all-users', '--core-uid', 'postern'] }],
  ['root in another order', { ...byRoot, argv: ['--core-uid', '998', '--all-users'] }],
  ['root with more', { ...byRoot, argv: [...byRoot.argv, '--all-users'] }],
])('nothing for %s', (_, start) => {
  expect(roleOf(start)).toBeUndefined();
});
