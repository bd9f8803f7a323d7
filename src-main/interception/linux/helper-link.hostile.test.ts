// What comes from the other end of the link may be half, doubled, endless, or no helper at all: root's program is trusted with
// the redirect, and not with our memory or our certainty.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type FakeHelper, helloLine, openFakeHelper } from './fake-helper.fixture.ts';
import { type HelperLink, type LinkFailure, openHelperLink } from './helper-link.ts';
import { helperProtocol, maxLineBytes } from './helper-messages.ts';

let helper: FakeHelper;
let links: HelperLink[];
let lost: LinkFailure[];

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  helper = await openFakeHelper();
  [links, lost] = [[], []];
});
afterEach(async () => {
  await Promise.all(links.map((link) => link.close()));
  await helper.stop();
  vi.useRealTimers();
});

function open(): HelperLink {
  const link = openHelperLink({
    route: helper.route,
    onLost: (problem) => {
      lost.push(problem);
      helper.changed();
    },
  });
  links.push(link);
  return link;
}

const otherwise = { ok: false, reason: 'lost', detail: 'it said something else' };
const tooLong = { ok: false, reason: 'lost', detail: 'its line is too long' };

/** Says it in pieces that arrive one by one. */
async function sayInPieces(text: string, cuts: readonly number[]): Promise<void> {
  const said = Buffer.from(text);
  const bounds = [0, ...cuts.map((cut) => cut % said.length).toSorted((a, b) => a - b), said.length];
  for (const [i, from] of bounds.entries()) {
    helper.say(said.subarray(from, bounds[i + 1] ?? from));
    await new Promise(setImmediate);
  }
}

test('any split of what it says gives the same', async () => {
  const owner = { pid: 1, path: '/opt/žluťoučký 🐎' };
  const answers = (id: number) =>
    `{"id":99,"ok":true}\n${JSON.stringify({ id, ok: true, answer: { owner } })}\n`;
  const cuts = fc.array(fc.nat(200), { maxLength: 6 });
  helper.greeting = '';
  helper.outcome = () => undefined;
  await fc.assert(
    fc.asyncProperty(cuts, cuts, async (helloCuts, answerCuts) => {
      const { links: linksBefore } = helper;
      const { length: heardBefore } = helper.heard;
      const link = open();
      const call = link.call({ do: 'owner', inode: 1, uid: 0 });
      await helper.until(() => helper.links > linksBefore);
      await sayInPieces(helloLine(), helloCuts);
      await helper.until(() => helper.heard.length > heardBefore);
      await sayInPieces(answers(1), answerCuts);
      expect(await call).toEqual({ ok: true, answer: { owner } });
      await link.close();
    }),
    { numRuns: 40 },
  );
  expect(lost).toEqual([]);
});

describe('in place of a hello', () => {
  test.each([
    ['no JSON', 'Welcome!\n'],
    ['an empty line', '\n'],
    ['JSON of another kind', 'null\n'],
    ['no covered user', `{"hello":${helperProtocol},"nft":"1","denied":[]}\n`],
    ['a port that is none', helloLine({ denied: [[0, 65_536]] })],
    ['a hello that is no number', '{"hello":"1"}\n'],
  ])('%s ends it', async (_, text) => {
    helper.greeting = text;
    expect(await open().hello()).toEqual(otherwise);
    await helper.until(() => helper.hungUp === 1);
    expect(lost).toEqual([otherwise]);
  });

  test.each([
    ['as ours is', helloLine().replace(`:${helperProtocol},`, ':7,')],
    ['of another form', '{"hello":7,"covers":["everybody"]}\n'],
  ])('one of another protocol, %s, is outdated', async (_, text) => {
    helper.greeting = text;
    expect(await open().hello()).toEqual({ ok: false, reason: 'outdated', detail: 'protocol 7' });
    await helper.until(() => helper.hungUp === 1);
  });

  test('what follows does not make it good', async () => {
    helper.greeting = `Welcome!\n${helloLine()}`;
    const link = open();
    expect(await link.hello()).toEqual(otherwise);
    expect(await link.call({ do: 'close', block: false })).toEqual(otherwise);
    expect(helper.heard).toEqual([]);
  });
});

describe('in place of an answer', () => {
  test.each([
    ['no JSON', 'yes\n', otherwise],
    ['an answer to no request', '{"ok":true}\n', otherwise],
    ['a refusal without a reason', '{"id":1,"ok":false}\n', otherwise],
    ['a refusal with an unknown reason', '{"id":1,"ok":false,"reason":"helper-failed"}\n', otherwise],
    ['an answer of another form', '{"id":1,"ok":true,"answer":{"ended":"all"}}\n', otherwise],
    ['an answer behind a line that is none', 'yes\n{"id":1,"ok":true}\n', otherwise],
    ['a hello of another protocol', '{"hello":7}\n', { ok: false, reason: 'outdated', detail: 'protocol 7' }],
    ['a line that never ends', 'x'.repeat(maxLineBytes + 1), tooLong],
  ])('%s ends it for all who wait', async (_, text, problem) => {
    helper.outcome = () => undefined;
    const link = open();
    const calls = [link.call({ do: 'close', block: false }), link.call({ do: 'close', block: false })];
    await helper.until(() => helper.heard.length === 2);
    helper.say(text);
    expect(await Promise.all(calls)).toEqual([problem, problem]);
    await helper.until(() => lost.length > 0 && helper.hungUp === 1);
    expect(lost).toEqual([problem]);
  });

  test('nothing counts after the last line', async () => {
    helper.outcome = () => undefined;
    const link = open();
    const call = link.call({ do: 'close', block: false });
    await helper.until(() => helper.heard.length === 1);
    helper.hangUp('{"end":"silence"}\n{"id":1,"ok":true}\nand more\n');
    expect(await call).toEqual({ ok: false, reason: 'silence' });
  });

  test('a line of the longest length is read', async () => {
    helper.outcome = () => undefined;
    const link = open();
    const call = link.call({ do: 'close', block: false });
    await helper.until(() => helper.heard.length === 1);
    const answer = '{"id":1,"ok":true}';
    helper.say(`${answer}${' '.repeat(maxLineBytes - answer.length)}\n`);
    expect(await call).toEqual({ ok: true, answer: {} });
  });
});
