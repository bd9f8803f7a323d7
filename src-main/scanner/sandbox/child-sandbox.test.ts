import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { makeArchive, makeSlowRar5 } from './archives.fixture.ts';
import type { SandboxOptions } from './child-sandbox.ts';
import { requestOf, said, testSandbox } from './sandbox.fixture.ts';
import type { Sandbox } from './sandbox.ts';

const open: Sandbox[] = [];
const parents: ChildProcess[] = [];

function sandbox(options: Partial<SandboxOptions> = {}): Sandbox {
  const made = testSandbox(options);
  open.push(made);
  return made;
}

/** One with a process that does what the extension says. */
function tried(options: Partial<SandboxOptions> = {}): Sandbox {
  return sandbox({ childUrl: new URL('./test-child.ts', import.meta.url), ...options });
}

const nothing = Buffer.alloc(0);

/** The pid of its process, which the test process gives as a name. */
function pidOf(made: Sandbox): string {
  return made.unpack(requestOf(nothing, 'pid')).members[0]?.name ?? 'none';
}

function isRunning(pid: string): boolean {
  // A zombie has ended.
  return existsSync(`/proc/${pid}`) && !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
}

afterEach(() => {
  for (const each of open.splice(0)) each.stop();
  for (const each of parents.splice(0)) each.kill('SIGKILL');
});

describe('the unpacking process', () => {
  it('unpacks what it is given, and is kept warm', () => {
    const made = tried();
    expect(pidOf(made)).toBe(pidOf(made));
  });

  it('gives large members as they are', async () => {
    const content = Buffer.alloc(12_000_000, 'Each octet comes through. ');
    const archive = await makeArchive('7z', { a: content, b: 'small' }, ['-mx=1']);
    const { members, limits } = sandbox().unpack(requestOf(archive, '7z'));
    expect(members.map(({ name, bytes }) => [name, bytes.length])).toEqual([
      ['a', content.length],
      ['b', 5],
    ]);
    expect(members[0]?.bytes.equals(content)).toBe(true);
    expect(limits).toEqual([]);
  });

  it('takes large archives', async () => {
    const content = Buffer.alloc(12_000_000, 'stored');
    const archive = await makeArchive('7z', { a: content }, ['-mx=0']);
    expect(sandbox().unpack(requestOf(archive, '7z')).members[0]?.bytes.length).toBe(content.length);
  });

  it('is one of its own for each sandbox', () => {
    const [one, other] = [tried(), tried()];
    expect(pidOf(one)).not.toBe(pidOf(other));
    one.stop();
    expect(pidOf(other)).toMatch(/^\d+$/);
  });

  it('does not start again when it was stopped, twice or before it began', () => {
    const made = tried();
    made.stop();
    made.stop();
    expect(said(made.unpack(requestOf(nothing, 'pid')))).toEqual(['unpacker-failed']);
  });

  it('has no rights but to read its own code, and no word of the parent’s environment', () => {
    const pid = pidOf(tried());
    const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
    expect(words).toContain('--permission');
    expect(words.filter((word) => word.startsWith('--allow'))).toEqual([
      '--allow-worker',
      expect.stringMatching(/^--allow-fs-read=.*\/scanner\/sandbox\/$/),
      expect.stringMatching(/^--allow-fs-read=.*\/7z-wasm\/$/),
    ]);
    expect(readFileSync(`/proc/${pid}/environ`, 'latin1')).toBe('ELECTRON_RUN_AS_NODE=1\0');
  });

  it('ends when it is stopped', async () => {
    const made = tried();
    const pid = pidOf(made);
    made.stop();
    await vi.waitUntil(() => !isRunning(pid));
  });

  it('ends when it was idle for long, and another one follows', async () => {
    const made = tried({ idleMs: 20 });
    const pid = pidOf(made);
    await vi.waitUntil(() => !isRunning(pid));
    expect(pidOf(made)).toMatch(/^\d+$/);
  });

  it('is followed by another one when it ended while nobody looked', async () => {
    const made = tried();
    const pid = pidOf(made);
    process.kill(Number(pid), 'SIGKILL');
    await vi.waitUntil(() => !existsSync(`/proc/${pid}`));
    expect(pidOf(made)).toMatch(/^\d+$/);
  });
});

