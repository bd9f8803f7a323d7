// What the picker shows: the programs of this machine in three sections, filtered, and what was typed as a path. Pure.
import type { Application } from '../../src-main/contract/api.ts';
import {
  type ApplicationProblem,
  isInterpreter,
  parseApplicationRule,
} from '../../src-main/contract/application-rule.ts';
import { programName } from '../components/ProgramTile.tsx';
import { foldCase } from '../state/search.ts';

export interface PickerSections {
  readonly connected: readonly Application[];
  readonly running: readonly Application[];
  readonly installed: readonly Application[];
}

/** Each program once: by its mail connections, else because it runs, else because it is installed. */
export function pickerSections(
  running: readonly Application[],
  installed: readonly Application[],
): PickerSections {
  const seen = new Set<string>();
  const once = (program: Application) =>
    !seen.has(program.application) && seen.add(program.application) !== undefined;
  const byName = (one: Application, other: Application) => one.name.localeCompare(other.name);
  return {
    connected: running.filter((each) => each.connections.length > 0 && once(each)).toSorted(byName),
    running: running.filter((each) => each.connections.length === 0 && once(each)).toSorted(byName),
    installed: installed.filter(once).toSorted(byName),
  };
}

export function filterSections(sections: PickerSections, query: string): PickerSections {
  const wanted = foldCase(query.trim());
  const keep = (programs: readonly Application[]) =>
    programs.filter((each) =>
      [each.name, each.path, each.application].some((text) => foldCase(text).includes(wanted)),
    );
  return {
    connected: keep(sections.connected),
    running: keep(sections.running),
    installed: keep(sections.installed),
  };
}

export type TypedProgram =
  | { readonly kind: 'none' }
  | { readonly kind: 'wrong'; readonly problem: ApplicationProblem }
  | { readonly kind: 'program'; readonly program: Application };

/** What is typed counts as a path or identity when it looks like one. */
export function typedProgram(query: string): TypedProgram {
  const text = query.trim();
  if (!/^(\/|(flatpak|snap|appimage):)/.test(text)) return { kind: 'none' };
  const parsed = parseApplicationRule(text);
  if (!parsed.ok) return { kind: 'wrong', problem: parsed.problem };
  return {
    kind: 'program',
    program: {
      application: text,
      name: programName(text),
      path: text,
      users: [],
      processes: 0,
      connections: [],
      interpreter: parsed.rule.kind === 'path' && isInterpreter(text),
    },
  };
}
