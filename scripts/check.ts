// `npm run check`: types of every room, lint and format, the import arrows, unused code, unit tests. With --no-tests
// it leaves the tests to the caller. Runs everything and fails at the end, so that one run shows all there is to mend.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

const rooms = readdirSync('src-main').map((room) => `src-main/${room}/tsconfig.json`);
const steps: readonly (readonly string[])[] = [
  ...[...rooms, 'src-renderer/tsconfig.json', 'tsconfig.json'].map((project) => ['tsc', '-p', project]),
  ['biome', 'ci', '.'],
  [
    'depcruise',
    '--config',
    '.dependency-cruiser.cjs',
    'src-main',
    'src-renderer',
    'e2e',
    'bench',
    'fuzz',
    'scripts',
  ],
  ['knip'],
  ...(process.argv.includes('--no-tests') ? [] : [['vitest', 'run', '--project', 'unit']]),
];

let failed = 0;
for (const [program = '', ...args] of steps) {
  const { status } = spawnSync(`node_modules/.bin/${program}`, args, { stdio: 'inherit' });
  if (status === 0) continue;
  failed++;
  process.stderr.write(`check failed: ${program} ${args.join(' ')}\n`);
}
process.exit(failed === 0 ? 0 : 1);
