// The programs of the machine as the core lists them, asked for once per opened dialog.
import { useEffect, useState } from 'react';
import type { Application } from '../../src-main/contract/api.ts';
import { useCore } from '../app-context.ts';
import { programName } from '../components/ProgramTile.tsx';

export type Programs =
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed' }
  | {
      readonly kind: 'ready';
      readonly running: readonly Application[];
      readonly installed: readonly Application[];
    };

export function usePrograms(): Programs {
  const client = useCore((core) => core.client);
  const [programs, setPrograms] = useState<Programs>({ kind: 'loading' });
  useEffect(() => {
    if (client === undefined) return;
    let isCurrent = true;
    const show = (next: Programs) => {
      if (isCurrent) setPrograms(next);
    };
    Promise.all([client.applications.running(), client.applications.installed()]).then(
      ([running, installed]) => show({ kind: 'ready', running, installed }),
      () => show({ kind: 'failed' }),
    );
    return () => {
      isCurrent = false;
    };
  }, [client]);
  return programs;
}

/** How an entry of a list looks: by its name and icon if the program is here, else by the last piece of its path. */
export function useProgramLooks(): (application: string) => Pick<Application, 'name' | 'icon'> {
  const programs = usePrograms();
  const here = new Map(
    programs.kind === 'ready'
      ? [...programs.installed, ...programs.running].map((each) => [each.application, each])
      : [],
  );
  return (application) => here.get(application) ?? { name: programName(application) };
}
