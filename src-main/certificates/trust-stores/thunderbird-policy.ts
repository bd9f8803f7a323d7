// The policy of the machine's Thunderbird: whether `policies.json` has it trust our root in each profile, also in those
// that are made tomorrow. Changed by an administrator.
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { askAdministrator } from './administered.ts';
import { type Machine, type StoreKind, stateOf, unchanged } from './found-store.ts';
import { readSmallFile, statOf } from './own-files.ts';
import { holdsRoot } from './root-certificate.ts';
import type { Root } from './store.ts';

/** The machine's file stands for all; the one beside the program counts only where that is absent. */
const policyFiles = [
  '/etc/thunderbird/policies/policies.json',
  '/usr/lib/thunderbird/distribution/policies.json',
];

/** Where Thunderbird looks for a certificate that is named without a path. */
const certificateDirectories = ['/usr/lib/mozilla/certificates', '/usr/lib64/mozilla/certificates'];

const maxPolicyBytes = 1024 * 1024;
const maxCertificateBytes = 64 * 1024;

/** A company installs two or three. */
const maxCertificates = 50;

const policySchema = z.object({
  policies: z.object({ Certificates: z.object({ Install: z.array(z.unknown()) }) }),
});

/** The names in `Certificates.Install`; none where it isn't as it has to be. */
function installedNames(text: string): string[] {
  try {
    const parsed = policySchema.safeParse(JSON.parse(text));
    const names = parsed.success ? parsed.data.policies.Certificates.Install : [];
    return names.slice(0, maxCertificates).filter((name) => typeof name === 'string');
  } catch {
    // Not JSON: Thunderbird leaves such a file out as well.
    return [];
  }
}

export function thunderbirdPolicyStore(machine: Machine): StoreKind {
  async function isInstalled(): Promise<boolean> {
    return (await statOf(machine.inRoot('/usr/lib/thunderbird'))) !== undefined;
  }

  /** What the policy installs. */
  async function certificates(): Promise<Buffer[]> {
    for (const name of policyFiles) {
      const file = await readSmallFile(machine.inRoot(name), maxPolicyBytes);
      if (file.kind === 'absent') continue;
      const names = file.kind === 'text' ? installedNames(file.bytes.toString('utf8')) : [];
      const paths = names.flatMap((each) =>
        isAbsolute(each) ? [each] : certificateDirectories.map((directory) => join(directory, each)),
      );
      const files = await Promise.all(
        paths.map((path) => readSmallFile(machine.inRoot(path), maxCertificateBytes)),
      );
      return files.flatMap((each) => (each.kind === 'text' ? [each.bytes] : []));
    }
    return [];
  }

  const holds = (installed: readonly Buffer[], root: Root) =>
    installed.some((bytes) => holdsRoot(bytes, root));

  return {
    async find({ roots }) {
      if (!(await isInstalled())) return [];
      // A user's profiles are reached one by one; the machine's policy is an administrator's business.
      const present = await certificates();
      if (machine.uid !== 0 && !roots.some((root) => holds(present, root))) return [];
      const path = machine.inRoot(policyFiles[0] ?? '');
      return [
        {
          id: 'thunderbird-policy',
          kind: 'thunderbird-policy',
          programs: ['Thunderbird'],
          path,
          running: false,
          async state(roots) {
            const installed = await certificates();
            return { state: stateOf(roots.map((root) => holds(installed, root))), fix: 'administrator' };
          },
          install: async (root) =>
            holds(await certificates(), root)
              ? unchanged
              : await askAdministrator(machine, 'thunderbird-policy', 'install', root),
          remove: async (root) =>
            holds(await certificates(), root)
              ? await askAdministrator(machine, 'thunderbird-policy', 'remove', root)
              : unchanged,
        },
      ];
    },
  };
}
