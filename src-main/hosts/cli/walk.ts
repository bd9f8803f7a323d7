// Finds the files below the paths that were given: directories in sorted order, symbolic links in them not followed.
import type { Dirent, Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export type Found =
  | { readonly kind: 'file'; readonly path: string }
  /** What the standard input brings. */
  | { readonly kind: 'stream'; readonly path: '-' }
  /** It is there and can't be read. */
  | { readonly kind: 'unreadable'; readonly path: string; readonly problem: string }
  /** A path that was given does not exist. */
  | { readonly kind: 'missing'; readonly path: string };

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

/** Walks the paths in the order given. A link that was itself given is followed. */
export async function* walk(paths: readonly string[]): AsyncGenerator<Found> {
  for (const path of paths) {
    if (path === '-') {
      yield { kind: 'stream', path };
      continue;
    }
    let stats: Stats;
    try {
      stats = await stat(path);
    } catch (error) {
      const code = codeOf(error);
      yield code === 'ENOENT' ? { kind: 'missing', path } : { kind: 'unreadable', path, problem: code };
      continue;
    }
    if (stats.isDirectory()) yield* walkDirectory(path);
    else if (stats.isFile()) yield { kind: 'file', path };
    else yield { kind: 'unreadable', path, problem: 'not a file' };
  }
}

/** As deep as PATH_MAX (4,096 octets, limits.h) lets a path grow: beyond it, `readdir` fails. */
async function* walkDirectory(directory: string): AsyncGenerator<Found> {
  let entries: Dirent[];
  try {
    entries = await readdir(directory, { withFileTypes: true });
  } catch (error) {
    yield { kind: 'unreadable', path: directory, problem: codeOf(error) };
    return;
  }
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* walkDirectory(path);
    else if (entry.isFile()) yield { kind: 'file', path };
  }
}
