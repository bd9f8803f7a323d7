// The engine that always works: fixed strings and whole-file hashes, without native code. It stands in where YARA-X
// does not load, fails or gives up.
import { hash } from 'node:crypto';
import { matchesPerPattern } from '../limits.ts';
import type { Engine, Finding, Match } from './engine.ts';

interface Literal {
  readonly name: string;
  readonly category: Finding['category'];
  readonly bytes: Buffer;
}

function literal(name: string, category: Finding['category'], ...pieces: readonly string[]): Literal {
  return { name, category, bytes: Buffer.from(pieces.join(''), 'latin1') };
}

/** The strings of the rule files, in pieces where other scanners would take this file for the thing itself. */
const literals: readonly Literal[] = [
  literal(
    'Postern.Test.Eicar',
    'test',
    'X5O!P%@AP[4\\PZX54(P^)7CC)7}',
    '$EICAR-STANDARD-',
    'ANTIVIRUS-TEST-FILE!',
    '$H+H*',
  ),
  literal(
    'Postern.Test.Gtube',
    'spam-test',
    'XJS*C4JDBQADN1.NSBN3*2IDNEN*',
    'GTUBE-STANDARD-ANTI-UBE-',
    'TEST-EMAIL*C.34X',
  ),
  literal('Postern.Simulation.Macro', 'simulation', 'POSTERN-SIMULATION-', 'MACRO-5b0e7c1d94a8'),
  literal('Postern.Simulation.Dropper', 'simulation', 'POSTERN-SIMULATION-', 'DROPPER-c27f40d6e913'),
  literal('Postern.Simulation.Suspicious', 'suspicious', 'POSTERN-SIMULATION-', 'SUSPICIOUS-8e61d3a5720b'),
];

/** Whole files by size, so that hardly anything is hashed, and hex SHA-256. */
const files = [
  {
    name: 'Postern.Simulation.KnownFile',
    category: 'simulation',
    sizeBytes: 44,
    sha256: '0d0c8b290e7adcd6c795c00be7e08d86a091d984d5a4e9d1dcbbad9a3ff1a119',
  },
] as const;

function matchesOf(bytes: Buffer, wanted: Buffer): Match[] {
  const matches: Match[] = [];
  let at = bytes.indexOf(wanted);
  while (at !== -1 && matches.length < matchesPerPattern) {
    matches.push({ offset: at, length: wanted.length });
    at = bytes.indexOf(wanted, at + 1);
  }
  return matches;
}

/** An engine of the strings and hashes above; it needs no file and cannot fail. */
export function literalEngine(): Engine {
  return {
    id: 'literal',
    version: '1',
    rules: literals.length + files.length,
    scan: (octets) => {
      const bytes = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
      const findings: Finding[] = [];
      for (const { name, category, bytes: wanted } of literals) {
        const matches = matchesOf(bytes, wanted);
        if (matches.length > 0) findings.push({ name, category, matches });
      }
      for (const { name, category, sizeBytes, sha256 } of files) {
        if (bytes.length === sizeBytes && hash('sha256', bytes) === sha256)
          findings.push({ name, category, matches: [{ offset: 0, length: sizeBytes }] });
      }
      return findings;
    },
  };
}
