import { expect, test } from 'vitest';
import type { HelperLine } from '../../interception/linux/helper-messages.ts';
import { answerOwners } from './owners.ts';

const request = (id: number) => ({ id, do: 'owner', inode: id, uid: 7 }) as const;
const turns = async () => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
};

test('many are looked for at once, and each is told when it is found', async () => {
  const said: HelperLine[] = [];
  const found = Promise.withResolvers<{ readonly pid: number }>();
  const answer = answerOwners(
    (line) => said.push(line),
    (inode) => (inode === 1 ? found.promise : Promise.resolve(undefined)),
  );
  await answer(request(1));
  await answer(request(2));
  await turns();
  expect(said).toEqual([{ id: 2, ok: true }]);
  found.resolve({ pid: 4711 });
  await turns();
  expect(said.at(-1)).toEqual({ id: 1, ok: true, answer: { owner: { pid: 4711 } } });
});

test('one for more than may be looked for at once waits', async () => {
  const said: HelperLine[] = [];
  const found = Promise.withResolvers<undefined>();
  let asked = 0;
  const answer = answerOwners(
    (line) => said.push(line),
    () => {
      asked++;
      return found.promise;
    },
  );
  for (let id = 1; id <= 256; id++) await answer(request(id));
  const last = answer(request(257));
  // What would be looked for beyond it would be by now.
  await turns();
  expect(asked).toBe(256);
  found.resolve(undefined);
  await last;
  await turns();
  expect(said).toHaveLength(257);
});
