import { afterEach, describe, expect, it } from 'vitest';
import { openSummaries, type Summaries, type SummariesOptions } from './summaries.ts';

const open: Summaries[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((summaries) => summaries.stop()));
});

function start(worker: string, changes: Partial<SummariesOptions> = {}) {
  const summaries = openSummaries({ workerUrl: new URL(worker, import.meta.url), ...changes });
  open.push(summaries);
  return (text: string) => summaries.summarise(Buffer.from(text));
}

const nothing = { attachments: [] };

describe('summaries', () => {
  it('come from a thread that has the library', async () => {
    const summarise = start('./summary-worker.ts');
    expect(await summarise('From: a@example.test\r\nSubject: s\r\n\r\n')).toEqual({
      sender: 'a@example.test',
      subject: 's',
      attachments: [],
    });
    expect(await summarise('')).toEqual(nothing);
  });

  it('come one after the other, from the same thread, each its own', async () => {
    const summarise = start('./summary-test-worker.ts');
    const all = await Promise.all(['a', 'b', 'c'].map(summarise));
    expect(all.map(({ subject }) => subject)).toEqual(['a', 'b', 'c']);
    expect(new Set(all.map(({ sender }) => sender)).size).toBe(1);
  });

  it.each(['CRASH', 'LEAVE', 'HEAP!'])('lose only the message on which the thread ends: %s', async (text) => {
    const summarise = start('./summary-test-worker.ts');
    const all = await Promise.all(['a', text, 'b'].map(summarise));
    expect(all).toMatchObject([{ subject: 'a' }, nothing, { subject: 'b' }]);
    expect(all[1]).toEqual(nothing);
    expect(all[2]?.sender).not.toBe(all[0]?.sender);
  });

  it('lose only the message that takes too long', async () => {
    const summarise = start('./summary-test-worker.ts', { timeoutMs: 1_000 });
    const all = await Promise.all(['HANG!', 'b'].map(summarise));
    expect(all).toMatchObject([nothing, { subject: 'b' }]);
  });

  it('are not made for more messages than may wait', async () => {
    const summarise = start('./summary-test-worker.ts');
    const all = await Promise.all(Array.from({ length: 67 }, (_, each) => summarise(`${each}`)));
    expect(all.map(({ subject }) => subject)).toEqual([
      ...Array.from({ length: 65 }, (_, each) => `${each}`),
      undefined,
      undefined,
    ]);
  });

  it('are of the beginning of what would have to be copied, and of all that is shared', async () => {
    const summaries = openSummaries({ workerUrl: new URL('./summary-test-worker.ts', import.meta.url) });
    open.push(summaries);
    const sizeBytes = 5 * 1024 * 1024;
    const own = await summaries.summarise(new Uint8Array(sizeBytes));
    const shared = await summaries.summarise(new Uint8Array(new SharedArrayBuffer(sizeBytes)));
    expect([own.date, shared.date]).toEqual([String(4 * 1024 * 1024), String(sizeBytes)]);
  });

  it('are nothing after the end, also those that are asked for', async () => {
    const summaries = openSummaries({ workerUrl: new URL('./summary-test-worker.ts', import.meta.url) });
    const asked = ['HANG!', 'a'].map((text) => summaries.summarise(Buffer.from(text)));
    await summaries.stop();
    await summaries.stop();
    expect(await Promise.all([...asked, summaries.summarise(Buffer.from('b'))])).toEqual([
      nothing,
      nothing,
      nothing,
    ]);
  });
});
