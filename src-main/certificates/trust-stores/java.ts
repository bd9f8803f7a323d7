// Java installations with authorities of their own (`cacerts`), read and changed by the keytool that each of them brings.
import { constants } from 'node:fs';
import { access, chmod, copyFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  failed,
  type Machine,
  type Outcome,
  type StoreKind,
  type StoreState,
  stateOf,
  unchanged,
} from './found-store.ts';
import type { JavaHome, JavaHomes } from './java-homes.ts';
import { followOwn, readSmallFile, statOf } from './own-files.ts';
import { aliasOf, holdsRoot } from './root-certificate.ts';
import { detailOf, type RunResult } from './run-program.ts';
import type { Root } from './store.ts';

/** 150 authorities are 180 KB. */
const maxStoreBytes = 16 * 1024 * 1024;

/** The password of every `cacerts`; it keeps nothing secret. */
const password = ['-storepass', 'changeit'] as const;

/** Java's own format before PKCS #12: its first octets. Certificates stand in it as they are. */
const jksMagic = Buffer.from([0xfe, 0xed, 0xfe, 0xed]);

interface Listing {
  readonly mtimeMs: number;
  /** All certificates as PEM, or why they can't be told. */
  readonly text: Buffer | string;
}

export function javaStores(machine: Machine, homes: () => Promise<JavaHomes>): StoreKind {
  /** keytool takes a second: what it said stands as long as the file does. */
  const listings = new Map<string, Listing>();

  /** The keytool of this installation, unless somebody could have put another in its place. */
  async function keytool(home: JavaHome, args: readonly string[], input = ''): Promise<RunResult> {
    for (const place of ['bin/keytool', 'jre/bin/keytool']) {
      const tool = await followOwn(join(home.path, place), machine.uid);
      const isTrusted = tool?.stat.uid === 0 || tool?.stat.uid === machine.uid;
      if (tool?.stat.isFile() && isTrusted)
        return await machine.run(tool.path, [...args, ...password], { input });
    }
    return { kind: 'missing' };
  }

  /** The certificates in it, as octets to look for one in; a text says why they can't be told. */
  async function contentsOf(home: JavaHome): Promise<Buffer | string> {
    const file = await readSmallFile(home.cacerts, maxStoreBytes);
    if (file.kind !== 'text') return file.kind === 'absent' ? 'it is gone' : file.detail;
    if (file.bytes.subarray(0, jksMagic.length).equals(jksMagic)) return file.bytes;
    const known = listings.get(home.cacerts);
    if (known?.mtimeMs === file.mtimeMs) return known.text;
    // PKCS #12 may have its certificates encrypted.
    const result = await keytool(home, ['-list', '-rfc', '-keystore', home.cacerts]);
    const isGood = result.kind === 'ended' && result.exitCode === 0;
    const text = isGood ? Buffer.from(result.stdout) : `keytool: ${detailOf(result)}`;
    if (isGood) listings.set(home.cacerts, { mtimeMs: file.mtimeMs, text });
    return text;
  }

  /** It is replaced whole, so that a crash leaves the old one; a file of another user would become ours. */
  async function isWritable({ cacerts }: JavaHome): Promise<boolean> {
    if ((await statOf(cacerts))?.uid !== machine.uid) return false;
    try {
      await access(dirname(cacerts), constants.W_OK);
      return true;
    } catch {
      // A directory of another user, or a file system that is read only.
      return false;
    }
  }

  async function change(home: JavaHome, args: readonly string[], input = ''): Promise<Outcome | undefined> {
    const draft = join(dirname(home.cacerts), `.${basename(home.cacerts)}.postern`);
    try {
      await rm(draft, { force: true });
      const file = await readSmallFile(home.cacerts, maxStoreBytes);
      await copyFile(home.cacerts, draft, constants.COPYFILE_EXCL);
      const result = await keytool(home, [...args, '-keystore', draft], input);
      if (result.kind === 'missing') return failed('trust-tool-missing', `no keytool in ${home.path}`);
      if (result.kind === 'failed' || result.exitCode !== 0) {
        return failed('trust-store-failed', `keytool: ${detailOf(result)}`);
      }
      const now = await readSmallFile(home.cacerts, maxStoreBytes);
      if (file.kind !== 'text' || now.kind !== 'text' || !file.bytes.equals(now.bytes)) {
        return failed('trust-store-failed', 'changed by another program meanwhile');
      }
      await chmod(draft, (await statOf(home.cacerts))?.mode ?? 0o644);
      await rename(draft, home.cacerts);
      return undefined;
    } catch (error) {
      return failed('trust-store-failed', error instanceof Error ? error.message : 'not written');
    } finally {
      await rm(draft, { force: true });
    }
  }

  const holds = (contents: Buffer | string, root: Root) =>
    typeof contents !== 'string' && holdsRoot(contents, root);

  const storeId = (home: JavaHome) => `java:${home.cacerts}`;

  async function state(home: JavaHome, roots: readonly Root[]): Promise<StoreState> {
    const contents = await contentsOf(home);
    const fix = (await isWritable(home)) ? 'own' : 'by-hand';
    if (typeof contents === 'string') {
      return { state: 'unavailable', reason: 'trust-store-failed', detail: contents, fix };
    }
    const state = stateOf(roots.map((root) => holds(contents, root)));
    if (state === 'trusted' || fix === 'own') return { state, fix };
    return { state, fix, detail: byHand(home, roots) };
  }

  async function install(home: JavaHome, root: Root): Promise<Outcome> {
    const contents = await contentsOf(home);
    if (typeof contents === 'string') return failed('trust-store-failed', contents);
    if (holds(contents, root)) return unchanged;
    if (!(await isWritable(home))) return failed('trust-denied', byHand(home, [root]));
    await machine.journal.record(storeId(home), root.facts.sha256, { kind: 'absent' });
    const problem = await change(home, ['-importcert', '-noprompt', '-alias', aliasOf(root)], root.pem);
    if (problem) return problem;
    if (holds(await contentsOf(home), root)) return { action: 'installed' };
    return failed('trust-store-failed', 'keytool said that it was done, but it was not');
  }

  async function remove(home: JavaHome, root: Root): Promise<Outcome> {
    const { sha256 } = root.facts;
    if (!holds(await contentsOf(home), root)) {
      await machine.journal.forget(storeId(home), sha256);
      return unchanged;
    }
    // Under another name it is a person's.
    const named = await keytool(home, [
      '-exportcert',
      '-rfc',
      '-alias',
      aliasOf(root),
      '-keystore',
      home.cacerts,
    ]);
    if (named.kind !== 'ended') return failed('trust-tool-missing', detailOf(named));
    if (named.exitCode !== 0 || !holdsRoot(Buffer.from(named.stdout), root)) return unchanged;
    if (!(await isWritable(home))) return failed('trust-denied', `${home.cacerts} is not writable`);
    const problem = await change(home, ['-delete', '-alias', aliasOf(root)]);
    if (problem) return problem;
    await machine.journal.forget(storeId(home), sha256);
    return { action: 'removed' };
  }

  return {
    async find() {
      const { own } = await homes();
      return own.map((home) => ({
        id: storeId(home),
        kind: 'java',
        programs: ['Java'],
        name: home.name,
        path: home.cacerts,
        running: false,
        state: (roots) => state(home, roots),
        install: (root) => install(home, root),
        remove: (root) => remove(home, root),
      }));
    },
  };
}

/** What a person with the rights for it runs. */
function byHand(home: JavaHome, [root]: readonly Root[]): string {
  const alias = root === undefined ? 'postern' : aliasOf(root);
  return `${join(home.path, 'bin/keytool')} -importcert -alias ${alias} -keystore ${home.cacerts} -storepass changeit -file EXPORTED.pem`;
}
