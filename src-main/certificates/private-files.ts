// Small files that only their owner may read, written whole or not at all: a temporary file, synced, then put in
// place by one system call. Knows nothing of what is in them.
import { randomBytes } from 'node:crypto';
import { link, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const hasCode = (error: unknown, code: string) =>
  error instanceof Error && 'code' in error && error.code === code;

/** The text of a file, or undefined when there is none. Throws when it is there and can't be read. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function write(path: string, text: string, place: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await place(temporary);
    await syncDirectory(dirname(path));
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Gives a file a second name, unless that one is taken. */
async function linkUnlessTaken(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
}

/** Puts a file there unless one is there already: of two processes one wins, and the file is whole. */
export async function createPrivateFile(path: string, text: string): Promise<void> {
  await write(path, text, (temporary) => linkUnlessTaken(temporary, path));
}

/** Puts a file there in place of what was. */
export async function replacePrivateFile(path: string, text: string): Promise<void> {
  await write(path, text, (temporary) => rename(temporary, path));
}

/**
 * Moves a file aside if its text is still what was read, and gives its new name. Undefined: another process has moved
 * or renewed it meanwhile, and what it put there stays.
 */
export async function moveAside(path: string, text: string): Promise<string | undefined> {
  const aside = `${path}.replaced-${randomBytes(4).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  if ((await readIfPresent(aside)) === text) return aside;
  await linkUnlessTaken(aside, path);
  await rm(aside);
  return undefined;
}

/** Puts one file in the place of another, in one step. False: there is none any more, and all stays as it was. */
export async function moveOver(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
  await syncDirectory(dirname(to));
  return true;
}

/** Removes what these functions have left beside a file: what was moved aside, what a crash left half written. */
export async function removeCopies(path: string): Promise<void> {
  const directory = dirname(path);
  const names = await readdir(directory);
  const copies = names.filter((name) => name.startsWith(`${basename(path)}.`));
  await Promise.all(copies.map((name) => rm(join(directory, name), { force: true })));
  await syncDirectory(directory);
}
