// The untrusted leaves on disk: an exception that a person stored in a mail program covers one certificate, so that
// one must come again after a restart. One file each, named by the server's certificate and the kind of the leaf's key.
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeyKind } from './forge.ts';
import type { Leaf } from './leaf.ts';
import { parsePemBundle } from './pem-bundle.ts';
import { readIfPresent, replacePrivateFile } from './private-files.ts';

/** Servers with a bad certificate that a person made an exception for are few; what only fills the disk goes. */
export const maxKeptLeaves = 500;

export interface KeptLeavesOptions {
  /** Made when it is missing, for its owner alone. */
  readonly directory: string;
  readonly now: () => Date;
  /** A leaf could not be read or stored; it is used all the same. */
  readonly onFailure: (path: string, error: unknown) => void;
}

export interface KeptLeaves {
  /** The leaf with a key of this kind that was kept under this name, else the one that `mint` gives, kept from now on. */
  get(name: string, keyKind: KeyKind, mint: () => Leaf): Promise<Leaf>;
}

async function read(path: string, keyKinds: readonly string[], now: Date): Promise<Leaf | undefined> {
  const bundle = parsePemBundle((await readIfPresent(path)) ?? '');
  if (!bundle || !keyKinds.includes(bundle.key.asymmetricKeyType ?? '')) return undefined;
  // The time of last use decides which leaves stay.
  await utimes(path, now, now);
  return { certPem: bundle.certificatesPem, keyPem: bundle.keyPem };
}

/** Removes the leaves that were used longest ago. */
async function prune(directory: string): Promise<void> {
  const names = await readdir(directory);
  if (names.length <= maxKeptLeaves) return;
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(directory, name);
      return { path, usedAtMs: (await stat(path)).mtimeMs };
    }),
  );
  files.sort((a, b) => b.usedAtMs - a.usedAtMs);
  await Promise.all(files.slice(maxKeptLeaves).map(({ path }) => rm(path, { force: true })));
}

export async function openKeptLeaves(options: KeptLeavesOptions): Promise<KeptLeaves> {
  const { directory, now, onFailure } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });

  /** A disk that fails takes the memory of an exception, not the mail: the client asks its user again. */
  async function tried<Result>(path: string, work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work();
    } catch (error) {
      onFailure(path, error);
      return undefined;
    }
  }

  return {
    async get(name, keyKind, mint) {
      const path = join(directory, `${name}-${keyKind}.pem`);
      const kept = await tried(path, () => read(path, [keyKind], now()));
      if (kept) return kept;
      // Written when one leaf, with a key of the server's own kind, served every client. Exceptions for it go on: an RSA
      // key is good for a client that can do both, for with that server it has to do RSA itself.
      const earlier = join(directory, `${name}.pem`);
      const inherited = await tried(earlier, () => read(earlier, [keyKind, 'rsa'], now()));
      if (inherited) return inherited;
      const leaf = mint();
      await tried(path, async () => {
        await replacePrivateFile(path, leaf.certPem + leaf.keyPem);
        await utimes(path, now(), now());
        await prune(directory);
      });
      return leaf;
    },
  };
}
