// Certificates of ours for tests: in a directory that goes with the test, by a clock that the test sets.
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CertificateProblem, type Certificates, type Leaf, openCertificates } from './authority.ts';

export const dayMs = 24 * 60 * 60 * 1000;

export const leafOf = (leaf: Leaf) => new X509Certificate(leaf.certPem);
export const issuerOf = (leaf: Leaf) =>
  new X509Certificate(leaf.certPem.slice(leaf.certPem.indexOf('-----END') + 26));
export const presentOf = (certificates: Certificates) =>
  new X509Certificate(certificates.roots()[0]?.pem ?? '');
export const pemsOf = (certificates: Certificates) => certificates.roots().map(({ pem }) => pem);

export interface TestCertificates {
  readonly directory: string;
  readonly certificates: Certificates;
  readonly problems: CertificateProblem[];
  /** Each time that the roots changed: how many there were then. */
  readonly changes: number[];
}

/** Opens certificates in new directories, or in one of before; `remove` takes all away. */
export function createTestCertificates() {
  const parents: string[] = [];
  let nowMs = Date.parse('2030-03-01T12:00:00Z');
  async function newDirectory(): Promise<string> {
    const parent = await mkdtemp(join(tmpdir(), 'postern-certificates-'));
    parents.push(parent);
    return join(parent, 'certificates');
  }
  return {
    newDirectory,
    now: () => new Date(nowMs),
    setNow: (date: Date) => {
      nowMs = date.getTime();
    },
    pass: (ms: number) => {
      nowMs += ms;
    },
    async open(directory?: string, hostname = 'desk'): Promise<TestCertificates> {
      const problems: CertificateProblem[] = [];
      const changes: number[] = [];
      const place = directory ?? (await newDirectory());
      const certificates: Certificates = await openCertificates({
        directory: place,
        hostname,
        now: () => new Date(nowMs),
        onProblem: (problem) => problems.push(problem),
        onRootsChanged: () => changes.push(certificates.roots().length),
      });
      return { directory: place, certificates, problems, changes };
    },
    async remove(): Promise<void> {
      await Promise.all(parents.splice(0).map((path) => rm(path, { recursive: true })));
    },
  };
}

/** The texts of all files below a directory, by name. */
export async function readAll(directory: string): Promise<Map<string, string>> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  return new Map(
    await Promise.all(
      files.map(
        async ({ parentPath, name }) => [name, await readFile(join(parentPath, name), 'utf8')] as const,
      ),
    ),
  );
}
