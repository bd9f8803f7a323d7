// Debian packages that a script needs: installed as root, else named in the one line to run.
import { spawnSync } from 'node:child_process';

const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };

function missingPackages(names: readonly string[]): readonly string[] {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
  const { stdout, error } = spawnSync('dpkg-query', ['-W', '-f=${Package} ${db:Status-Status}\n', ...names], {
    encoding: 'utf8',
  });
  if (error !== undefined) return names;
  const installed = new Set(
    stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.slice(0, line.indexOf(' '))),
  );
  return names.filter((name) => !installed.has(name));
}

function aptGet(args: readonly string[]): boolean {
  const { status, stdout, stderr } = spawnSync('apt-get', ['-q', '-y', ...args], {
    encoding: 'utf8',
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (status !== 0) process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`);
  return status === 0;
}

/**
 * Sees to it that the packages are there, and answers whether they are. `why` ends the sentence "needed for …".
 * Without root, or without apt, it says what is missing and changes nothing.
 */
export async function ensureDebianPackages(
  names: readonly string[],
  { why }: { readonly why: string },
): Promise<boolean> {
  const missing = missingPackages(names);
  if (missing.length === 0) return true;
  const list = missing.join(' ');
  if (process.getuid?.() !== 0) {
    console.error(`Needed for ${why}: sudo apt-get install --no-install-recommends ${list}`);
    return false;
  }
  console.error(`Installing for ${why}: ${list}`);
  const installed = aptGet(['update']) && aptGet(['install', '--no-install-recommends', ...missing]);
  if (!installed) console.error(`Could not be installed: ${list}`);
  return installed;
}
