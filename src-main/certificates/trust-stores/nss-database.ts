// One NSS database (cert9.db, key4.db) with a root of ours in it or not. Such databases are shared: NSS itself allows
// changes while a program has them open. What a person has put there stays theirs, also the trust that they gave it.
import { join } from 'node:path';
import { byHandDetail, type Certutil, createCertutil } from './certutil.ts';
import {
  failed,
  type Machine,
  type Outcome,
  type Problem,
  type StoreState,
  stateOf,
  unchanged,
} from './found-store.ts';
import type { Before } from './journal.ts';
import { findCertificate } from './nss-rows.ts';
import { followOwn, statOf } from './own-files.ts';
import { derOf, nicknameOf, ownNicknameOf } from './root-certificate.ts';
import type { Root } from './store.ts';

export interface NssDatabase {
  state(roots: readonly Root[]): Promise<StoreState>;
  /** Makes the database where there is none yet. */
  install(root: Root): Promise<Outcome>;
  remove(root: Root): Promise<Outcome>;
}

/** A profile with the certificates of years of mail has some 5 MB. */
const maxDatabaseBytes = 256 * 1024 * 1024;

type Found =
  /** The root is there under this name. */
  | { readonly kind: 'present'; readonly nickname: string; readonly flags: string }
  /** `isNew`: there is no database yet. */
  | { readonly kind: 'absent'; readonly isNew: boolean }
  | { readonly kind: 'problem'; readonly problem: Problem };

const problem = (detail: string, fix: Problem['fix'] = 'by-hand'): Found => ({
  kind: 'problem',
  problem: { reason: 'trust-store-failed', detail, fix },
});

const tlsPart = (flags: string) => flags.split(',')[0] ?? '';
const isTrusting = (found: Found) => found.kind === 'present' && tlsPart(found.flags).includes('C');
const isDistrusting = (found: Found) => found.kind === 'present' && tlsPart(found.flags).includes('p');

/** The same trust, and that of an authority for TLS servers. `c` is less, and `P` another thing than that. */
const withTrust = (flags: string) => flags.replace(/^[^,]*/, (tls) => (tls.includes('T') ? 'CT' : 'C'));

const distrusted = 'marked there as not to be trusted';

const failedBy = ({ reason, detail }: Problem): Outcome => failed(reason, detail);

/** Where the database lies, and undefined when there is none yet; a directory that isn't this user's is a problem. */
async function lookForFile(directory: string, uid: number): Promise<string | undefined | Found> {
  const place = await followOwn(directory, uid);
  if (!place?.stat.isDirectory() || place.stat.uid !== uid)
    return problem(`no directory of this user: ${directory}`);
  for (const name of ['cert9.db', 'key4.db', 'pkcs11.txt']) {
    const path = join(place.path, name);
    if ((await statOf(path)) === undefined) continue;
    const file = await followOwn(path, uid);
    const isGood = file?.stat.isFile() && file.stat.uid === uid && file.stat.size <= maxDatabaseBytes;
    if (!isGood) return problem(`no file of this user: ${path}`);
  }
  const database = join(place.path, 'cert9.db');
  if (await statOf(database)) return database;
  if (!(await statOf(join(place.path, 'cert8.db')))) return undefined;
  return problem('cert8.db is of the old kind (dbm): start the program once, and it makes a new one');
}

async function look(directory: string, uid: number, certutil: Certutil, root: Root): Promise<Found> {
  const path = await lookForFile(directory, uid);
  if (path === undefined) return { kind: 'absent', isNew: true };
  if (typeof path !== 'string') return path;
  const row = findCertificate(path, derOf(root));
  if (row.kind === 'absent') return { kind: 'absent', isNew: false };
  if (row.kind === 'unreadable') return problem(`cert9.db: ${row.detail}`, 'own');
  const { nickname } = row;
  if (nickname === undefined) return problem(`it is there without a name: ${byHandDetail}`);
  const trust = await certutil.flags(nickname);
  return 'flags' in trust
    ? { kind: 'present', nickname, flags: trust.flags }
    : { kind: 'problem', problem: trust };
}

