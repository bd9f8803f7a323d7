// `postern status`: what the running core does, for people or as JSON.
import type { Availability, State } from '../../contract/state.ts';
import { errorWords } from '../words.ts';
import { withCore } from './core-client.ts';
import { printLine } from './output.ts';

function availability({ state, reason, detail }: Availability): string {
  return [state, reason === undefined ? undefined : errorWords(reason), detail]
    .filter((piece) => piece !== undefined)
    .join(': ');
}

/** The lines for people. */
function statusLines(state: State): string[] {
  const { counters, listeners, settingsProblems } = state;
  const notScanned = Object.entries(counters.notScannedByReason).map(
    ([reason, count]) => `${count} ${reason}`,
  );
  return [
    `protection     ${availability(state.protection)}`,
    `interception   ${availability(state.interception)}`,
    ...listeners.map(
      ({ protocol, address, port, target }) => `listener       ${protocol} ${address}:${port} for ${target}`,
    ),
    `messages       ${counters.scanned} scanned since ${counters.since}: ${counters.clean} clean, ${counters.infected} infected, ${counters.suspicious} suspicious, ${counters.notScanned} not scanned${notScanned.length === 0 ? '' : ` (${notScanned.join(', ')})`}`,
    `connections    ${state.openConnections} open, ${state.staleConnections} by older settings`,
    ...settingsProblems.map(
      ({ code, section, fields, keptAs }) =>
        `settings       ${errorWords(code)}${section === undefined ? '' : `: ${section}${fields === undefined ? '' : ` (${fields.join(', ')})`}`}${keptAs === undefined ? '' : `; the old file is ${keptAs}`}`,
    ),
  ];
}

export async function statusCommand({
  dataDir,
  json,
}: {
  readonly dataDir: string;
  readonly json: boolean;
}): Promise<void> {
  const { state } = await withCore(dataDir, (core) => core.state.get());
  if (json) printLine(JSON.stringify(state));
  else statusLines(state).forEach(printLine);
}
