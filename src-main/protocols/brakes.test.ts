import { expect, test } from 'vitest';
import { Brakes } from './brakes.ts';
import type { EngineAction } from './engine.ts';
import { heldMessages, heldOutputBytes, pendingClientBytes } from './limits.ts';

const idle = { outputBytes: 0, held: 0, pendingBytes: 0 };

test.each([
  ['server', 'outputBytes', heldOutputBytes + 1, heldOutputBytes / 2],
  ['server', 'held', heldMessages, heldMessages / 2],
  ['client', 'pendingBytes', pendingClientBytes + 1, pendingClientBytes / 2],
] as const)(
  'the %s stops at too much of %s, once, and goes on when half is gone',
  (side, load, full, roomy) => {
    const actions: EngineAction[] = [];
    const brakes = new Brakes((action) => void actions.push(action));
    brakes.balance({ ...idle, [load]: full - 1 });
    expect(actions).toEqual([]);
    brakes.balance({ ...idle, [load]: full });
    brakes.balance({ ...idle, [load]: full });
    brakes.balance({ ...idle, [load]: roomy + 1 });
    expect(actions).toEqual([{ kind: 'pause', side }]);
    brakes.balance({ ...idle, [load]: roomy });
    brakes.balance(idle);
    expect(actions).toEqual([
      { kind: 'pause', side },
      { kind: 'resume', side },
    ]);
  },
);

test('the server goes on only when there is room of both kinds', () => {
  const actions: EngineAction[] = [];
  const brakes = new Brakes((action) => void actions.push(action));
  brakes.balance({ ...idle, held: heldMessages });
  brakes.balance({ ...idle, outputBytes: heldOutputBytes / 2 + 1 });
  expect(actions).toEqual([{ kind: 'pause', side: 'server' }]);
});
