// All that runs with root's rights must stay small enough to be read at one sitting.
import { readFileSync } from 'node:fs';
import { builtinModules, stripTypeScriptTypes } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const main = join(import.meta.dirname, 'main.ts');
const owners = join(import.meta.dirname, 'owners.ts');

/** What a file is when it runs: without types, comments and blank lines. */
function codeOf(path: string): string[] {
  const text = stripTypeScriptTypes(readFileSync(path, 'utf8')).replace(/\/\*[\s\S]*?\*\//g, '');
  return text.split('\n').filter((line) => !/^\s*(\/\/.*)?$/.test(line));
}

function importsOf(code: readonly string[]): { readonly first: string[]; readonly later: string[] } {
  const text = code.join('\n');
  const names = (pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1] ?? '');
  return {
    first: names(/^(?:import|export)\b[^;]*?\bfrom '([^']+)';/gm),
    later: names(/\bimport\('([^']+)'\)/g),
  };
}

/** Every file that is loaded by imports that remain when it runs, with its lines; and what else they name. */
function closure(entry: string) {
  const lines = new Map<string, number>();
  const modules = new Set<string>();
  const later = new Set<string>();
  const visit = (path: string) => {
    if (lines.has(path)) return;
    const code = codeOf(path);
    lines.set(path, code.length);
    const imports = importsOf(code);
    for (const name of imports.later) later.add(join(dirname(path), name));
    for (const name of imports.first) {
      if (name.startsWith('.')) visit(join(dirname(path), name));
      else modules.add(name);
    }
  };
  visit(entry);
  return { lines, modules, later };
}

const sum = (lines: ReadonlyMap<string, number>) =>
  [...lines.values()].reduce((total, count) => total + count, 0);
const names = (lines: ReadonlyMap<string, number>) =>
  [...lines.keys()].map((path) => relative(root, path)).toSorted();

test("a user's helper is these files, and they are short", () => {
  const { lines } = closure(main);
  expect(names(lines)).toMatchInlineSnapshot(`
    [
      "contract/denied-ports.ts",
      "hosts/netfilter-helper/connections.ts",
      "hosts/netfilter-helper/helper.ts",
      "hosts/netfilter-helper/lines.ts",
      "hosts/netfilter-helper/main.ts",
      "hosts/netfilter-helper/policy.ts",
      "hosts/netfilter-helper/role.ts",
      "interception/backend.ts",
      "interception/linux/helper-messages.ts",
      "interception/linux/helper-request.ts",
      "interception/linux/nft-script.ts",
      "interception/linux/nft-session.ts",
      "interception/linux/nft-tables.ts",
      "interception/linux/reserved-ports.ts",
    ]
  `);
  expect(sum(lines)).toBeLessThan(500);
  const own = new Map([...lines].filter(([path]) => path.startsWith(import.meta.dirname)));
  expect(sum(own)).toBeLessThan(160);
});

test('the helper for all users has these besides', () => {
  const { lines, later } = closure(main);
  expect([...later]).toEqual([owners]);
  const more = new Map([...closure(owners).lines].filter(([path]) => !lines.has(path)));
  expect(names(more)).toMatchInlineSnapshot(`
    [
      "applications/identity.ts",
      "applications/process-files.ts",
      "applications/script-argument.ts",
      "contract/application-rule.ts",
      "contract/assert-never.ts",
      "hosts/netfilter-helper/owners.ts",
      "interception/linux/process-sockets.ts",
    ]
  `);
  expect(sum(more)).toBeLessThan(500);
});

test('it needs nothing but Node', () => {
  for (const name of [...closure(main).modules, ...closure(owners).modules]) {
    expect(name).toMatch(/^node:/);
    expect(builtinModules).toContain(name.replace(/^node:/, ''));
  }
});
