// `postern headless`: a core in this process, until it is told to end.
import { parseConsoleAddress } from '../addresses.ts';
import { type CoreArguments, coreOptionsOf, valueOrFail } from '../core-arguments.ts';
import { CommandFailure } from '../failure.ts';

export interface HeadlessArguments extends CoreArguments {
  readonly dataDir: string;
  readonly console: string;
  readonly controlSocket?: string;
  readonly publicCa?: string;
}

export async function headlessCommand(given: HeadlessArguments): Promise<void> {
  const console = valueOrFail(parseConsoleAddress(given.console));
  const { dataDir, controlSocket, publicCa } = given;
  const options = { ...coreOptionsOf(given), dataDir, console, controlSocket, publicCa };
  // A usage error is told without loading the core.
  const { runHeadless } = await import('../headless/main.ts');
  const end = await runHeadless(options);
  if (end.kind === 'failed') throw new CommandFailure(end.code, end.detail);
}
