// `npm run package:deb`: builds out/package/postern_VERSION_amd64.deb with dpkg-deb alone: the headless host for a machine,
// its units, the helpers of its users' cores, and the Node that all of it runs on.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { helperFiles, type InstalledFile, policyFiles } from '../src-main/hosts/helper-files.ts';
import { buildIfStale } from './build.ts';

const root = resolve(import.meta.dirname, '..');
const fromRoot = (...names: string[]) => join(root, ...names);
const libraryDir = '/usr/lib/postern';

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly dev?: boolean; readonly license?: string; readonly version?: string }>
  >;
}

interface InstalledPackage {
  /** Relative to the project: node_modules/… */
  readonly path: string;
  readonly license: string;
  readonly version: string;
}

function readJson<Shape>(path: string): Shape {
  // The project's own files, which npm writes.
  return JSON.parse(readFileSync(path, 'utf8')) as Shape;
}

/** What the program needs at run time, of what is installed here: no binaries of other systems. */
function productionPackages(): InstalledPackage[] {
  return Object.entries(readJson<Lock>(fromRoot('package-lock.json')).packages)
    .filter(([path, { dev }]) => path !== '' && dev !== true && existsSync(fromRoot(path)))
    .map(([path, { license = 'see its folder', version = '' }]) => ({ path, license, version }));
}

/** The runtime lies beside the helper already; its package brings nothing else. */
const isRuntime = ({ path }: InstalledPackage) => /^node_modules\/node(-bin-setup)?(\/|$)/.test(path);

/** Read by tools for programmers alone. */
const isForProgrammers = (path: string) => /\.(d\.[cm]?ts|map)$|\.tsbuildinfo$/.test(path);

/** Tests, and the desktop's host, for which another package is the place. */
const isLeftOut = (path: string) =>
  /\.(test|fixture|test-support)\.ts$|\/tsconfig\.json$/.test(path) ||
  /\/(test-worker|summary-test-worker|test-child|hanging-child|test-messages)\.ts$/.test(path) ||
  path.endsWith('/hosts/electron');

function write(base: string, { path, mode, content }: InstalledFile): void {
  const target = join(base, path);
  mkdirSync(dirname(target), { recursive: true });
  if (typeof content === 'string') writeFileSync(target, content);
  else cpSync(content.copyOf, target);
  chmodSync(target, mode);
}

const copied = (from: string, path: string, mode: InstalledFile['mode'] = 0o644): InstalledFile => ({
  path,
  mode,
  content: { copyOf: fromRoot(from) },
});

/** The project as a clone has it, so that bin/postern finds everything where it looks for it. */
function copyProgram(app: string, packages: readonly InstalledPackage[]): void {
  for (const name of ['bin', 'package.json', 'out/renderer'])
    cpSync(fromRoot(name), join(app, name), { recursive: true });
  cpSync(fromRoot('src-main'), join(app, 'src-main'), {
    recursive: true,
    filter: (path) => !isLeftOut(path),
  });
  for (const each of packages) {
    if (isRuntime(each)) continue;
    // A package within a package has its own entry.
    const nested = join(fromRoot(each.path), 'node_modules');
    cpSync(fromRoot(each.path), join(app, each.path), {
      recursive: true,
      filter: (path) => path !== nested && !isForProgrammers(path),
    });
  }
  const runtime = join(app, 'node_modules/node/bin');
  mkdirSync(runtime, { recursive: true });
  symlinkSync(
    relative(join(libraryDir, 'app/node_modules/node/bin'), join(libraryDir, 'node')),
    join(runtime, 'node'),
  );
}

function copyright(packages: readonly InstalledPackage[]): string {
  const name = (path: string) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const lines = packages.map(({ path, license, version }) => `${name(path)} ${version}: ${license}`);
  return `${readFileSync(fromRoot('LICENSE'), 'utf8')}
It comes with these packages, whose licences lie in their folders below ${libraryDir}/app/node_modules:

${[...new Set(lines)].sort().join('\n')}
`;
}

