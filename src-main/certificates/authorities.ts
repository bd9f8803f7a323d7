// The authorities as files: the root, the one that is to follow it, and the one that nobody trusts. Certificate and key
// are one file each, and each change is one system call, so that a crash between any two leaves what the next start
// goes on from. The files decide, for another process may have changed them.
import { generateKeyPair, randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { certificatePem, commonNameLength, type Issuer, makeAuthority, type Validity } from './forge.ts';
import { parsePemBundle } from './pem-bundle.ts';
import {
  createPrivateFile,
  moveAside,
  moveOver,
  readIfPresent,
  removeCopies,
  replacePrivateFile,
} from './private-files.ts';

export interface Authority extends Issuer {
  readonly pem: string;
  readonly validity: Validity;
}

export interface Roots {
  /** Signs. */
  readonly present: Authority;
  /** Is to sign next; nobody has seen a leaf of it. */
  readonly successor: Authority | undefined;
}

export interface AuthorityFilesOptions {
  /** Has to be there. */
  readonly directory: string;
  readonly hostname: string;
  readonly now: () => Date;
  /** A file that could not be read as an authority, or whose authority has ended, was moved aside. */
  readonly onMovedAside: (path: string, movedTo: string) => void;
}

/** All reject when the directory can't be read or written; what is there then stays. */
export interface AuthorityFiles {
  /** The roots as they lie there; the successor takes the place of a root that is gone, damaged or at its end. */
  roots(): Promise<Roots>;
  untrusted(): Promise<Authority>;
  /** Makes a successor unless there is one. */
  makeSuccessor(): Promise<void>;
  /** Makes the successor the root. False: there is none. */
  promote(): Promise<boolean>;
  /** Makes a new root in place of the present one, and leaves no key of an earlier one. */
  replace(): Promise<void>;
}

/** The root lives as long as an installation; a new one has to be trusted anew by every program. */
const authorityYears = 10;

/** A clock that was a little fast when the authority was made must not make it "not yet valid". */
const authorityBackdateMs = 24 * 60 * 60 * 1000;

/** Each round ends with an authority unless another process is at the same file at the same time. */
const maxRounds = 8;

/** A machine has a handful of roots in its life; two of them have the same mark once in four thousand million. */
const markBytes = 4;

const newKeyPair = promisify(generateKeyPair);

async function newAuthority(commonName: string, now: Date): Promise<string> {
  const { publicKey, privateKey } = await newKeyPair('ec', { namedCurve: 'P-256' });
  const notBefore = new Date(now.getTime() - authorityBackdateMs);
  const notAfter = new Date(now);
  notAfter.setUTCFullYear(now.getUTCFullYear() + authorityYears);
  const der = makeAuthority({ commonName, publicKey, privateKey, validity: { notBefore, notAfter } });
  return certificatePem(der) + privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function parseAuthority(text: string): Authority | undefined {
  const bundle = parsePemBundle(text);
  if (!bundle?.certificate.ca || bundle.key.asymmetricKeyType !== 'ec') return undefined;
  const { raw: der, validFromDate: notBefore, validToDate: notAfter } = bundle.certificate;
  return { der, key: bundle.key, pem: certificatePem(der), validity: { notBefore, notAfter } };
}

/** A file that there is; without an authority it is damaged. */
interface Found {
  readonly text: string;
  readonly authority: Authority | undefined;
}

async function find(path: string): Promise<Found | undefined> {
  const text = await readIfPresent(path);
  return text === undefined ? undefined : { text, authority: parseAuthority(text) };
}

export function createAuthorityFiles(options: AuthorityFilesOptions): AuthorityFiles {
  const { directory, now } = options;
  const rootPath = join(directory, 'authority.pem');
  const successorPath = join(directory, 'successor.pem');
  const untrustedPath = join(directory, 'untrusted-authority.pem');

  /** Of two roots with one name, some verifiers try the wrong one, and NSS has one nickname for both: each has a mark. */
  async function newRoot(): Promise<string> {
    const mark = ` ${randomBytes(markBytes).toString('hex')}`;
    const name = `Postern ${options.hostname}`.slice(0, commonNameLength - mark.length).trimEnd();
    return await newAuthority(name + mark, now());
  }

  const inForce = (found: Found | undefined) =>
    found?.authority && now() < found.authority.validity.notAfter ? found.authority : undefined;

  async function setAside(path: string, text: string): Promise<void> {
    const movedTo = await moveAside(path, text);
    if (movedTo !== undefined) options.onMovedAside(path, movedTo);
  }

  /** Does one step at a time until `look` finds what it looks for. */
  async function inRounds<Result>(path: string, look: () => Promise<Result | undefined>): Promise<Result> {
    for (let round = 0; round < maxRounds; round++) {
      const result = await look();
      if (result !== undefined) return result;
    }
    throw new Error(`${path} is changed by others as fast as it is made`);
  }

  async function lookForRoots(): Promise<Roots | undefined> {
    // In this order: a promotion between the two leaves no successor here, never the same authority twice.
    const root = await find(rootPath);
    const next = await find(successorPath);
    const present = inForce(root);
    const successor = inForce(next);
    if (next && !successor) await setAside(successorPath, next.text);
    else if (present) return { present, successor };
    else if (root && !(root.authority && successor)) await setAside(rootPath, root.text);
    else if (successor) await moveOver(successorPath, rootPath);
    else await createPrivateFile(rootPath, await newRoot());
    return undefined;
  }

  async function lookForUntrusted(): Promise<Authority | undefined> {
    const found = await find(untrustedPath);
    const authority = inForce(found);
    if (authority) return authority;
    if (found && !found.authority) {
      await setAside(untrustedPath, found.text);
      return undefined;
    }
    const text = await newAuthority('Postern untrusted certificate', now());
    // Nobody trusts it, so nobody has to hear that it has ended, and of two processes either may have its own.
    if (found) await replacePrivateFile(untrustedPath, text);
    else await createPrivateFile(untrustedPath, text);
    return undefined;
  }

  return {
    roots: () => inRounds(rootPath, lookForRoots),
    untrusted: () => inRounds(untrustedPath, lookForUntrusted),
    async makeSuccessor() {
      await createPrivateFile(successorPath, await newRoot());
    },
    promote: () => moveOver(successorPath, rootPath),
    async replace() {
      const text = await newRoot();
      // The keys that nothing signs with go first, so that the last step leaves none but the new one. Whoever could read
      // the root's key could read theirs.
      await rm(successorPath, { force: true });
      await removeCopies(successorPath);
      await removeCopies(rootPath);
      await replacePrivateFile(rootPath, text);
    },
  };
}
