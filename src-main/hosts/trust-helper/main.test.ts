// The program itself, with what it must refuse before it looks at any store. Nothing here is a request that it would carry out.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { foreignRoot, ownRoot } from './authority.fixture.ts';

const isRoot = process.getuid?.() === 0;

async function ask(
  input: string | Buffer,
  { args = [], close = true }: { args?: string[]; close?: boolean } = {},
) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {},
  });
  // It may have enough before it has all.
  child.stdin.on('error', () => undefined);
  child.stdin.write(input);
  if (close) child.stdin.end();
  const said: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => said.push(chunk));
  const code = await new Promise((done) => child.once('close', done));
  const text = Buffer.concat(said).toString();
  expect(text).toMatch(/^[^\n]+\n$/);
  return { code, reply: JSON.parse(text) };
}

const refused = (detail: string) => ({
  code: 1,
  reply: { ok: false, reason: 'invalid-input', detail: expect.stringContaining(detail) },
});
const line = (request: object) => `${JSON.stringify(request)}\n`;
const foreign = () =>
  line({ action: 'install', store: 'system', certificate: foreignRoot({ subject: '/CN=bank.example' }) });

test.runIf(isRoot).concurrent.each<[string, () => string | Buffer, string]>([
  ['nothing', () => '', 'not one line'],
  ['a line without end', () => foreign().trim(), 'not one line'],
  ['ten megabytes', () => Buffer.alloc(10_000_000, 'x'), 'not one line'],
  ['two requests', () => foreign() + foreign(), 'not one line'],
  ['a NUL', () => `\0${foreign()}`, 'JSON'],
  ['an unknown key', () => line({ action: 'remove', store: 'system', certificate: '', path: '/' }), 'alone'],
  ["somebody else's authority", foreign, 'subject'],
  [
    'what has ended',
    () => line({ action: 'install', store: 'system', certificate: ownRoot(-1) }),
    'has ended',
  ],
])('refuses %s', async (_name, input, detail) => {
  expect(await ask(input())).toEqual(refused(detail));
});

test.runIf(isRoot)('answers at the end of the line, and waits for no end of the input', async () => {
  expect(await ask('{}\n', { close: false })).toEqual(refused('alone'));
});

test('takes no arguments, and serves root alone', async () => {
  expect(await ask('{}\n', { args: ['--help'] })).toMatchObject({
    code: 1,
    reply: { reason: 'no-privilege' },
  });
  if (!isRoot) expect(await ask('{}\n')).toMatchObject({ code: 1, reply: { reason: 'no-privilege' } });
});
