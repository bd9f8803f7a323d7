// The trust stores for a command, where no core runs that could do the work: the roots out of the file that a core keeps for
// trust stores, and the stores of the user who asks. Makes no root and holds no key.
import { X509Certificate } from 'node:crypto';
import { certificateFacts } from '../certificates/certificate-facts.ts';
import { openJournal } from '../certificates/trust-stores/journal.ts';
import { openNssDatabase } from '../certificates/trust-stores/nss-database.ts';
import { createRunProgram } from '../certificates/trust-stores/run-program.ts';
import type { Root } from '../certificates/trust-stores/store.ts';
import type { TrustAction } from '../contract/trust.ts';
import { openRootList } from './root-list.ts';

export type {
  AskAdministrator,
  MachineReply,
  MachineRequest,
  Root,
} from '../certificates/trust-stores/store.ts';
export { openTrustStores } from '../certificates/trust-stores/trust-stores.ts';

/** The present root and its successor: there are never more. */
const maxRoots = 4;

const block = /-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----/g;

/** The certificates of a PEM file in its order; whatever else it holds, a key too, is left out. Throws for what is none. */
export function rootsIn(pem: string): Root[] {
  return [...pem.matchAll(block)].slice(0, maxRoots).map(([text]) => {
    const certificate = new X509Certificate(text);
    return { pem: certificate.toString(), facts: certificateFacts(certificate.raw) };
  });
}

/**
 * The roots that a user's commands have put somewhere, beside that user's journal: another user's core that replaces its root
 * can't take the old one out there.
 */
export function openPlacedRoots({
  file,
  log,
}: {
  readonly file: string;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}) {
  const list = openRootList(file, ({ kind, error }) => log(`trust-placed-${kind}`, { error }));
  return {
    add: (roots: readonly Root[]) => list.add(roots),
    /** Those that are none of the present ones. */
    others(roots: readonly Root[]): Root[] {
      const present = new Set(roots.map(({ facts }) => facts.sha256));
      return list.list().filter(({ facts }) => !present.has(facts.sha256));
    },
    /** Forgets those that are nowhere any more. */
    async keepOnly(isSomewhere: (root: Root) => Promise<boolean>): Promise<void> {
      for (const root of list.list()) if (!(await isSomewhere(root))) await list.remove([root.facts.sha256]);
    },
  };
}

/** Puts roots into the NSS database in a directory that no list of profiles names, or takes them out. */
export async function changeNssDirectory(options: {
  readonly directory: string;
  readonly action: 'install' | 'remove';
  readonly roots: readonly Root[];
  readonly homeDir: string;
  readonly uid: number;
  readonly journalFile: string;
  readonly now: () => Date;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}): Promise<TrustAction> {
  const { directory, action, roots, homeDir, uid, journalFile, now, log } = options;
  // The id that a running program's profile of this place has, so that one record tells of both.
  const id = `thunderbird:${directory}`;
  const journal = openJournal({
    file: journalFile,
    now,
    onDamaged: (movedTo) => log('trust-journal-damaged', { movedTo }),
  });
  const run = createRunProgram();
  const machine = {
    homeDir,
    uid,
    run,
    journal,
    log,
    inRoot: (path: string) => path,
    administrator: () => undefined,
  };
  const database = openNssDatabase(machine, id, directory);
  const store = { id, kind: 'thunderbird', path: directory } as const;
  let done: TrustAction = { store, action: 'unchanged' };
  for (const root of roots) {
    const outcome = action === 'install' ? await database.install(root) : await database.remove(root);
    if (outcome.action === 'failed') return { store, ...outcome };
    if (outcome.action !== 'unchanged') done = { store, action: outcome.action };
  }
  return done;
}
