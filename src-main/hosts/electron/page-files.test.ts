import { describe, expect, test } from 'vitest';
import { pathOfUrl, servePageFiles } from './page-files.ts';

const files = new Map([
  ['/out/renderer/index.html', '<title>screen</title>'],
  ['/out/renderer/assets/main.js', '1;'],
  ['/out/renderer/assets/secret.pem', 'key'],
  ['/out/main/main.js', 'secret'],
]);

const serve = servePageFiles({
  rendererDir: '/out/renderer',
  async readFile(path) {
    const text = files.get(path);
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return new TextEncoder().encode(text);
  },
});

const get = (url: string, method = 'GET') => serve({ url, method });

test.each([
  ['postern://app/', 'text/html; charset=utf-8', '<title>screen</title>'],
  ['postern://app/index.html?a=1#b', 'text/html; charset=utf-8', '<title>screen</title>'],
  ['postern://app/assets/../assets/main.js', 'text/javascript; charset=utf-8', '1;'],
])('%s is served', async (url, type, text) => {
  const response = await get(url);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe(type);
  expect(response.headers.get('content-security-policy')).toContain("default-src 'self'");
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  expect(await response.text()).toBe(text);
});

test.each([
  'postern://app/../main/main.js',
  'postern://app/%2e%2e/main/main.js',
  'postern://app/..%2fmain/main.js',
  'postern://app/assets/..%2f..%2f..%2fout/main/main.js',
  'postern://app/..%5cmain%5cmain.js',
  'postern://app//out/main/main.js',
  'postern://app/index.html%00.js',
  'postern://app/%',
  'postern://app/%E0%A4%A.js',
  'postern://app/assets/secret.pem',
  'postern://app/assets',
  'postern://app/missing.js',
  'postern://other/index.html',
  'file:///out/renderer/index.html',
  'https://app/index.html',
])('%s is not', async (url) => {
  const response = await get(url);
  expect(response.status).toBe(404);
  expect(await response.text()).toBe('');
});

test('nothing but GET is answered', async () => {
  expect((await get('postern://app/index.html', 'POST')).status).toBe(405);
});

test('a fault in reading is not hidden', async () => {
  const broken = servePageFiles({ rendererDir: '/out', readFile: () => Promise.reject(new Error('bug')) });
  await expect(broken({ url: 'postern://app/', method: 'GET' })).rejects.toThrow('bug');
});

describe('a path', () => {
  test('never leaves the folder, also for a folder whose name only begins alike', () => {
    expect(pathOfUrl('/out/renderer', 'postern://app/x.js')).toBe('/out/renderer/x.js');
    expect(pathOfUrl('/out/renderer', 'postern://app/..%2frenderer-2/x.js')).toBeUndefined();
  });
});
