import { describe, expect, it } from 'vitest';
import type { Application } from '../../src-main/contract/api.ts';
import { filterSections, pickerSections, typedProgram } from './picker-programs.ts';

const program = (name: string, given: Partial<Application> = {}): Application => ({
  application: `/usr/bin/${name}`,
  name,
  path: `/usr/bin/${name}`,
  users: [],
  processes: 1,
  connections: [],
  interpreter: false,
  ...given,
});
const names = (programs: readonly Application[]) => programs.map((each) => each.name);

describe('the picker', () => {
  const sections = pickerSections(
    [
      program('zsh'),
      program('mutt', { connections: ['imap.example.org:993'] }),
      program('firefox'),
      program('mutt'),
    ],
    [
      program('mutt', { processes: 0 }),
      program('claws', { processes: 0 }),
      program('firefox', { processes: 0 }),
    ],
  );

  it('lists each program once: those with mail connections first, then running, then installed', () => {
    expect(names(sections.connected)).toEqual(['mutt']);
    expect(names(sections.running)).toEqual(['firefox', 'zsh']);
    expect(names(sections.installed)).toEqual(['claws']);
  });

  it('filters by name and path', () => {
    const filtered = filterSections(sections, ' BIN/F');
    expect([filtered.connected, filtered.running, filtered.installed].map(names)).toEqual([
      [],
      ['firefox'],
      [],
    ]);
  });
});

describe('what is typed into the picker', () => {
  it('is a search unless it looks like a path or identity', () => {
    expect(typedProgram('thunder')).toEqual({ kind: 'none' });
    expect(typedProgram('')).toEqual({ kind: 'none' });
  });

  it.each([
    ['/opt/mail/*', 'mail'],
    ['/usr/bin/mutt', 'mutt'],
    ['flatpak:org.mozilla.Thunderbird', 'Thunderbird'],
    ['snap:thunderbird', 'thunderbird'],
    ['/*', '/*'],
  ])('%s is a program named %s', (text, name) => {
    expect(typedProgram(text)).toMatchObject({ kind: 'program', program: { application: text, name } });
  });

  it('warns of an interpreter', () => {
    expect(typedProgram('/usr/bin/python3')).toMatchObject({ program: { interpreter: true } });
    expect(typedProgram('/usr/bin/mutt')).toMatchObject({ program: { interpreter: false } });
  });

  it('is wrong in words that say how', () => {
    expect(typedProgram('/usr/*/mutt')).toEqual({ kind: 'wrong', problem: 'wildcard' });
    expect(typedProgram('snap:')).toEqual({ kind: 'wrong', problem: 'bad-identity' });
  });
});