/** `store`: the id that the journal knows it by. */
export function openNssDatabase(machine: Machine, store: string, directory: string): NssDatabase {
  const { journal, uid } = machine;
  const certutil = createCertutil(machine.run, directory);
  const find = (root: Root) => look(directory, uid, certutil, root);

  async function state(roots: readonly Root[]): Promise<StoreState> {
    const found: Found[] = [];
    for (const root of roots) found.push(await find(root));
    const state = stateOf(found.map(isTrusting));
    const bad = found.find((each) => each.kind === 'problem');
    if (bad) return { state: 'unavailable', ...bad.problem };
    if (state === 'trusted') return { state, fix: 'own' };
    if (found.some(isDistrusting)) return { state, detail: distrusted, fix: 'by-hand' };
    const hindrance = await certutil.probe();
    if (!hindrance) return { state, fix: 'own' };
    // What is trusted already stays so, whatever keeps us from adding to it.
    return { state: state === 'partly' ? state : 'unavailable', ...hindrance };
  }

  /** What was there before us, unless it is what we have left there ourselves. */
  async function recordBefore(root: Root, found: Found): Promise<void> {
    const before: Before =
      found.kind === 'present'
        ? { kind: 'present', nickname: found.nickname, flags: found.flags }
        : { kind: 'absent' };
    const known = await journal.find(store, root.facts.sha256);
    const isOurs = found.kind === 'present' && found.nickname === nicknameOf(root);
    if (!(isOurs && known)) await journal.record(store, root.facts.sha256, before);
  }

  async function install(root: Root): Promise<Outcome> {
    const found = await find(root);
    if (found.kind === 'problem') return failedBy(found.problem);
    if (isTrusting(found)) {
      // A person's own: it stays when ours would go.
      const known = await journal.find(store, root.facts.sha256);
      if (!known) await recordBefore(root, found);
      return unchanged;
    }
    if (isDistrusting(found)) return failed('trust-denied', distrusted);
    // Without the password certutil adds a certificate all the same, and fails to trust it.
    const hindrance = await certutil.probe();
    if (hindrance) return failedBy(hindrance);
    await recordBefore(root, found);
    const isNew = found.kind === 'absent' && found.isNew && !(await statOf(join(directory, 'key4.db')));
    const said =
      (isNew ? await certutil.create() : undefined) ??
      (found.kind === 'present'
        ? await certutil.setFlags(found.nickname, withTrust(found.flags))
        : await certutil.add(nicknameOf(root), root.pem));
    const after = await find(root);
    if (isTrusting(after)) return { action: 'installed' };
    // Half done: a busy database may have taken the certificate and not its trust.
    await remove(root);
    if (said) return failedBy(said);
    return failed('trust-store-failed', 'certutil said that it was done, but it was not');
  }

  async function restore(root: Root, found: Found, before: Before | undefined): Promise<Problem | undefined> {
    if (found.kind !== 'present') return undefined;
    if (before?.kind === 'present' && before.nickname === found.nickname) {
      // For mail and for code we have changed nothing; without trust for TLS a person has taken it back already.
      const flags = found.flags.replace(/^[^,]*/, tlsPart(before.flags));
      return isTrusting(found) && flags !== found.flags
        ? await certutil.setFlags(found.nickname, flags)
        : undefined;
    }
    // What Thunderbird has taken from its policy stays in the profile when the policy goes.
    const isOurs = found.nickname === nicknameOf(root) || (!before && found.nickname === ownNicknameOf(root));
    return isOurs ? await certutil.delete(found.nickname) : undefined;
  }

  async function remove(root: Root): Promise<Outcome> {
    const { sha256 } = root.facts;
    const before = await journal.find(store, sha256);
    const found = await find(root);
    if (found.kind === 'problem') return failedBy(found.problem);
    const said = await restore(root, found, before);
    const after = await find(root);
    if (said) return failedBy(said);
    if (after.kind === 'problem') return failedBy(after.problem);
    if (before) await journal.forget(store, sha256);
    return isSame(found, after) ? unchanged : { action: 'removed' };
  }

  return { state, install, remove };
}

function isSame(one: Found, other: Found): boolean {
  if (one.kind !== 'present' || other.kind !== 'present') return one.kind === other.kind;
  return one.nickname === other.nickname && one.flags === other.flags;
}
