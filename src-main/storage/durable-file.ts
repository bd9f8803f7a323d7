// Files that are whole or absent, also after a crash, a full disk or a loss of power: written beside their place,
// synced, and moved into it. Knows nothing of what is in them.
import { open as openFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What is used of an open file. */
export interface WritableFile {
  write(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number | null,
  ): Promise<{ readonly bytesWritten: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** `open` of `node:fs/promises`; tests put one in its place whose disk is full. */
export type OpenFile<File> = (path: string, flags: string, mode: number) => Promise<File>;

/** Writes all octets where the file stands. One call may write fewer than it was given (write(2)). */
export async function writeAll(file: Pick<WritableFile, 'write'>, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, null);
    at += bytesWritten;
  }
}

/** Makes names in a directory as lasting as the files that they name (fsync(2)). */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await openFile(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

const temporarySuffix = '.tmp';

/** Whether a file is one that was being written; a crash leaves it behind. */
export function isTemporary(name: string): boolean {
  return name.endsWith(temporarySuffix);
}

/**
 * Puts a file (0600) at `path`, in place of any that was there. Once it resolves the file lasts; when it rejects what
 * was there is still there. One writer at a time.
 */
export async function placeFile(
  path: string,
  fill: (file: WritableFile) => Promise<void>,
  open: OpenFile<WritableFile> = openFile,
): Promise<void> {
  const temporary = `${path}${temporarySuffix}`;
  await rm(temporary, { force: true });
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await fill(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}
