// All that runs with root's rights must stay small enough to be read at one sitting, and take nothing but Node.
import { stripTypeScriptTypes } from 'node:module';
import { expect, test } from 'vitest';
import { plainModules } from '../helper-files.ts';

test('the helper is these files, and they are short', () => {
  const modules = plainModules('hosts/trust-helper/main');
  expect(modules.map(({ path }) => path).toSorted()).toMatchInlineSnapshot(`
    [
      "hosts/trust-helper/certificate.js",
      "hosts/trust-helper/files.js",
      "hosts/trust-helper/main.js",
      "hosts/trust-helper/request.js",
      "hosts/trust-helper/system-store.js",
      "hosts/trust-helper/thunderbird-policy.js",
    ]
  `);
  const lines = modules.flatMap(({ content }) =>
    stripTypeScriptTypes(String(content))
      .replace(/\/\*[\s\S]*?\*\//g, '')
      .split('\n')
      .filter((line) => !/^\s*(\/\/.*)?$/.test(line)),
  );
  expect(lines.length).toBeLessThan(400);
  expect(lines.length).toBeGreaterThan(200);
});
