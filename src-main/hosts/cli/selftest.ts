// `postern selftest`: walks all protocols through the running core's interception, and shows each step as it ends.
import type { SelfTestStep } from '../../contract/state.ts';
import { withCore } from './core-client.ts';
import { printable, printLine } from './output.ts';

/** Wide enough for the longest names of the two columns. */
const protocolWidth = 'imap-starttls'.length;
const stepWidth = 'clean-message'.length;

export function stepLine({ protocol, step, outcome, ms, detail }: SelfTestStep): string {
  const columns = [
    protocol.padEnd(protocolWidth),
    step.padEnd(stepWidth),
    outcome,
    ...(outcome === 'skipped' ? [] : [`${Math.round(ms)} ms`]),
    ...(detail === undefined ? [] : [detail]),
  ];
  return printable(columns.join('  '));
}

/** Exit code: 1 when a step failed. With `json` each step is one line of JSON. */
export async function selftestCommand({
  dataDir,
  json,
}: {
  readonly dataDir: string;
  readonly json: boolean;
}): Promise<0 | 1> {
  return await withCore(dataDir, async (core) => {
    let exitCode: 0 | 1 = 0;
    for await (const step of await core.protection.selfTest()) {
      printLine(json ? JSON.stringify(step) : stepLine(step));
      if (step.outcome === 'failed') exitCode = 1;
    }
    return exitCode;
  });
}
