// Names that say that a file is a program, for archives whose members can't be looked into.
import { isRunnable, readName } from '../../heuristics/name-facts.ts';

export function isProgramName(name: string): boolean {
  // What stands behind a zero is no part of the name to most programs.
  return isRunnable(readName(name.replace(/\0[\s\S]*$/, '')).extension);
}
