// `postern helper`: puts the root-owned helper of this clone in place, takes it away, and tells whether it is as it should be.
import { assertNever } from '../../contract/assert-never.ts';
import { failureExitCode } from '../failure.ts';
import {
  type HelperPlaces,
  helperPlaces,
  helperStatus,
  installHelper,
  removeHelper,
} from '../helper-install.ts';
import { printLine } from './output.ts';

/** Nothing is installed, or something else than this clone has. */
const differsExitCode = 1;

function complain(line: string): number {
  process.stderr.write(`postern: ${line}\n`);
  return failureExitCode;
}

/** Says the one line to run where root is needed. */
function asRoot(command: string, work: (places: HelperPlaces) => number): number {
  if (process.geteuid?.() !== 0) return complain(`needs root: sudo npx postern helper ${command}`);
  // Node says at its first use that what takes the types away is experimental; the version is pinned.
  process.removeAllListeners('warning');
  return work(helperPlaces());
}

export function installHelperCommand(): number {
  return asRoot('install', (places) => {
    const result = installHelper(places);
    if (!result.ok) return complain(result.problem);
    printLine(`installed: ${result.libraryDir}`);
    return 0;
  });
}

export function removeHelperCommand(): number {
  return asRoot('remove', (places) => {
    printLine(removeHelper(places) ? 'removed' : 'nothing was installed');
    return 0;
  });
}

export function helperStatusCommand(): number {
  process.removeAllListeners('warning');
  const status = helperStatus(helperPlaces());
  switch (status.kind) {
    case 'none':
      printLine('not installed (sudo npx postern helper install)');
      return differsExitCode;
    case 'packaged':
      printLine(`installed by the package: ${status.path}`);
      return 0;
    case 'installed':
      printLine(`installed, as in this clone: ${status.libraryDir}`);
      return 0;
    case 'differs':
      printLine(`not as in this clone (sudo npx postern helper install): ${status.libraryDir}`);
      for (const path of status.paths) printLine(`  ${path}`);
      return differsExitCode;
    default:
      return assertNever(status);
  }
}
