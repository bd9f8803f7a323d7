import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../contract/settings.ts';
import { scanningOf } from './scan-options.ts';

const defaults = defaultSettings.scanning;

describe('the engines of a scan', () => {
  it('are the default ones where nothing is said', () => {
    expect(scanningOf({})).toEqual(defaults);
  });

  it.each([
    ['builtin', { clamd: 'off', icap: 'off' }],
    ['builtin,clamd', { clamd: 'auto', icap: 'off' }],
    ['clamd=/run/x.ctl', { clamd: '/run/x.ctl', icap: 'off' }],
    [
      'clamd=[::1]:3310, icap=icap://host:1344/avscan',
      { clamd: '[::1]:3310', icap: 'icap://host:1344/avscan' },
    ],
  ])('%s', (engines, expected) => {
    expect(scanningOf({ engines })).toEqual({ ...defaults, ...expected });
  });

  it.each(['', 'yara', 'icap', 'builtin=1', 'clamd=host', 'icap=http://host/x', 'clamd,'])(
    '%j is refused',
    (engines) => {
      expect(() => scanningOf({ engines })).toThrow();
    },
  );
});

describe('the limits of a scan', () => {
  it('change the ones that are named', () => {
    expect(scanningOf({ limits: 'maxSeconds=30, archiveDepth=2' })).toEqual({
      ...defaults,
      maxSeconds: 30,
      archiveDepth: 2,
    });
  });

  it.each(['', 'maxSeconds', 'maxSeconds=', 'maxSeconds=-1', 'maxSeconds=1', 'clamd=1', 'archiveDepth=1e9'])(
    '%j is refused',
    (limits) => {
      expect(() => scanningOf({ limits })).toThrow();
    },
  );
});
