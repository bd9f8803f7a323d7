// The machine's bundle of authorities as programs read it, whatever the distribution.
import type { Machine } from './found-store.ts';
import { type FileText, readSmallFile } from './own-files.ts';

/** Debian, Alpine, Arch; Fedora; openSUSE. The first that is there is the one that OpenSSL and GnuTLS were built to read. */
export const bundlePaths = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
] as const;

/** 150 authorities are 220 KB; companies add some of their own. */
const maxBundleBytes = 8 * 1024 * 1024;

/** The bundle, and where it lies; a path below the root of the file system. */
export async function readSystemBundle(
  machine: Machine,
): Promise<{ readonly path: string; readonly file: FileText }> {
  for (const name of bundlePaths) {
    const path = machine.inRoot(name);
    const file = await readSmallFile(path, maxBundleBytes);
    if (file.kind !== 'absent') return { path, file };
  }
  return { path: machine.inRoot(bundlePaths[0]), file: { kind: 'absent' } };
}
