import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { connectionBudget, connectionsWithin } from './descriptor-budget.ts';

const limits = (soft: string) =>
  `Limit                     Soft Limit           Hard Limit           Units     \nMax processes             12345                12345                processes \nMax open files            ${soft.padEnd(20)} 524288               files     \n`;

test.each([
  ['1024', 412],
  ['1025', 412],
  ['524288', 20_000],
  ['40200', 20_000],
  ['40198', 19_999],
  ['unlimited', 20_000],
  ['216', 8],
  ['64', 8],
])('%s descriptors leave room for %i connections', (soft, connections) => {
  expect(connectionsWithin(limits(soft))).toBe(connections);
});

test('without such a line there is no limit but ours', async () => {
  expect(connectionsWithin('')).toBe(20_000);
  expect(await connectionBudget('/nowhere')).toBe(20_000);
});

test('the limit of this process is read', async () => {
  const { stdout } = await promisify(execFile)('/bin/sh', [
    '-c',
    'ulimit -n 1024 && exec "$0" --input-type=module -e "$1"',
    process.execPath,
    `import { connectionBudget } from '${new URL('./descriptor-budget.ts', import.meta.url).pathname}';
     console.log(await connectionBudget());`,
  ]);
  expect(stdout).toBe('412\n');
});
