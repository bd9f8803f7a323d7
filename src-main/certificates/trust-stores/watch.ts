// Notices that stores have come or gone: by the kernel's word on a few directories, and by a look every ten minutes for
// what that misses, or where the kernel has no watch left to give.
import { watch as watchDirectory } from 'node:fs';

/** Calls back once after the delay; gives a function that takes it back. */
export type After = (delayMs: number, callback: () => void) => () => void;

/** Names that may tell of a store, in the directories that are watched. */
const tellingNames = new Set(['profiles.ini', 'cert9.db', '.thunderbird', '.pki', 'nssdb']);

/** A new profile is a burst of files; certificates are in its database a moment later. */
export const debounceMs = 2_000;

export const rescanMs = 10 * 60 * 1000;

/** inotify's limits are for all programs of a user, 128 watches in all on old kernels. */
const maxDirectories = 60;

type WatchDirectory = (
  path: string,
  onEvent: (name: string | null) => void,
  onError: () => void,
) => { close(): void };

const watchByKernel: WatchDirectory = (path, onEvent, onError) => {
  const watcher = watchDirectory(path, { persistent: false }, (_, name) => onEvent(name));
  watcher.on('error', onError);
  return watcher;
};

export interface WatchOptions {
  /** What is there: its directories, of which those are watched that exist, and a text that differs where stores differ. */
  readonly look: () => Promise<{ readonly directories: readonly string[]; readonly stores: string }>;
  readonly onChange: () => void;
  readonly after: After;
  /** The kernel gives no more watches. */
  readonly onExhausted: (code: string) => void;
  readonly watchDirectory?: WatchDirectory;
}

const codeOf = (error: unknown) =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown';

/** Gives a function that ends it. */
export function watchStores(options: WatchOptions): () => void {
  const { look, onChange, after, watchDirectory: start = watchByKernel } = options;
  const watchers = new Map<string, { close(): void }>();
  let isExhausted = false;
  let isEnded = false;
  let known: string | undefined;
  let cancelRescan: (() => void) | undefined;
  let cancelDebounce: (() => void) | undefined;

  function unwatch(path: string): void {
    watchers.get(path)?.close();
    watchers.delete(path);
  }

  function onEvent(name: string | null): void {
    if (isEnded || cancelDebounce || (name !== null && !tellingNames.has(name))) return;
    cancelDebounce = after(debounceMs, () => {
      cancelDebounce = undefined;
      void scan();
    });
  }

  function watchOne(path: string): void {
    if (isExhausted) return;
    try {
      watchers.set(
        path,
        start(path, onEvent, () => unwatch(path)),
      );
    } catch (error) {
      const code = codeOf(error);
      // A directory that isn't there, or not ours to read: the next look tries again.
      if (code !== 'ENOSPC' && code !== 'EMFILE') return;
      isExhausted = true;
      for (const watched of [...watchers.keys()]) unwatch(watched);
      options.onExhausted(code);
    }
  }

  async function scan(): Promise<void> {
    const { directories, stores } = await look();
    if (isEnded) return;
    // All anew: a directory that was removed and made again is another one for the kernel.
    for (const path of [...watchers.keys()]) unwatch(path);
    for (const path of directories.slice(0, maxDirectories)) watchOne(path);
    const isNew = known !== undefined && known !== stores;
    known = stores;
    if (isNew) onChange();
  }

  function rescan(): void {
    cancelRescan = after(rescanMs, () => {
      rescan();
      void scan();
    });
  }

  rescan();
  void scan();
  return () => {
    isEnded = true;
    cancelRescan?.();
    cancelDebounce?.();
    for (const path of [...watchers.keys()]) unwatch(path);
  };
}
