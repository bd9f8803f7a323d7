import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../contract/settings.ts';
import { defaultLimits } from '../scanner/limits.ts';
import { defaultOptions } from '../scanner/options.ts';
import { configurationOf, createRemoteEngines } from './scanning.ts';

const { scanning } = defaultSettings;

describe('the settings of scanning', () => {
  it('mean by default what the scanner does by itself', () => {
    const { limits, options } = configurationOf(scanning);
    expect({ ...defaultLimits, ...limits }).toEqual(defaultLimits);
    expect(options).toEqual(defaultOptions);
  });

  it('switch groups of rules and kinds of objects', () => {
    const { options } = configurationOf({
      ...scanning,
      archives: false,
      heuristics: false,
      phishingLinks: false,
      unwanted: true,
    });
    expect(options).toMatchObject({ archives: false, emailFiles: true, groups: ['attachments', 'unwanted'] });
  });
});

describe('engines elsewhere', () => {
  function setUp(found: { path: string | undefined }) {
    const waiting: (() => void)[] = [];
    const engines = createRemoteEngines({
      now: () => 0,
      after: (_, callback) => {
        waiting.push(callback);
        return () => waiting.splice(waiting.indexOf(callback), 1);
      },
      random: () => 0,
      find: () => found.path,
    });
    const ids = () => engines.current().map(({ id }) => id);
    return { engines, ids, waiting };
  }

  it('are those that the settings name', async () => {
    const { engines, ids } = setUp({ path: undefined });
    engines.apply({ clamd: '/nowhere/clamd.ctl', icap: 'icap://[::1]:9/scan' });
    expect(ids()).toEqual(['clamd', 'icap']);
    const [clamd] = engines.current();
    engines.apply({ clamd: '/nowhere/clamd.ctl', icap: 'off' });
    expect(engines.current()[0]).toBe(clamd);
    engines.apply({ clamd: '/nowhere/other.ctl', icap: 'off' });
    expect(engines.current()[0]).not.toBe(clamd);
    await engines.stop();
    await engines.stop();
    expect(ids()).toEqual([]);
  });

  it('come and go with the clamd of the machine', async () => {
    const found: { path: string | undefined } = { path: undefined };
    const { engines, ids, waiting } = setUp(found);
    engines.apply({ clamd: 'auto', icap: 'off' });
    expect(ids()).toEqual([]);
    found.path = '/nowhere/clamd.ctl';
    waiting.at(-1)?.();
    expect(ids()).toEqual(['clamd']);
    found.path = undefined;
    for (const look of [...waiting]) look();
    expect(ids()).toEqual([]);
    await engines.stop();
  });
});
