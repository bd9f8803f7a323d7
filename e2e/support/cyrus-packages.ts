// Where the second make of mail server comes from: Debian's Cyrus IMAP. It can't be installed beside dovecot, so its
// archives are downloaded and unpacked where they are used; the libraries that it needs are installed.
import { execFileSync } from 'node:child_process';
import {
  downloadDebianPackages,
  downloadedPackage,
  ensureDebianPackages,
  missingPackages,
} from '../../scripts/debian.ts';

const libraries = [
  'libical3',
  'libicu72',
  'libjansson4',
  'libkrb5-3',
  'libpcre3',
  'libpq5',
  'libsasl2-modules',
  'libsasl2-modules-db',
  'libsqlite3-0',
  'libwrap0',
  'libxapian30',
  'libxml2',
];
const archives = ['cyrus-common', 'cyrus-imapd', 'cyrus-pop3d', 'sasl2-bin'];

/** Sees to it that `unpackCyrus` has what it needs, and answers whether it has. */
export async function ensureCyrus(): Promise<boolean> {
  const why = 'the end-to-end tests with a second mail server';
  return (
    (await ensureDebianPackages(libraries, { why })) && (await downloadDebianPackages(archives, { why }))
  );
}

/** The reason to skip, to be put behind a title, or undefined when all is there. */
export function missingCyrus(): string | undefined {
  const missing = [
    ...missingPackages(libraries),
    ...archives.filter((name) => downloadedPackage(name) === undefined),
  ];
  return missing.length === 0 ? undefined : ` (SKIPPED: needs ${missing.join(', ')})`;
}

/** Unpacks all below the directory, as they would lie below the root. */
export function unpackCyrus(directory: string): void {
  for (const name of archives) {
    const archive = downloadedPackage(name);
    if (archive === undefined) throw new Error(`${name} was not downloaded`);
    execFileSync('dpkg', ['-x', archive, directory]);
  }
}
