import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createPrivateFile,
  moveAside,
  moveOver,
  readIfPresent,
  removeCopies,
  replacePrivateFile,
} from './private-files.ts';

describe('private files', () => {
  let directory: string;
  let path: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'postern-files-'));
    path = join(directory, 'file');
  });
  afterEach(async () => {
    await rm(directory, { recursive: true });
  });

  it('are created once: the first one stays', async () => {
    await createPrivateFile(path, 'first');
    await createPrivateFile(path, 'second');
    expect(await readFile(path, 'utf8')).toBe('first');
    expect(await readdir(directory)).toEqual(['file']);
  });

  it('are replaced whole', async () => {
    await writeFile(path, 'a longer text than the new one');
    await replacePrivateFile(path, 'new');
    expect(await readFile(path, 'utf8')).toBe('new');
    expect(await readdir(directory)).toEqual(['file']);
  });

  it('leave nothing behind when they can not be put in place', async () => {
    await mkdir(path);
    await expect(replacePrivateFile(path, 'new')).rejects.toThrow();
    expect(await readdir(directory)).toEqual(['file']);
  });

  it('tell a missing file from one that can not be read', async () => {
    expect(await readIfPresent(path)).toBeUndefined();
    await mkdir(path);
    await expect(readIfPresent(path)).rejects.toThrow('EISDIR');
  });

  it('are moved aside only as they were read', async () => {
    await writeFile(path, 'good, from another process');
    expect(await moveAside(path, 'damaged')).toBeUndefined();
    expect(await readFile(path, 'utf8')).toBe('good, from another process');
    expect(await readdir(directory)).toEqual(['file']);
  });

  it('are moved aside with what was in them', async () => {
    await writeFile(path, 'damaged');
    const aside = await moveAside(path, 'damaged');
    expect(await readFile(aside ?? '', 'utf8')).toBe('damaged');
    expect(await readIfPresent(path)).toBeUndefined();
  });

  it('may be gone before they are moved aside', async () => {
    expect(await moveAside(path, 'damaged')).toBeUndefined();
  });

  it('take the place of others in one step, or leave them when there is nothing to come', async () => {
    const next = join(directory, 'next');
    await writeFile(path, 'present');
    expect(await moveOver(next, path)).toBe(false);
    expect(await readFile(path, 'utf8')).toBe('present');
    await writeFile(next, 'next');
    expect(await moveOver(next, path)).toBe(true);
    expect(await readFile(path, 'utf8')).toBe('next');
    expect(await readdir(directory)).toEqual(['file']);
    await writeFile(next, 'next');
    await rm(path);
    await mkdir(path);
    await expect(moveOver(next, path)).rejects.toThrow('EISDIR');
    expect(await readFile(next, 'utf8')).toBe('next');
  });

  it('lose their copies and nothing else', async () => {
    for (const name of ['file', 'file.0a1b.tmp', 'file.replaced-0a1b', 'filed', 'other-file.tmp']) {
      await writeFile(join(directory, name), name);
    }
    await removeCopies(path);
    expect((await readdir(directory)).sort()).toEqual(['file', 'filed', 'other-file.tmp']);
  });
});
