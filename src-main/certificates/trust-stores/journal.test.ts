import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { openJournal } from './journal.ts';
import { makePlace } from './trust-stores.fixture.ts';

const before = { kind: 'present', nickname: 'a', flags: ',,' } as const;

function open(file: string) {
  const damaged: string[] = [];
  const now = () => new Date('2026-11-24T12:00:00Z');
  return { journal: openJournal({ file, now, onDamaged: (path) => damaged.push(path) }), damaged };
}

it('knows after a restart what was before', async () => {
  const { journalFile } = makePlace();
  const { journal } = open(journalFile);
  await Promise.all([
    journal.record('one', 'aa', { kind: 'absent' }),
    journal.record('one', 'bb', { kind: 'absent' }),
    journal.record('one', 'aa', before),
  ]);
  const again = open(journalFile).journal;
  expect(await again.find('one', 'aa')).toEqual(before);
  expect(await again.find('two', 'aa')).toBeUndefined();
  await again.forget('one', 'aa');
  expect(await again.find('one', 'aa')).toBeUndefined();
  expect(await again.find('one', 'bb')).toEqual({ kind: 'absent' });
});

it.each(['{"version":1,"entries":[', '{"version":2,"entries":[]}', '\0', '[]'])(
  'lays a file aside that is no journal: %j',
  async (text) => {
    const { journalFile } = makePlace();
    writeFileSync(journalFile, text);
    const { journal, damaged } = open(journalFile);
    expect(await journal.find('one', 'aa')).toBeUndefined();
    expect(damaged.map((path) => readFileSync(path, 'utf8'))).toEqual([text]);
    await journal.record('one', 'aa', before);
    expect(await journal.find('one', 'aa')).toEqual(before);
    expect(readdirSync(dirname(journalFile)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  },
);
