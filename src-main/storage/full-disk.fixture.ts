// A disk for tests that takes a given number of octets, by writes that may fall short, and then is full.
import { type FileHandle, open } from 'node:fs/promises';
import type { SpoolFile } from './spool.ts';

export class FullDisk {
  #roomBytes: number;
  /** Called before each write; tests hold writes up with it. */
  beforeWrite: () => Promise<void> = async () => undefined;
  /** Sizes of the writes that were asked for. */
  readonly writes: number[] = [];

  constructor(roomBytes: number) {
    this.#roomBytes = roomBytes;
  }

  readonly open = async (path: string, flags: string, mode: number): Promise<SpoolFile> => {
    const file: FileHandle = await open(path, flags, mode);
    return {
      read: file.read.bind(file),
      sync: () => file.sync(),
      close: () => file.close(),
      write: async (bytes, offset, length, position) => {
        this.writes.push(length);
        await this.beforeWrite();
        const taken = Math.min(length, this.#roomBytes);
        if (taken === 0 && length > 0) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
        this.#roomBytes -= taken;
        return await file.write(bytes, offset, taken, position);
      },
    };
  };
}
