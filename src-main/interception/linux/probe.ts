// What this machine has of what the kernel's redirect needs. Changes nothing.
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';

interface NftProgram {
  readonly path: string;
  /** `1.0.6`, as it names itself; absent when it does not run. */
  readonly version?: string | undefined;
}

export interface Probe {
  /** Only root may hold an nft table. */
  readonly privileged: boolean;
  readonly nft: NftProgram | undefined;
}

export interface ProbeOptions {
  readonly uid: number;
  /** The program itself, instead of a search. */
  readonly nftPath?: string | undefined;
  /** Folders as in PATH; /usr/sbin and /sbin, which users' PATHs lack, come first. */
  readonly searchPath?: string | undefined;
}

/** `nft --version` only prints; one that hangs is as good as none. */
const versionMs = 1_000;

async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function findNft({ nftPath, searchPath = '' }: ProbeOptions): Promise<string | undefined> {
  const folders = ['/usr/sbin', '/sbin', ...searchPath.split(delimiter)];
  const candidates =
    nftPath === undefined ? folders.filter(isAbsolute).map((folder) => join(folder, 'nft')) : [nftPath];
  for (const candidate of candidates) if (await isExecutable(candidate)) return candidate;
  return undefined;
}

async function versionOf(path: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: versionMs });
    return /\bv([0-9.]+)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

/** Looks; never throws. */
export async function probe(options: ProbeOptions): Promise<Probe> {
  const path = await findNft(options);
  return {
    privileged: options.uid === 0,
    nft: path === undefined ? undefined : { path, version: await versionOf(path) },
  };
}
