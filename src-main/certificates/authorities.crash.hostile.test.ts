// A process that dies in the middle of a change of its authorities, at each step of it in turn.
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  createTestCertificates,
  dayMs,
  pemsOf,
  readAll,
  type TestCertificates,
} from './certificates.fixture.ts';

/** After so many more changes of the file system, this process is dead: each later one fails. */
const life = vi.hoisted(() => ({ left: Number.POSITIVE_INFINITY }));

vi.mock('node:fs/promises', async (importActual) => {
  const actual = await importActual<typeof import('node:fs/promises')>();
  const whileAlive =
    <Arguments extends unknown[], Result>(work: (...rest: Arguments) => Promise<Result>) =>
    async (...rest: Arguments): Promise<Result> => {
      if (life.left <= 0) throw new Error('dead');
      life.left--;
      return await work(...rest);
    };
  return {
    ...actual,
    // Each leaves something else behind: no file, an empty one (the write after it fails), a whole one.
    open: whileAlive(actual.open),
    link: whileAlive(actual.link),
    rename: whileAlive(actual.rename),
    rm: whileAlive(actual.rm),
    mkdir: whileAlive(actual.mkdir),
  };
});

let room: ReturnType<typeof createTestCertificates>;
beforeEach(() => {
  room = createTestCertificates();
});
afterEach(async () => {
  life.left = Number.POSITIVE_INFINITY;
  await room.remove();
});

const rootEnd = new Date('2040-03-01T12:00:00Z');
const setDaysLeft = (days: number) => room.setNow(new Date(rootEnd.getTime() - days * dayMs));

async function openWithSuccessor(): Promise<TestCertificates> {
  const opened = await room.open();
  setDaysLeft(60);
  await opened.certificates.maintain();
  expect(opened.certificates.roots()).toHaveLength(2);
  return opened;
}

describe('a crash', () => {
  /** Dies in the middle of something, at each step of it in turn, and looks at what the next start makes of it. */
  async function atEachStep(
    prepare: () => Promise<TestCertificates>,
    work: (opened: TestCertificates) => Promise<unknown>,
    check: (before: readonly string[], again: TestCertificates, step: number) => Promise<void>,
  ): Promise<number> {
    for (let step = 0; ; step++) {
      const opened = await prepare();
      const before = pemsOf(opened.certificates);
      life.left = step;
      const died = await work(opened).then(
        () => false,
        () => true,
      );
      life.left = Number.POSITIVE_INFINITY;
      const again = await room.open(opened.directory);
      const pems = pemsOf(again.certificates);
      expect(await readFile(again.certificates.caPath, 'utf8'), `step ${step}`).toBe(pems.join(''));
      expect(again.problems, `step ${step}`).toEqual([]);
      await check(before, again, step);
      await again.certificates.maintain();
      if (!died) return step;
    }
  }

  it('in the first start leaves what the next one goes on from', async () => {
    let step = -1;
    for (let died = true; died; ) {
      step++;
      const directory = await room.newDirectory();
      life.left = step;
      died = await room.open(directory).then(
        () => false,
        () => true,
      );
      life.left = Number.POSITIVE_INFINITY;
      const { certificates, problems } = await room.open(directory);
      const pems = pemsOf(certificates);
      expect(pems, `step ${step}`).toHaveLength(1);
      expect(problems, `step ${step}`).toEqual([]);
      expect(await readFile(certificates.caPath, 'utf8')).toBe(pems.join(''));
      expect(pemsOf((await room.open(directory)).certificates)).toEqual(pems);
    }
    expect(step).toBeGreaterThan(10);
  });

  it('while a successor is made leaves the root, and at most one successor', async () => {
    const steps = await atEachStep(
      () => {
        room.setNow(new Date('2030-03-01T12:00:00Z'));
        return room.open();
      },
      ({ certificates }) => {
        setDaysLeft(60);
        return certificates.maintain();
      },
      async ([root], { certificates }) => {
        const [present, ...successors] = pemsOf(certificates);
        expect(present).toBe(root);
        await certificates.maintain();
        expect(pemsOf(certificates)).toHaveLength(2);
        if (successors.length > 0) expect(pemsOf(certificates)).toEqual([root, ...successors]);
      },
    );
    expect(steps).toBeGreaterThan(5);
  });

  it('in a promotion leaves the root with its successor, or the successor as the root', async () => {
    const seen = new Set<string>();
    const steps = await atEachStep(
      () => {
        room.setNow(new Date('2030-03-01T12:00:00Z'));
        return openWithSuccessor();
      },
      ({ certificates }) => certificates.promote(),
      async ([root, successor], { certificates }, step) => {
        const pems = pemsOf(certificates);
        expect([[root, successor], [successor]], `step ${step}`).toContainEqual(pems);
        seen.add(pems.length === 2 ? 'before' : 'after');
      },
    );
    expect(seen).toEqual(new Set(['before', 'after']));
    expect(steps).toBeGreaterThan(3);
  });

  it('in a replacement leaves the old root, or the new one and no other key', async () => {
    const keyIn = (text = '') => text.split('-----BEGIN PRIVATE KEY-----\n')[1]?.slice(0, 64) ?? 'no key';
    let keys: readonly string[] = [];
    const seen = new Set<string>();
    const steps = await atEachStep(
      async () => {
        room.setNow(new Date('2030-03-01T12:00:00Z'));
        const opened = await openWithSuccessor();
        const files = await readAll(opened.directory);
        keys = [keyIn(files.get('authority.pem')), keyIn(files.get('successor.pem'))];
        return opened;
      },
      ({ certificates }) => certificates.replace(),
      async ([root, successor], { certificates, directory }, step) => {
        const [present] = pemsOf(certificates);
        expect(present, `step ${step}`).not.toBe(successor);
        seen.add(present === root ? 'before' : 'after');
        if (present === root) return;
        expect(pemsOf(certificates)).toHaveLength(1);
        for (const [name, text] of await readAll(directory)) {
          for (const key of keys) expect(text.includes(key), `step ${step}: ${name}`).toBe(false);
        }
      },
    );
    expect(seen).toEqual(new Set(['before', 'after']));
    expect(steps).toBeGreaterThan(5);
  });
});
