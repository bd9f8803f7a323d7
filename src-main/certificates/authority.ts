// The certificates that clients see: a root of our own for servers that are trusted, a second authority that nobody
// trusts for those that are not, and leaves that say what the server's certificate says. Opens no socket.
import { createHash, generateKeyPair, type KeyObject, X509Certificate } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Authority, createAuthorityFiles, type Roots } from './authorities.ts';
import { certificateFacts } from './certificate-facts.ts';
import { certificatePem, type KeyKind, mintLeaf, type Validity } from './forge.ts';
import { openKeptLeaves } from './kept-leaves.ts';
import type { Leaf } from './leaf.ts';
import { createLeafCache } from './leaf-cache.ts';
import { readIfPresent, replacePrivateFile } from './private-files.ts';
import type { Root } from './trust-stores/store.ts';

export type { Leaf };

/** What went wrong without stopping the work; for the log and for the user. */
export type CertificateProblem =
  /** An authority that could not be read or has ended was moved aside; clients must trust the new one. */
  | { readonly kind: 'authority-replaced'; readonly path: string; readonly movedTo: string }
  /** An untrusted leaf could not be stored: an exception for it ends with this process. */
  | { readonly kind: 'leaf-not-kept'; readonly path: string; readonly error: unknown };

export interface CertificatesOptions {
  /** Made when it is missing, for its owner alone. */
  readonly directory: string;
  /** Name of this machine, for people who look at the root. */
  readonly hostname: string;
  readonly now: () => Date;
  readonly onProblem?: (problem: CertificateProblem) => void;
  /** After each change of what `roots` gives. */
  readonly onRootsChanged?: () => void;
}

/** What changes the roots is done one after the other, and rejects when the directory can't be read or written: the
 *  roots then stay what they were, and a later call goes on from there. Sessions and leaves that were given out stay. */
export interface Certificates {
  /** The certificates of all roots as a file (PEM), for trust stores. */
  readonly caPath: string;
  /**
   * A leaf for a server's certificate (DER), with a key that the client can verify: by the root when the server is
   * trusted, else by the untrusted authority and kept on disk, so that an exception which a person stored in a mail
   * program goes on to cover it. Rejects when the DER is no certificate.
   */
  leafFor(upstream: {
    readonly der: Uint8Array;
    readonly trusted: boolean;
    readonly keyKind: KeyKind;
  }): Promise<Leaf>;
  /** The present one, then the one that is to follow it, where there is one. */
  roots(): readonly Root[];
  /** Makes a new root at once, for a key that may be known to others; nothing of the old one is kept. */
  replace(): Promise<void>;
  /**
   * Follows the calendar, and what another process did to the files. From 90 days before the root's end there is a
   * successor, and 14 days before its end it is promoted: not by the call that made it, though, unless the root has
   * ended, so that there is a moment to bring it into the stores.
   */
  maintain(): Promise<void>;
  /** Makes the successor the root. False: there is none. */
  promote(): Promise<boolean>;
}

const dayMs = 24 * 60 * 60 * 1000;

/** Time to bring a successor into every store, those that ask an administrator too, while both are good. */
const successorMs = 90 * dayMs;

/** A machine may be off for a holiday, and no leaf outlives its root. */
const promoteMs = 14 * dayMs;

/** All of a leaf's life; below what programs will accept of a server (47 days by the CA/Browser Forum's ballot SC-081). */
const leafMs = 45 * dayMs;

/** A clock that is set back a little must not make a leaf "not yet valid". */
const leafBackdateMs = dayMs;

/** Well before a cached leaf ends. */
const leafRenewMs = 30 * dayMs;

const newKeyPair = promisify(generateKeyPair);

interface LeafKey {
  readonly publicKey: KeyObject;
  /** PKCS #8. */
  readonly pem: string;
}

