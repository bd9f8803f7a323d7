// The machine's own store of authorities: a file in the directory that the distribution's tool reads, and that tool.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exists, type Machine, putFile, Refusal, readFile } from './files.ts';
import type { StoreChange } from './request.ts';

/** Runs a program by its path; what it said when it failed. */
export type Run = (program: string, args: readonly string[]) => string | undefined;

interface Layout {
  readonly isDebian: boolean;
  readonly directory: string;
  readonly tool: string;
  /** What the tool makes of it. */
  readonly bundle: string;
}

const debianMark = '/etc/debian_version';
const local = '/usr/local/share/ca-certificates';
const certificates = '/usr/sbin/update-ca-certificates';
const trust = '/usr/bin/update-ca-trust';
const arch = '/etc/ca-certificates';

/**
 * Of Debian, Alpine, openSUSE, Fedora, Arch: what tells it from another with the same tool, the directory, the tool, the bundle.
 * `trust anchor` of p11-kit writes into these same directories.
 */
const layouts = [
  [debianMark, local, certificates, '/etc/ssl/certs/ca-certificates.crt'],
  ['/etc/alpine-release', local, certificates, '/etc/ssl/certs/ca-certificates.crt'],
  ['/', '/etc/pki/trust/anchors', certificates, '/var/lib/ca-certificates/ca-bundle.pem'],
  ['/', '/etc/pki/ca-trust/source/anchors', trust, '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem'],
  ['/', `${arch}/trust-source/anchors`, trust, `${arch}/extracted/tls-ca-bundle.pem`],
] as const;

/** The list of Debian's tool, with a line that has it take one link out, and tell its hooks (Java's store) of it. */
const debianList = '/etc/ca-certificates.conf';
const draftList = '/etc/.postern-ca-certificates.conf';

function layoutOf({ root }: Machine): Layout {
  for (const [mark, directory, tool, bundle] of layouts)
    if ([mark, directory, tool].every((path) => exists(join(root, path))))
      return { directory, tool, bundle: join(root, bundle), isDebian: mark === debianMark };
  throw new Refusal('no store of authorities that is known here');
}

/** Runs the tool after a file has gone. Debian's leaves its link otherwise, and with --fresh Java never hears of it. */
function updateWithout(machine: Machine, { isDebian, tool }: Layout, name: string, run: Run) {
  if (!isDebian) return run(tool, []);
  const list = join(machine.root, draftList);
  const lines = readFile(machine, join(machine.root, debianList))?.octets ?? Buffer.alloc(0);
  putFile(machine, list, { octets: Buffer.concat([lines, Buffer.from(`\n!${name}\n`)]), mode: 0o644 });
  try {
    return run(tool, ['--certsconf', draftList]);
  } finally {
    putFile(machine, list, undefined);
  }
}

/**
 * Puts the certificate into the store, or takes it out where it is as it was written. Answers whether anything was to be done;
 * throws, with all as it was, where that failed.
 */
export function changeSystemStore(machine: Machine, { action, authority }: StoreChange, run: Run): boolean {
  const isInstall = action === 'install';
  const layout = layoutOf(machine);
  const name = `postern-${authority.id}.crt`;
  const path = join(machine.root, layout.directory, name);
  const before = readFile(machine, path);
  const isAsWritten = before?.octets.toString() === authority.pem;
  const isTrusted = () =>
    exists(layout.bundle) && readFileSync(layout.bundle, 'latin1').includes(authority.pem);
  const update = () => (exists(path) ? run(layout.tool, []) : updateWithout(machine, layout, name, run));
  if (isInstall ? isAsWritten && isTrusted() : !before) return false;
  if (!isInstall && !isAsWritten) throw new Refusal(`${path} is not as it was written`);
  putFile(machine, path, isInstall ? { octets: Buffer.from(authority.pem), mode: 0o644 } : undefined);
  const lacks = () =>
    isInstall && !isTrusted() ? `${layout.bundle} lacks it after ${layout.tool}` : undefined;
  const problem = update() ?? lacks();
  if (problem === undefined) return true;
  putFile(machine, path, before);
  update();
  throw new Refusal(problem);
}
