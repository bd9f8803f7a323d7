// Where the user's rules lie in a data directory, and what is kept of them.
import { join } from 'node:path';

export function ruleDirectories(dataDir: string): {
  readonly userRulesDirectory: string;
  readonly cacheDirectory: string;
} {
  return { userRulesDirectory: join(dataDir, 'rules.d'), cacheDirectory: join(dataDir, 'cache') };
}
