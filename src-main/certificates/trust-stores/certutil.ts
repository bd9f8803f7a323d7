// The commands of NSS's certutil that we use, on one database. Nothing here asks at a terminal: certutil does when it
// wants a password, unless it is told a file of passwords.
import type { Problem } from './found-store.ts';
import { detailOf, type RunProgram, type RunResult } from './run-program.ts';

/** All give undefined where it was done, else why not. Never reject. */
export interface Certutil {
  /** Whether it could be changed: certutil is there, and no primary password protects it. Changes nothing. */
  probe(): Promise<Problem | undefined>;
  /** The trust of the certificate of this name: `C,,`. */
  flags(nickname: string): Promise<{ readonly flags: string } | Problem>;
  /** Makes an empty database without a password. */
  create(): Promise<Problem | undefined>;
  add(nickname: string, pem: string): Promise<Problem | undefined>;
  setFlags(nickname: string, flags: string): Promise<Problem | undefined>;
  delete(nickname: string): Promise<Problem | undefined>;
}

export const byHandDetail = 'import the exported certificate in the program itself, as an authority';

/** The trust of an authority for TLS servers alone. */
const authorityFlags = 'C,,';

/** An empty list of passwords; where there is a password it fits none. */
const noPassword = ['-f', '/dev/null'] as const;

/** After the name: trust for TLS, for mail, for code. */
const flagsPattern = /^ +([a-zA-Z]*,[a-zA-Z]*,[a-zA-Z]*) *$/;

const toolMissing: Problem = {
  reason: 'trust-tool-missing',
  detail: 'certutil is not installed (Debian, Ubuntu: libnss3-tools; Fedora: nss-tools; Arch: nss)',
  fix: 'own',
};

/** NSS's name of the error, the same in each language. */
const locked = 'SEC_ERROR_BAD_PASSWORD';

function problemOf(result: RunResult): Problem | undefined {
  if (result.kind === 'missing') return toolMissing;
  if (result.kind === 'ended' && result.exitCode === 0) return undefined;
  if (result.kind === 'ended' && result.stderr.includes(locked)) {
    const detail = `protected by a primary password: ${byHandDetail}`;
    return { reason: 'trust-store-locked', detail, fix: 'by-hand' };
  }
  return { reason: 'trust-store-failed', detail: `certutil: ${detailOf(result)}`, fix: 'own' };
}

export function createCertutil(run: RunProgram, directory: string): Certutil {
  const certutil = (args: readonly string[], input = '') =>
    run('certutil', [...args, '-d', `sql:${directory}`], { input });
  const change = async (args: readonly string[], input?: string) =>
    problemOf(await certutil([...args, ...noPassword], input));
  return {
    async probe() {
      const result = await certutil(['-K', ...noPassword]);
      // It lists private keys, and fails as well where there are none, or no database yet.
      const isOpen = result.kind === 'ended' && !result.stderr.includes(locked);
      return isOpen ? undefined : problemOf(result);
    },
    async flags(nickname) {
      const result = await certutil(['-L', ...noPassword]);
      const problem = problemOf(result);
      if (problem || result.kind !== 'ended') return problem ?? toolMissing;
      const found = result.stdout
        .split('\n')
        .filter((line) => line.startsWith(nickname))
        .flatMap((line) => flagsPattern.exec(line.slice(nickname.length))?.[1] ?? []);
      const [flags] = found;
      if (flags !== undefined && found.length === 1) return { flags };
      const detail = `certutil lists ${found.length} certificates by the name ${nickname}`;
      return { reason: 'trust-store-failed', detail, fix: 'by-hand' };
    },
    create: async () => problemOf(await certutil(['-N', '--empty-password'])),
    add: async (nickname, pem) => await change(['-A', '-a', '-n', nickname, '-t', authorityFlags], pem),
    setFlags: async (nickname, flags) => await change(['-M', '-n', nickname, '-t', flags]),
    delete: async (nickname) => await change(['-D', '-n', nickname]),
  };
}
