import { expect, it } from 'vitest';
import { createRunProgram, detailOf, shortLine } from './run-program.ts';

const run = createRunProgram();

it('gives what a program wrote, and its exit code', async () => {
  const result = await run('/bin/sh', ['-c', 'cat; echo bad >&2; exit 3'], { input: 'in' });
  expect(result).toEqual({ kind: 'ended', exitCode: 3, stdout: 'in', stderr: 'bad\n' });
  expect(detailOf(result)).toBe('bad');
});

it('says that a program is missing', async () => {
  expect(await run('/nowhere/certutil', [])).toEqual({ kind: 'missing' });
});

it('ends a program that waits for ever', async () => {
  expect(await createRunProgram(50)('/bin/sleep', ['60'])).toMatchObject({ kind: 'failed' });
});

it('kills what runs when it is stopped, and starts nothing more', async () => {
  const stopped = new AbortController();
  const runUntil = createRunProgram(undefined, stopped.signal);
  const running = runUntil('/bin/sleep', ['60']);
  stopped.abort();
  expect(await running).toMatchObject({ kind: 'failed' });
  expect(await runUntil('/bin/true', [])).toMatchObject({ kind: 'failed' });
});

it('outlives a program that does not read its input', async () => {
  expect(await run('/bin/true', [], { input: 'x'.repeat(1_000_000) })).toMatchObject({ exitCode: 0 });
});

it('makes one short line of what a tool says', () => {
  expect(shortLine(`${'a'.repeat(1_000)}\u001b[31m\n\0b\n`)).toMatch(/^a{293} \[31m b$/);
});