describe('a process that fails', () => {
  it.each(['die', 'nonsense', 'too-much'])('gives a limit, and another one follows: %s', async (what) => {
    const made = tried();
    const before = pidOf(made);
    expect(said(made.unpack(requestOf(nothing, what)))).toEqual(['unpacker-failed']);
    await vi.waitUntil(() => !isRunning(before));
    expect(pidOf(made)).toMatch(/^\d+$/);
  });

  it('leaves what it gave before', () => {
    expect(said(tried().unpack(requestOf(nothing, 'die-later')))).toEqual(['a=x', 'unpacker-failed']);
  });

  it('is killed when it hangs', () => {
    const made = tried({ timeoutMs: 300 });
    expect(said(made.unpack(requestOf(nothing, 'hang')))).toEqual(['unpacker-failed']);
  });

  it('is killed when it does not read', () => {
    // More than a pipe takes, for a process that hangs at the first frame.
    const made = tried({ timeoutMs: 300, childUrl: new URL('./hanging-child.ts', import.meta.url) });
    expect(said(made.unpack(requestOf(Buffer.alloc(4_000_000), 'any')))).toEqual(['unpacker-failed']);
  });

  it('is no fault when it hangs over passwords', () => {
    const reply = tried({ timeoutMs: 300 }).unpack(requestOf(nothing, 'hang-trying'));
    expect(reply).toMatchObject({ limits: ['encrypted'], encryptedNames: ['evil.exe'] });
  });

  it('is killed when it takes too much memory', () => {
    const made = tried({ memoryBytes: 200_000_000, timeoutMs: 20_000 });
    expect(said(made.unpack(requestOf(nothing, 'grow')))).toEqual(['unpacker-failed']);
  });

  it('gives a limit when it does not start', () => {
    const made = sandbox({ childUrl: new URL('./no-such-file.ts', import.meta.url) });
    expect(said(made.unpack(requestOf(nothing, '7z')))).toEqual(['unpacker-failed']);
  });
});

describe('a parent that is killed', () => {
  function childrenOf(pid: number): string[] {
    const threads = existsSync(`/proc/${pid}/task`) ? readdirSync(`/proc/${pid}/task`) : [];
    return threads.flatMap((thread) => {
      const path = `/proc/${pid}/task/${thread}/children`;
      return existsSync(path) ? readFileSync(path, 'latin1').split(' ').filter(Boolean) : [];
    });
  }

  /** Runs `code`, in which `sandbox` and `request` stand for what they are here. */
  function startParent(code: string): ChildProcess {
    const fixture = JSON.stringify(new URL('./sandbox.fixture.ts', import.meta.url).href);
    const program = `const { testSandbox, requestOf } = await import(${fixture}); ${code}`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    parents.push(parent);
    return parent;
  }

  it('leaves no idle process behind', async () => {
    const parent = startParent(
      "testSandbox().unpack(requestOf(Buffer.from('no'), '7z')); console.log('done'); setInterval(() => 0, 1e6);",
    );
    await once(parent.stdout ?? parent, 'data');
    const [child = 'none'] = childrenOf(parent.pid ?? 0);
    expect(isRunning(child)).toBe(true);
    parent.kill('SIGKILL');
    await vi.waitUntil(() => !isRunning(child), { timeout: 10_000 });
  });

  it('leaves no busy process behind', async () => {
    // In the time that one password takes the process reads nothing.
    const parent = startParent(`
      const bytes = Buffer.from('${makeSlowRar5().toString('base64')}', 'base64');
      testSandbox().unpack(requestOf(bytes, 'rar5', { passwords: ['wrong'] }));`);
    const child = await vi.waitUntil(() => childrenOf(parent.pid ?? 0)[0], { timeout: 10_000 });
    // It has used half a second of processor time: it works.
    const ticks = () => Number(readFileSync(`/proc/${child}/stat`, 'latin1').split(' ')[13]);
    await vi.waitUntil(() => ticks() > 50, { timeout: 10_000 });
    parent.kill('SIGKILL');
    // Sooner than the password takes.
    await vi.waitUntil(() => !isRunning(child), { timeout: 3_000 });
  });

  it('ends although the process is still there', async () => {
    const parent = startParent("testSandbox().unpack(requestOf(Buffer.from('no'), '7z'));");
    const [code] = await once(parent, 'exit');
    expect(code).toBe(0);
  });
});
