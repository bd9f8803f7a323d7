// `npm test`: everything that CI runs. Sets up what the end-to-end tests need (as root from Debian's packages; else it
// says what is missing, and those tests are skipped by name), then the checks, then all tests, and closes with the count.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { ensureDebianBase } from '../e2e/install/debian-base.ts';
import { ensureCyrus } from '../e2e/support/cyrus-packages.ts';
import { buildIfStale } from './build.ts';
import { ensureDebianPackages } from './debian.ts';

const packages = [
  'nftables',
  'iproute2',
  'procps',
  'openssl',
  'chromium',
  'dovecot-imapd',
  'dovecot-pop3d',
  'isync',
  'libsasl2-modules',
  'fetchmail',
  'mpop',
  'curl',
  'thunderbird',
  'libnss3-tools',
  'iptables',
  'bubblewrap',
  'util-linux',
  'dbus-daemon',
  'dbus-bin',
  'polkitd',
  'pkexec',
  'debootstrap',
  'systemd-container',
  'clamav-daemon',
  'clamav-testfiles',
  'c-icap',
  'libc-icap-mod-virus-scan',
  'p7zip-full',
  'genisoimage',
  'zip',
];
// The sibling folder's client scripts are driven by it.
if (existsSync('../shared/clients')) packages.push('python3');
await ensureDebianPackages(packages, { why: 'the end-to-end tests' });
await ensureCyrus();
await ensureDebianBase();
await buildIfStale();

const run = (program: string, args: readonly string[]) =>
  spawnSync(program, args, { stdio: 'inherit' }).status ?? 1;
const checks = run(process.execPath, ['scripts/check.ts', '--no-tests']);
const tests = run('node_modules/.bin/vitest', [
  'run',
  ...process.argv.slice(2),
  '--reporter=default',
  '--reporter=./scripts/count-reporter.ts',
]);
if (checks !== 0)
  process.stdout.write('types, lint, layers or unused code failed: see above\n0 passed, 1 failed\n');
process.exit(checks || tests);
