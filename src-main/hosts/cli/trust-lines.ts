// The lines of `postern trust`: the root, a store with its state and what to do, what was done with one, and what is relayed.
import { assertNever } from '../../contract/assert-never.ts';
import type { CertificateFacts, TlsRelay, TrustAction, TrustStore } from '../../contract/trust.ts';
import { errorWords } from '../words.ts';
import { printable } from './output.ts';

const inColumns = (...pieces: readonly (string | undefined)[]) =>
  printable(pieces.filter((piece) => piece !== undefined && piece !== '').join('  '));

const named = ({ kind, name = '-', path }: Pick<TrustStore, 'kind' | 'name' | 'path'>) =>
  inColumns(kind.padEnd(18), name, path);

/** A word of a shell, whatever is in it. */
const quoted = (text: string) => (/^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** Whose root it is: root's commands change the machine's stores, and those of the system's core are root's business. */
export type Asker = 'root' | 'user' | "user of the system's core";

export const install = 'postern trust install';

function toDo({ fix, id, running, detail }: TrustStore, asker: Asker): string {
  const after = running ? ', then restart the program' : '';
  switch (fix) {
    case 'own':
      return `to do: ${asker === 'root' ? 'sudo ' : ''}${install}${after}`;
    case 'administrator':
      return `to do: ${asker === 'user' ? `${install} ${quoted(id)}` : `sudo ${install}`}${after}`;
    case 'by-hand':
      return `to do by hand: ${detail ?? 'import what `postern ca export` gives'}${after}`;
    default:
      return assertNever(fix);
  }
}

/** The roots: the present one, then the one that is to follow it. */
export function rootLines(roots: readonly CertificateFacts[]): string[] {
  return roots
    .flatMap(({ subject, sha256, notBefore, notAfter }, index) => [
      `${index === 0 ? 'root' : 'to follow'}: ${subject}`,
      `  SHA-256    ${sha256}`,
      `  valid      ${notBefore} to ${notAfter}`,
    ])
    .map(printable);
}

/** One line for a store. */
export function storeLine(store: TrustStore, asker: Asker): string {
  const { state, reason, detail, running, lastHandshake } = store;
  const begin = inColumns(state.padEnd(11), named(store));
  const last = lastHandshake && !lastHandshake.accepted ? `refused at ${lastHandshake.server}` : undefined;
  switch (state) {
    case 'trusted':
      return inColumns(begin, last, last && running ? 'to do: restart the program' : undefined);
    case 'partly':
    case 'not-trusted':
      return inColumns(begin, store.fix === 'by-hand' ? undefined : detail, toDo(store, asker));
    case 'pinned':
      return inColumns(begin, detail, 'it compares fingerprints and asks no store');
    case 'unavailable':
      return inColumns(begin, reason && errorWords(reason), detail);
    default:
      return assertNever(state);
  }
}

export function actionLine({ store, action, reason, detail }: TrustAction): string {
  return inColumns(action.padEnd(11), named(store), reason && errorWords(reason), detail);
}

/** The id is what `postern trust forget` takes. */
export function relayLine({ id, program = '-', server, port, reason, detail, until }: TlsRelay): string {
  const place = `${server.includes(':') ? `[${server}]` : server}:${port}`;
  const why = detail === undefined ? reason : `${reason} (${detail})`;
  return inColumns('relayed'.padEnd(11), id, program, place, why, `until ${until}`);
}
