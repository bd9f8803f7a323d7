// `postern status`: what the running core does, for people or as JSON.
import { translate } from '../../contract/locales.ts';
import { mendOf } from '../../contract/mends.ts';
import type { Availability, State } from '../../contract/state.ts';
import { errorWords } from '../words.ts';
import { withCore } from './core-client.ts';
import { printLine } from './output.ts';

function availability({ state, reason, detail }: Availability): string {
  return [state, reason === undefined ? undefined : errorWords(reason), detail]
    .filter((piece) => piece !== undefined)
    .join(': ');
}

/** What to do about an interception that is not there, if it is known. */
function mendLines({ state, reason }: Availability): string[] {
  if (state === 'active' || reason === undefined) return [];
  const { text, command } = mendOf(reason);
  return [
    ...(text === undefined ? [] : [`to do          ${translate('en', text)}`]),
    ...(command === undefined ? [] : [`               ${command}`]),
  ];
}

/** `2 encrypted, 1 message-size`, and how many that is. */
function byReason(counts: Readonly<Record<string, number>>) {
  const entries = Object.entries(counts);
  return {
    total: entries.reduce((sum, [, count]) => sum + count, 0),
    list: entries.map(([reason, count]) => `${count} ${reason}`).join(', '),
  };
}

const inBrackets = (text: string) => (text === '' ? '' : ` (${text})`);

/** The lines for people. */
export function statusLines(state: State): string[] {
  const { counters, listeners, settingsProblems } = state;
  const notScanned = byReason(counters.notScannedByReason);
  const relayed = byReason(counters.relayedByReason);
  return [
    `protection     ${availability(state.protection)}`,
    `interception   ${availability(state.interception)}`,
    ...mendLines(state.interception),
    ...state.remarks.map(
      ({ code, detail }) => `remark         ${errorWords(code)}${detail === undefined ? '' : ` (${detail})`}`,
    ),
    ...listeners.map(
      ({ protocol, address, port, target }) => `listener       ${protocol} ${address}:${port} for ${target}`,
    ),
    `messages       ${counters.scanned} scanned since ${counters.since}: ${counters.clean} clean, ${counters.infected} infected, ${counters.suspicious} suspicious, ${counters.notScanned} not scanned${inBrackets(notScanned.list)}`,
    `connections    ${state.openConnections} open, ${state.staleConnections} by older settings`,
    ...(state.directConnections > 0
      ? [
          `direct         ${state.directConnections} connections were open before protection began and are not scanned`,
        ]
      : []),
    `relayed        ${relayed.total} connections passed unscanned since then${inBrackets(relayed.list)}`,
    ...state.trust.relays.map(
      ({ program, server, port, reason, detail }) =>
        `unopened       ${program ?? 'any program'} to ${server}:${port}: ${reason}${inBrackets(detail ?? '')}`,
    ),
    ...state.engines.map(
      ({ id, version, rules, isUp }) =>
        `engine         ${[id, version].filter((piece) => piece !== '').join(' ')}${rules === undefined ? '' : `, ${rules} rules`}${isUp ? '' : ': does not answer'}`,
    ),
    ...state.ruleProblems.map(
      ({ file, line, message }) =>
        `rules          left out: ${file}${line === undefined ? '' : `:${line}`}: ${message}`,
    ),
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