function smallFiles(packages: readonly InstalledPackage[]): InstalledFile[] {
  const docs = [
    'README.md',
    'CHANGELOG.md',
    'SECURITY.md',
    ...readdirSync(fromRoot('docs')).map((name) => `docs/${name}`),
  ];
  return [
    ...helperFiles(libraryDir, fromRoot('node_modules/node/bin/node')).map((file) => ({
      ...file,
      path: join(libraryDir, file.path),
    })),
    ...policyFiles(libraryDir, '').map((file) => ({
      ...file,
      path: join('/usr/share/polkit-1/actions', file.path),
    })),
    copied('assets/linux/postern', '/usr/bin/postern', 0o755),
    ...readdirSync(fromRoot('assets/linux/systemd')).map((name) =>
      copied(`assets/linux/systemd/${name}`, `/lib/systemd/system/${name}`),
    ),
    ...docs
      .filter((doc) => lstatSync(fromRoot(doc)).isFile())
      .map((doc) => copied(doc, `/usr/share/doc/postern/${basename(doc)}`)),
    { path: '/usr/share/doc/postern/copyright', mode: 0o644, content: copyright(packages) },
  ];
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function control(version: string, sizeBytes: number): string {
  return `Package: postern
Version: ${version}
Architecture: amd64
Section: mail
Priority: optional
Maintainer: Postern <postern@localhost>
Installed-Size: ${Math.ceil(sizeBytes / 1024)}
Depends: adduser, ca-certificates, libc6 (>= 2.28), libgcc-s1, libstdc++6, init-system-helpers, iproute2, nftables
Recommends: libnss3-tools, pkexec, polkitd
Description: scans incoming e-mail on its way
 Sits between every mail program of the machine and the mail servers, with
 nothing changed in the mail programs: POP3 and IMAP connections pass through
 it, and messages are scanned before a program sees any of them.
 .
 This package runs it for the whole machine, without a window.
`;
}

/** dpkg's own files: what is installed, and what runs around it. */
function writeControl(staged: string, version: string): void {
  const files = filesBelow(staged).sort();
  const sums = files.map(
    (file) => `${createHash('md5').update(readFileSync(file)).digest('hex')}  ${relative(staged, file)}\n`,
  );
  const sizeBytes = files.reduce((sum, file) => sum + lstatSync(file).size, 0);
  const directory = join(staged, 'DEBIAN');
  write(directory, { path: 'control', mode: 0o644, content: control(version, sizeBytes) });
  write(directory, { path: 'md5sums', mode: 0o644, content: sums.join('') });
  for (const name of readdirSync(fromRoot('assets/linux/debian'))) {
    write(directory, copied(`assets/linux/debian/${name}`, name, 0o755));
  }
}

interface PackageOptions {
  readonly outDir?: string;
  /** Of zstd; the lowest makes a package a third larger, in a third of the time. */
  readonly compressionLevel?: number;
}

/** Builds the package and gives its path; undefined, with a line why, when it can't. */
export async function packageDeb({
  outDir = fromRoot('out/package'),
  compressionLevel = 9,
}: PackageOptions = {}): Promise<string | undefined> {
  if (spawnSync('dpkg-deb', ['--version']).status !== 0) {
    console.error('Needed for a Debian package: dpkg-deb (package dpkg)');
    return undefined;
  }
  if (!(await buildIfStale())) return undefined;
  const { version } = readJson<{ version: string }>(fromRoot('package.json'));
  const packages = productionPackages();
  const staged = mkdtempSync(join(tmpdir(), 'postern-deb-'));
  try {
    chmodSync(staged, 0o755);
    for (const file of smallFiles(packages)) write(staged, file);
    copyProgram(join(staged, libraryDir, 'app'), packages);
    // A clone's files have the modes of whoever cloned it.
    execFileSync('chmod', ['-R', 'u=rwX,go=rX', staged]);
    writeControl(staged, version);
    mkdirSync(outDir, { recursive: true });
    const built = join(staged, '..', `${basename(staged)}.deb`);
    const compression = ['-Zzstd', `-z${compressionLevel}`];
    execFileSync('dpkg-deb', ['--root-owner-group', ...compression, '--build', staged, built], {
      stdio: 'pipe',
    });
    const target = join(outDir, `postern_${version}_amd64.deb`);
    cpSync(built, `${target}.new`);
    rmSync(built);
    renameSync(`${target}.new`, target);
    return target;
  } finally {
    rmSync(staged, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const path = await packageDeb();
  if (path === undefined) process.exitCode = 1;
  else console.log(path);
}
