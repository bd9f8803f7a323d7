// Programs as a core would list them, for the tests of the picker.
import type { Application } from '../../src-main/contract/api.ts';

function program(given: Partial<Application> & Pick<Application, 'name' | 'path'>): Application {
  return {
    application: given.path,
    users: ['1000'],
    processes: 1,
    connections: [],
    interpreter: false,
    ...given,
  };
}

export const sampleRunning: readonly Application[] = [
  program({
    name: 'Thunderbird',
    path: '/usr/lib/thunderbird/thunderbird',
    connections: ['imap.example.org:993'],
  }),
  program({
    name: 'mbsync',
    path: '/usr/bin/mbsync',
    connections: ['mail.example.net:993', 'mail.example.com:993', 'mail.example.org:993'],
  }),
  program({
    name: 'Evolution',
    application: 'flatpak:org.gnome.Evolution',
    path: '/app/bin/evolution',
    processes: 2,
  }),
  program({
    name: 'Firefox',
    path: '/usr/lib/firefox-esr/firefox-esr',
    processes: 11,
    users: ['1000', '1001'],
  }),
  program({ name: 'python3', path: '/usr/bin/python3.11', interpreter: true }),
];

export const sampleInstalled: readonly Application[] = [
  program({ name: 'Claws Mail', path: '/usr/bin/claws-mail', processes: 0, users: [] }),
  program({ name: 'Thunderbird', path: '/usr/lib/thunderbird/thunderbird', processes: 0, users: [] }),
];
