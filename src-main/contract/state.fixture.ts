// A state for the tests of whoever keeps or shows one: nothing has happened yet.
import { defaultSettings } from './settings.ts';
import type { State } from './state.ts';

export const quietState: State = {
  settings: defaultSettings,
  settingsProblems: [],
  protection: { state: 'active' },
  interception: { state: 'active' },
  remarks: [],
  listeners: [],
  counters: {
    scanned: 0,
    clean: 0,
    infected: 0,
    suspicious: 0,
    notScanned: 0,
    notScannedByReason: {},
    relayedByReason: {},
    since: '2025-11-24T12:00:00.000Z',
  },
  openConnections: 0,
  staleConnections: 0,
  directConnections: 0,
  trust: {
    roots: [],
    caPath: '/var/lib/postern/certificates/ca.pem',
    homeDir: '/root',
    stores: [],
    relays: [],
  },
  engines: [],
  ruleProblems: [],
  lastMessages: [],
};
