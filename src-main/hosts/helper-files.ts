// What the installed helpers consist of: the Node that runs them, their modules as plain JavaScript, the programs that pkexec
// starts, and polkit's policies for these. Written by `postern helper install` and by the Debian package.
import { lstatSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { assertNever } from '../contract/assert-never.ts';

/** A file to be written; `path` is relative to where it belongs. */
export interface InstalledFile {
  readonly path: string;
  readonly mode: 0o644 | 0o755;
  /** What it holds, or the file whose content it has. */
  readonly content: string | { readonly copyOf: string };
}

const sourceRoot = resolve(import.meta.dirname, '..');
const policyTemplates = resolve(sourceRoot, '../assets/linux');

/** The programs with root's rights: each is a module, a wrapper of its name within the library, and an action of polkit. */
export const helperNames = ['netfilter', 'trust'] as const;
export type HelperName = (typeof helperNames)[number];

const moduleOf = (name: HelperName) => `hosts/${name}-helper/main`;

/** The program that pkexec starts, within the library. */
export const wrapperName = (name: HelperName) => `${name}-helper`;

/** The user whose core the system's helper serves. */
const serviceUser = 'postern';

/** Imports and re-exports as the formatter leaves them, at the start of a line; and those at run time, of a name that stands there. */
const moduleNames = /(^(?:import|export)\b[^'";]*?\bfrom\s+|^import\s+|\bimport\()(['"])([^'"]+)\2/gm;
const namedAtRunTime = /\bimport\s*\((?!['"][^'"]+['"]\))/;

/** A module that a helper made of plain files can't have. */
export class UnfitModule extends Error {
  constructor(module: string, problem: string) {
    super(`${module}: ${problem}`);
    this.name = 'UnfitModule';
  }
}

function readModule(root: string, module: string): string {
  const path = join(root, module);
  if (relative(root, path).startsWith('..')) throw new UnfitModule(module, 'lies outside of the sources');
  // A link could name anything, and root would read it.
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true)
    throw new UnfitModule(module, 'is no file');
  return readFileSync(path, 'utf8');
}

/**
 * A module and all that it reaches by imports of relative names, without types and under names in `.js`, so that Node starts them
 * without its compiler: in a third of the time. `entry`: its path below `root`, without `.ts`. Throws `UnfitModule` for what
 * imports anything but Node's own modules.
 */
export function plainModules(entry: string, root = sourceRoot): InstalledFile[] {
  const done = new Map<string, InstalledFile>();
  const todo = [`${entry}.ts`];
  for (let module = todo.pop(); module !== undefined; module = todo.pop()) {
    if (done.has(module)) continue;
    const from = module;
    const plain = stripTypeScriptTypes(readModule(root, module), { mode: 'strip' });
    if (namedAtRunTime.test(plain)) throw new UnfitModule(module, 'imports what is named at run time');
    const content = plain.replace(moduleNames, (statement, before, quote, specifier: string) => {
      if (specifier.startsWith('node:')) return statement;
      if (!/^\.\.?\/.*\.ts$/.test(specifier)) throw new UnfitModule(from, `imports ${specifier}`);
      todo.push(join(dirname(from), specifier));
      return `${before}${quote}${specifier.replace(/ts$/, 'js')}${quote}`;
    });
    done.set(module, { path: module.replace(/ts$/, 'js'), mode: 0o644, content });
  }
  return [...done.values()];
}

/** pkexec hands the caller's arguments on, so that with its variable none count. */
function wrapper(name: HelperName, libraryDir: string): string {
  const [environment, node, module] = [
    '/usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin',
    `'${libraryDir}/node'`,
    `'${libraryDir}/helper/${moduleOf(name)}.js'`,
  ];
  switch (name) {
    case 'netfilter':
      return `#!/bin/sh
# Starts Postern's netfilter helper with nothing of the caller's environment: for a person by pkexec, which says whose
# connections it may touch, or with --system for the core of the user ${serviceUser}.
if [ -n "$PKEXEC_UID" ]; then
  exec ${environment} "PKEXEC_UID=$PKEXEC_UID" ${node} ${module}
fi
if [ "$1" = --system ]; then
  user=$(/usr/bin/id -u ${serviceUser}) || exit 3
  set -- --all-users --core-uid "$user"
fi
exec ${environment} ${node} ${module} "$@"
`;
    case 'trust':
      return `#!/bin/sh
# Starts Postern's trust helper with nothing of the caller's environment and without arguments.
exec ${environment} ${node} ${module}
`;
    default:
      return assertNever(name);
  }
}

/** Everything that lies in `libraryDir`, whose path has no quote in it. `node`: the binary to be copied. */
export function helperFiles(libraryDir: string, node: string): InstalledFile[] {
  const modules = helperNames.flatMap((name) => plainModules(moduleOf(name)));
  // What several of them use is there once.
  const shared = new Map(modules.map((file) => [file.path, file]));
  return [
    { path: 'node', mode: 0o755, content: { copyOf: node } },
    ...[...shared.values()].map((file) => ({ ...file, path: `helper/${file.path}` })),
    { path: 'helper/package.json', mode: 0o644, content: '{ "type": "module" }\n' },
    ...helperNames.map(
      (name): InstalledFile => ({ path: wrapperName(name), mode: 0o755, content: wrapper(name, libraryDir) }),
    ),
  ];
}

/**
 * polkit's policies for the helpers in `libraryDir`, to lie among its actions: `org.postern.NAME`, with `.local` behind it
 * for those of a clone.
 */
export function policyFiles(libraryDir: string, suffix: '' | '.local'): InstalledFile[] {
  return helperNames.map((name): InstalledFile => {
    const action = `org.postern.${name}${suffix}`;
    const content = readFileSync(join(policyTemplates, `org.postern.${name}.policy`), 'utf8')
      .replace('{{action}}', action)
      .replace('{{helper}}', join(libraryDir, wrapperName(name)));
    return { path: `${action}.policy`, mode: 0o644, content };
  });
}
