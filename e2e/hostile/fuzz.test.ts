// The fuzzer itself: it runs, it comes to the same end each time, and it notices what it is there to notice.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** Of one run; one that hangs must not hold up the others. */
const longestMs = 90_000;

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'postern-fuzz-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function fuzz(...args: readonly string[]): { status: number | null; output: string } {
  const findings = join(directory, 'findings');
  const argv = ['fuzz/run.ts', '--findings', findings, ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
    encoding: 'utf8',
    timeout: longestMs,
    killSignal: 'SIGKILL',
  });
  return { status, output: stdout + stderr };
}

describe('the fuzzer', () => {
  it('finds nothing in some hundred inputs of two targets, and the same nothing again', () => {
    const args = ['--seed', '3', '--runs', '200', '--target', 'tar', '--target', 'cms'];
    const { status, output } = fuzz(...args);
    expect(output).toMatch(/^tar: \d+ executions, [1-9]\d* blocks, [1-9]\d* inputs kept, 0 findings$/m);
    expect(status).toBe(0);
    expect(fuzz(...args).output).toBe(output);
  });

  it.each([
    ['throw', 'TypeError'],
    ['hang', 'hang'],
  ])('tells of an input that lets something %s', (told, what) => {
    const input = join(directory, told);
    writeFileSync(input, told);
    const { status, output } = fuzz('--reproduce', input, '--target', 'self-test');
    expect(output).toContain(`self-test: ${what}: `);
    expect(status).not.toBe(0);
    expect(existsSync(join(directory, 'findings'))).toBe(false);
  });
});
