import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RemoteEngine } from '../scanner/engines/remote-engine.ts';
import type { RuleProblem } from '../scanner/pool.ts';
import { createEngineWatch, type EngineState, type EngineWatch } from './engine-watch.ts';

let directory: string;
let watch: EngineWatch | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'postern-engine-watch-'));
});
afterEach(() => {
  watch?.stop();
  rmSync(directory, { recursive: true });
});

function setUp() {
  const seen = {
    problems: [] as RuleProblem[],
    clamd: { id: 'clamd', version: '', isUp: false } as Pick<RemoteEngine, 'id' | 'version' | 'isUp'>,
    reloads: 0,
    fails: false,
    states: [] as EngineState[],
    events: [] as string[],
    due: undefined as (() => void) | undefined,
  };
  watch = createEngineWatch({
    scanner: {
      engines: [{ id: 'yara-x', version: '1', rules: 3 }],
      get problems() {
        return seen.problems;
      },
      reload: async () => {
        seen.reloads++;
        if (seen.fails) throw new Error('no');
      },
    },
    remote: () => [{ ...seen.clamd, scan: async () => ({ kind: 'clean' }), stop: async () => undefined }],
    rulesDirectory: join(directory, 'rules.d'),
    after: (_, callback) => {
      seen.due = callback;
      return () => {
        seen.due = undefined;
      };
    },
    onChange: (state) => seen.states.push(state),
    log: (event) => seen.events.push(event),
  });
  /** One look, to its end. */
  const turn = async () => {
    await expect.poll(() => seen.due !== undefined).toBe(true);
    const { due } = seen;
    seen.due = undefined;
    due?.();
    await expect.poll(() => seen.due !== undefined).toBe(true);
  };
  return { seen, turn, watch };
}

describe('the rules of the user', () => {
  it('are read again when a file came, changed or went, and not otherwise', async () => {
    const { seen, turn } = setUp();
    const file = join(directory, 'rules.d', 'own.yar');
    await turn();
    expect(seen.reloads).toBe(0);
    mkdirSync(join(directory, 'rules.d'));
    writeFileSync(file, 'one');
    await turn();
    expect(seen.reloads).toBe(1);
    await turn();
    expect(seen.reloads).toBe(1);
    writeFileSync(file, 'another');
    await turn();
    expect(seen.reloads).toBe(2);
    rmSync(file);
    await turn();
    expect(seen.reloads).toBe(3);
  });

  it('are read again beside links that lead nowhere, as editors leave them', async () => {
    const { seen, turn } = setUp();
    const rules = join(directory, 'rules.d');
    mkdirSync(rules);
    symlinkSync('ada@host.1234', join(rules, '.#own.yar'));
    await turn();
    const before = seen.reloads;
    writeFileSync(join(rules, 'own.yar'), 'one');
    await turn();
    expect(seen.reloads).toBe(before + 1);
  });

  it('stay as they were when they can not be read, and that is told', async () => {
    const { seen, turn } = setUp();
    await turn();
    seen.fails = true;
    mkdirSync(join(directory, 'rules.d'));
    await turn();
    expect(seen.events).toContain('rules-not-read');
  });

  it('that are left out are shown', async () => {
    const { seen, turn } = setUp();
    seen.problems = [{ file: 'bad.yar', line: 3, message: 'syntax error' }];
    await turn();
    expect(seen.states.at(-1)?.ruleProblems).toEqual([{ file: 'bad.yar', line: 3, message: 'syntax error' }]);
    expect(seen.events).toContain('rules-left-out');
  });
});

it('an engine elsewhere is shown as it is', async () => {
  const { seen, turn } = setUp();
  expect(watch?.current().engines).toEqual([
    { id: 'yara-x', version: '1', rules: 3, isUp: true },
    { id: 'clamd', version: '', isUp: false },
  ]);
  seen.clamd = { id: 'clamd', version: 'ClamAV 1.4', isUp: true };
  await turn();
  expect(seen.states.at(-1)?.engines.at(-1)).toEqual({ id: 'clamd', version: 'ClamAV 1.4', isUp: true });
  await turn();
  expect(seen.states).toHaveLength(1);
});
