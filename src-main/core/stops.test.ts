import { expect, test } from 'vitest';
import { Stops } from './stops.ts';

test('what was begun ends in reverse order, once', async () => {
  const ended: string[] = [];
  const stops = new Stops(() => undefined);
  stops.add(() => ended.push('first'));
  await stops.own(Promise.resolve('second'), (part) => ended.push(part));
  stops.add(async () => ended.push('third'));
  await Promise.all([stops.stop(), stops.stop()]);
  await stops.stop();
  expect(ended).toEqual(['third', 'second', 'first']);
});

test('what is still being opened is waited for and ended too', async () => {
  const ended: string[] = [];
  const stops = new Stops(() => undefined);
  const opening = Promise.withResolvers<string>();
  const owned = stops.own(opening.promise, (part) => ended.push(part));
  const failing = stops.own(Promise.reject(new Error('not opened')), () => ended.push('never'));
  await expect(failing).rejects.toThrow('not opened');
  const stopped = stops.stop();
  opening.resolve('late');
  await stopped;
  expect(await owned).toBe('late');
  expect(ended).toEqual(['late']);
});

test('what is opened only after the end ends at once', async () => {
  const ended: string[] = [];
  const stops = new Stops(() => undefined);
  await stops.stop();
  await stops.own(Promise.resolve('too late'), (part) => ended.push(part));
  expect(ended).toEqual(['too late']);
});

test('a step that fails is logged and does not keep the others', async () => {
  const seen: string[] = [];
  const stops = new Stops((event) => seen.push(event));
  stops.add(() => seen.push('first'));
  stops.add(async () => await Promise.reject(new Error('stuck')));
  await stops.stop();
  expect(seen).toEqual(['stop-failed', 'first']);
});
