import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { helperFiles, plainModules, policyFiles } from './helper-files.ts';

let root: string;

function source(path: string, ...lines: readonly string[]): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${lines.join('\n')}\n`);
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'postern-modules-'));
});

afterEach(() => rmSync(root, { recursive: true }));

describe('modules as plain JavaScript', () => {
  test('are those that are reached for a value, each once, under names in .js', () => {
    source(
      'a/main.ts',
      "import { readFileSync } from 'node:fs';",
      "import type { Never } from './never.ts';",
      "import { type Two, two } from '../b/two.ts';",
      'import {',
      '  three,',
      "} from './three.ts';",
      "import './two-again.ts';",
      'const one: Two & Never = two(readFileSync, three);',
      "const four = one ? (await import('./four.ts')).four : undefined;",
    );
    source('a/four.ts', 'export const four = 4;');
    source('b/two.ts', "export * from '../a/three.ts';", 'export type Two = 2;', 'export const two = 2;');
    source('a/three.ts', 'export const three = 3;');
    source('a/two-again.ts', "import { two } from '../b/two.ts';", 'two;');
    const modules = plainModules('a/main', root);
    expect(modules.map(({ path }) => path).sort()).toEqual([
      'a/four.js',
      'a/main.js',
      'a/three.js',
      'a/two-again.js',
      'b/two.js',
    ]);
    const main = String(modules.find(({ path }) => path === 'a/main.js')?.content);
    expect(main).toContain("from 'node:fs'");
    expect(main).toContain("from '../b/two.js'");
    expect(main).toContain("} from './three.js'");
    expect(main).toContain("import './two-again.js'");
    expect(main).toContain("await import('./four.js')");
    expect(main).not.toMatch(/never|\.ts'|: Two/);
  });

  test.each([
    ['a package', "import { z } from 'zod';", 'main.ts: imports zod'],
    ['what is no module of ours', "import data from './data.json';", 'main.ts: imports ./data.json'],
    ['a module that is missing', "import './none.ts';", 'none.ts: is no file'],
    ['a link', "import './link.ts';", 'link.ts: is no file'],
    ['what lies outside', "import '../../x.ts';", '../../x.ts: lies outside of the sources'],
    [
      'what is named at run time',
      'const x = await import(process.argv[2]);',
      'imports what is named at run time',
    ],
    ['a package at run time', "const z = await import('zod');", 'main.ts: imports zod'],
  ])('can\u2019t be made of %s', (_name, line, problem) => {
    symlinkSync('/etc/passwd', join(root, 'link.ts'));
    source('main.ts', line);
    expect(() => plainModules('main', root)).toThrow(problem);
  });
});

test('the helpers of this project stand alone', () => {
  const files = helperFiles('/usr/lib/postern', process.execPath);
  const paths = files.map(({ path }) => path);
  expect(paths).toEqual(
    expect.arrayContaining([
      'node',
      'netfilter-helper',
      'helper/package.json',
      'helper/hosts/netfilter-helper/main.js',
      'trust-helper',
      'helper/hosts/trust-helper/main.js',
    ]),
  );
  const total = files.reduce(
    (sum, { content }) => sum + (typeof content === 'string' ? content.length : 0),
    0,
  );
  // What root runs is to be read by people, so that it stays small.
  expect(total).toBeLessThan(150_000);
});

test('a file that two helpers need is there once', () => {
  const paths = helperFiles('/usr/lib/postern', process.execPath).map(({ path }) => path);
  expect(new Set(paths).size).toBe(paths.length);
});

test('the wrapper of the trust helper hands on neither environment nor arguments', () => {
  const files = helperFiles('/usr/lib/postern', process.execPath);
  const wrapper = String(files.find(({ path }) => path === 'trust-helper')?.content);
  expect(wrapper.trim().split('\n').at(-1)).toBe(
    "exec /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin '/usr/lib/postern/node' '/usr/lib/postern/helper/hosts/trust-helper/main.js'",
  );
});

test('the policies name their actions and their programs', () => {
  const policies = policyFiles('/usr/local/lib/postern', '.local');
  expect(policies.map(({ path }) => path)).toEqual([
    'org.postern.netfilter.local.policy',
    'org.postern.trust.local.policy',
  ]);
  for (const [index, name] of ['netfilter', 'trust'].entries()) {
    const content = String(policies[index]?.content);
    expect(content).toContain(`<action id="org.postern.${name}.local">`);
    expect(content).toContain(`exec.path">/usr/local/lib/postern/${name}-helper<`);
    expect(content).not.toContain('{{');
  }
});

test('the stores of the machine take the password of an administrator, whoever asks and wherever', () => {
  const [, trust] = policyFiles('/usr/lib/postern', '');
  const answers = [...String(trust?.content).matchAll(/<allow_(\w+)>(\w+)</g)].map(([, who, answer]) => [
    who,
    answer,
  ]);
  expect(answers).toEqual([
    ['any', 'auth_admin'],
    ['inactive', 'auth_admin'],
    ['active', 'auth_admin'],
  ]);
});