async function newLeafKey(kind: KeyKind): Promise<LeafKey> {
  const { publicKey, privateKey } =
    kind === 'rsa'
      ? await newKeyPair('rsa', { modulusLength: 2048 })
      : await newKeyPair('ec', { namedCurve: 'P-256' });
  return { publicKey, pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** Inside the server's own validity and the authority's, and short. */
function trustedValidity(server: X509Certificate, root: Authority, now: Date): Validity {
  const fromMs = now.getTime() - leafBackdateMs;
  const earliest = Math.max(
    server.validFromDate.getTime(),
    root.validity.notBefore.getTime(),
    // Whole seconds, as certificates have.
    Math.floor(fromMs / 1_000) * 1_000,
  );
  const latest = Math.min(server.validToDate.getTime(), root.validity.notAfter.getTime(), fromMs + leafMs);
  return { notBefore: new Date(earliest), notAfter: new Date(latest) };
}

function mint(server: Uint8Array, issuer: Authority, key: LeafKey, validity: Validity | 'as-server'): Leaf {
  const leaf = mintLeaf({ server, issuer, publicKey: key.publicKey, validity });
  return { certPem: certificatePem(leaf) + issuer.pem, keyPem: key.pem };
}

const all = ({ present, successor }: Roots) => (successor ? [present, successor] : [present]);
const pemOf = (roots: Roots) =>
  all(roots)
    .map(({ pem }) => pem)
    .join('');

/** Opens the authorities in a directory, making what is missing. Rejects when it can't be read or written. */
export async function openCertificates(options: CertificatesOptions): Promise<Certificates> {
  const { directory, hostname, now, onProblem, onRootsChanged } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const kept = await openKeptLeaves({
    directory: join(directory, 'untrusted'),
    now,
    onFailure: (path, error) => onProblem?.({ kind: 'leaf-not-kept', path, error }),
  });
  const files = createAuthorityFiles({
    directory,
    hostname,
    now,
    onMovedAside: (path, movedTo) => onProblem?.({ kind: 'authority-replaced', path, movedTo }),
  });
  const leafKeys = new Map<KeyKind, Promise<LeafKey>>();
  const trustedLeaves = createLeafCache({ now });
  const untrustedLeaves = createLeafCache({ now });
  const caPath = join(directory, 'ca.pem');

  let [roots, untrusted] = await Promise.all([files.roots(), files.untrusted()]);
  await writeCa();
  let changing: Promise<unknown> = Promise.resolve();

  /** One for all leaves. Made when it is asked for: an RSA key takes up to half a second, and few clients want one. */
  function leafKey(kind: KeyKind): Promise<LeafKey> {
    const key = leafKeys.get(kind) ?? newLeafKey(kind);
    leafKeys.set(kind, key);
    return key;
  }

  async function writeCa(): Promise<void> {
    const pem = pemOf(roots);
    if ((await readIfPresent(caPath)) !== pem) await replacePrivateFile(caPath, pem);
  }

  /** Takes the roots as they lie there now. */
  async function reload(): Promise<void> {
    const before = roots;
    roots = await files.roots();
    // Stores may lose the old root at any time from now on.
    if (roots.present.pem !== before.present.pem) trustedLeaves.clear();
    try {
      await writeCa();
    } finally {
      if (pemOf(roots) !== pemOf(before)) onRootsChanged?.();
    }
  }

  function inTurn<Result>(change: () => Promise<Result>): Promise<Result> {
    const result = changing.then(change);
    changing = result.catch(() => undefined);
    return result;
  }

  async function promote(): Promise<boolean> {
    const isPromoted = await files.promote();
    await reload();
    return isPromoted;
  }

  async function maintain(): Promise<void> {
    untrusted = await files.untrusted();
    await reload();
    const { present, successor } = roots;
    const leftMs = present.validity.notAfter.getTime() - now().getTime();
    if (successor && leftMs <= promoteMs) {
      await promote();
    } else if (!successor && leftMs <= successorMs) {
      await files.makeSuccessor();
      await reload();
    }
  }

  return {
    caPath,
    leafFor({ der, trusted, keyKind }) {
      const server = createHash('sha256').update(der).digest('hex');
      const name = `${server} ${keyKind}`;
      if (!trusted) {
        return untrustedLeaves.get(name, async () => {
          const key = await leafKey(keyKind);
          // The server's own validity, so that what the client says of it, and an exception, lasts as long.
          return { leaf: await kept.get(server, keyKind, () => mint(der, untrusted, key, 'as-server')) };
        });
      }
      return trustedLeaves.get(name, async () => {
        const key = await leafKey(keyKind);
        // Nothing is waited for from here on: a root that was replaced meanwhile signs no more.
        const { present } = roots;
        const validity = trustedValidity(new X509Certificate(der), present, now());
        const renewAt = Math.min(now().getTime() + leafRenewMs, validity.notAfter.getTime());
        return {
          leaf: mint(der, present, key, validity),
          usable: { from: validity.notBefore, until: new Date(renewAt) },
        };
      });
    },
    roots: () => all(roots).map(({ der, pem }) => ({ pem, facts: certificateFacts(der) })),
    replace: () =>
      inTurn(async () => {
        await files.replace();
        await reload();
      }),
    maintain: () => inTurn(maintain),
    promote: () => inTurn(promote),
  };
}
