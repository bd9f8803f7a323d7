// Finds the files below the paths that were given: directories in sorted order, symbolic links in them not followed.
import type { Dirent, Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export type Found =
  /** `path` is for people; `location`, for the system, may be octets that are no UTF-8. */
  | { readonly kind: 'file'; readonly path: string; readonly location: string | Buffer }
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
    if (stats.isDirectory()) yield* walkDirectory(path, path);
    else if (stats.isFile()) yield { kind: 'file', path, location: path };
    else yield { kind: 'unreadable', path, problem: 'not a file' };
  }
}

/** As deep as PATH_MAX (4,096 octets, limits.h) lets a path grow: beyond it, `readdir` fails. */
async function* walkDirectory(shown: string, directory: string | Buffer): AsyncGenerator<Found> {
  let entries: Dirent<Buffer>[];
  try {
    entries = await readdir(directory, { withFileTypes: true, encoding: 'buffer' });
  } catch (error) {
    yield { kind: 'unreadable', path: shown, problem: codeOf(error) };
    return;
  }
  for (const entry of entries.sort((a, b) => Buffer.compare(a.name, b.name))) {
    const path = join(shown, entry.name.toString());
    const location = Buffer.concat([Buffer.from(directory), Buffer.from('/'), entry.name]);
    if (entry.isDirectory()) yield* walkDirectory(path, location);
    else if (entry.isFile()) yield { kind: 'file', path, location };
  }
}
