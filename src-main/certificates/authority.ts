// The certificates that clients see: a root of our own for servers that are trusted, a second authority that nobody
// trusts for those that are not, and leaves that say what the server's certificate says. Opens no socket.
import { createHash, generateKeyPair, type KeyObject, X509Certificate } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  certificatePem,
  type Issuer,
  type KeyKind,
  keyKindOf,
  makeAuthority,
  mintLeaf,
  type Validity,
} from './forge.ts';
import { openKeptLeaves } from './kept-leaves.ts';
import type { Leaf } from './leaf.ts';
import { createLeafCache } from './leaf-cache.ts';
import { parsePemBundle } from './pem-bundle.ts';
import { createPrivateFile, moveAside, readIfPresent, replacePrivateFile } from './private-files.ts';

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
}

export interface Certificates {
  /** The root's certificate as a file (PEM), for trust stores. */
  readonly caPath: string;
  readonly rootPem: string;
  /**
   * A leaf for a server's certificate (DER): by the root when it is trusted, else by the untrusted authority and kept
   * on disk, so that an exception which a person stored in a mail program goes on to cover it. Rejects when the DER is
   * no certificate.
   */
  leafFor(upstream: { readonly der: Uint8Array; readonly trusted: boolean }): Promise<Leaf>;
}

const dayMs = 24 * 60 * 60 * 1000;

/** The root lives as long as an installation; a new one has to be trusted anew by every program. */
const authorityYears = 10;

/** A clock that was a little fast when the authority was made must not make it "not yet valid". */
const authorityBackdateMs = dayMs;

/** Below what programs will accept of a server (47 days by the CA/Browser Forum's ballot SC-081). */
const leafMs = 45 * dayMs;

/** Well before a cached leaf ends. */
const leafRenewMs = 30 * dayMs;

/** Each round ends with an authority unless another process is at the same file at the same time. */
const maxOpenRounds = 5;

const newKeyPair = promisify(generateKeyPair);

interface Authority extends Issuer {
  readonly pem: string;
  readonly validity: Validity;
}

interface LeafKey {
  readonly publicKey: KeyObject;
  readonly pem: string;
}

const pemOf = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();

async function newLeafKey(kind: KeyKind): Promise<LeafKey> {
  const { publicKey, privateKey } =
    kind === 'rsa'
      ? await newKeyPair('rsa', { modulusLength: 2048 })
      : await newKeyPair('ec', { namedCurve: 'P-256' });
  return { publicKey, pem: pemOf(privateKey) };
}

function parseAuthority(text: string): Authority | undefined {
  const bundle = parsePemBundle(text);
  if (!bundle?.certificate.ca || bundle.key.asymmetricKeyType !== 'ec') return undefined;
  const { raw: der, validFromDate: notBefore, validToDate: notAfter } = bundle.certificate;
  return { der, key: bundle.key, pem: bundle.certificatesPem, validity: { notBefore, notAfter } };
}

async function newAuthority(commonName: string, now: Date): Promise<string> {
  const { publicKey, privateKey } = await newKeyPair('ec', { namedCurve: 'P-256' });
  const notBefore = new Date(now.getTime() - authorityBackdateMs);
  const notAfter = new Date(now);
  notAfter.setUTCFullYear(now.getUTCFullYear() + authorityYears);
  const der = makeAuthority({ commonName, publicKey, privateKey, validity: { notBefore, notAfter } });
  return certificatePem(der) + pemOf(privateKey);
}

/** Reads an authority or makes it. Certificate and key are one file, so that there is never half a pair. */
async function openAuthority(
  path: string,
  commonName: string,
  options: CertificatesOptions,
): Promise<Authority> {
  for (let round = 0; round < maxOpenRounds; round++) {
    const now = options.now();
    const text = await readIfPresent(path);
    if (text === undefined) {
      await createPrivateFile(path, await newAuthority(commonName, now));
      continue;
    }
    const authority = parseAuthority(text);
    if (authority && now < authority.validity.notAfter) return authority;
    const movedTo = await moveAside(path, text);
    if (movedTo !== undefined) options.onProblem?.({ kind: 'authority-replaced', path, movedTo });
  }
  throw new Error(`${path} is changed by others as fast as it is made`);
}

/** Inside the server's own validity and the authority's, and short. */
function trustedValidity(server: X509Certificate, root: Authority, now: Date): Validity {
  const { notBefore, notAfter } = root.validity;
  const latest = Math.min(server.validToDate.getTime(), now.getTime() + leafMs, notAfter.getTime());
  const earliest = Math.max(server.validFromDate.getTime(), notBefore.getTime());
  return { notBefore: new Date(earliest), notAfter: new Date(latest) };
}

/** Opens the authorities in a directory, making what is missing. Rejects when it can't be read or written. */
export async function openCertificates(options: CertificatesOptions): Promise<Certificates> {
  await mkdir(options.directory, { recursive: true, mode: 0o700 });
  const kept = await openKeptLeaves({
    directory: join(options.directory, 'untrusted'),
    now: options.now,
    onFailure: (path, error) => options.onProblem?.({ kind: 'leaf-not-kept', path, error }),
  });
  // Made in the background from now on: one RSA key takes up to half a second.
  const leafKeys: Record<KeyKind, Promise<LeafKey>> = { ec: newLeafKey('ec'), rsa: newLeafKey('rsa') };
  const [root, untrusted] = await Promise.all([
    openAuthority(join(options.directory, 'authority.pem'), `Postern ${options.hostname}`, options),
    openAuthority(
      join(options.directory, 'untrusted-authority.pem'),
      'Postern untrusted certificate',
      options,
    ),
  ]);
  const caPath = join(options.directory, 'ca.pem');
  if ((await readIfPresent(caPath)) !== root.pem) await replacePrivateFile(caPath, root.pem);

  const cache = createLeafCache({ now: options.now, renewAfterMs: leafRenewMs });

  async function mint(der: Uint8Array, issuer: Authority, validity: Validity | 'as-server'): Promise<Leaf> {
    const { publicKey, pem: keyPem } = await leafKeys[keyKindOf(der)];
    const leaf = mintLeaf({ server: der, issuer, publicKey, validity });
    return { certPem: certificatePem(leaf) + issuer.pem, keyPem };
  }

  return {
    caPath,
    rootPem: root.pem,
    leafFor({ der, trusted }) {
      const name = createHash('sha256').update(der).digest('hex');
      return cache.get(`${trusted ? 'trusted' : 'untrusted'} ${name}`, async () =>
        trusted
          ? await mint(der, root, trustedValidity(new X509Certificate(der), root, options.now()))
          : // The server's own validity, so that what the client says of it, and an exception, lasts as long.
            await kept.get(name, () => mint(der, untrusted, 'as-server')),
      );
    },
  };
}
