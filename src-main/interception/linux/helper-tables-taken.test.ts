// A table of a core that was just killed lives on for a moment: the next core asks again, and not for long.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FakeHelper, helloLine, openFakeHelper } from './fake-helper.fixture.ts';
import type { HelperOutcome } from './helper-messages.ts';
import { HelperTables } from './helper-tables.ts';
import { plan, startMs } from './netfilter.fixture.ts';

let helper: FakeHelper;
let tables: HelperTables;

beforeEach(async () => {
  helper = await openFakeHelper();
  helper.greeting = helloLine();
  tables = new HelperTables({
    route: () => helper.route,
    onLost: () => undefined,
    now: () => new Date(startMs),
  });
});
afterEach(async () => {
  await tables.stop();
  await helper.stop();
});

const open = () => tables.open({ port: 40_000, ipv6: true }, plan);
const opened: HelperOutcome = { ok: true, answer: { greetings: 'ih' } };

test.each(['table-taken', 'system-core-running'] as const)('%s is asked again', async (reason) => {
  helper.outcome = () => (helper.heard.length > 1 ? opened : { ok: false, reason });
  expect(await open()).toBeUndefined();
  expect(helper.heard.map((request) => request.do)).toEqual(['open', 'open']);
});

test('a table that stays is told after some tries', async () => {
  helper.outcome = () => ({ ok: false, reason: 'table-taken' });
  expect(await open()).toMatchObject({ ok: false, reason: 'table-taken' });
  expect(helper.heard).toHaveLength(10);
});

test('another failure is told at once', async () => {
  helper.outcome = () => ({ ok: false, reason: 'nft-failed', detail: 'no' });
  expect(await open()).toMatchObject({ ok: false, reason: 'nft-failed', detail: 'no' });
  expect(helper.heard).toHaveLength(1);
});
