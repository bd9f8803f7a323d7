// A copy of the root's certificate that every user of the machine may read, kept as the core's own file is. The keys lie beside
// that file, in a directory of the core's user alone.
import { chmodSync, readFileSync, renameSync, watch, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Log } from '../../core/ports.ts';
import { rootsIn } from '../../core/stored-trust.ts';

/** Writes the copy now and after each change of the file. `stop` leaves it where it is. */
export function keepPublicCopy({
  from,
  to,
  log,
}: {
  readonly from: string;
  readonly to: string;
  readonly log: Log;
}): { stop(): void } {
  const write = () => {
    try {
      // Certificates alone, whatever the file may hold one day.
      const pem = rootsIn(readFileSync(from, 'utf8'))
        .map((root) => root.pem)
        .join('');
      writeFileSync(`${to}.new`, pem);
      // Whatever the umask.
      chmodSync(`${to}.new`, 0o644);
      renameSync(`${to}.new`, to);
    } catch (error) {
      log('public-ca-failed', { error });
    }
  };
  write();
  // It is replaced by another file of its name, which a watch on the file itself would miss.
  const watcher = watch(dirname(from), { persistent: false }, (_event, name) => {
    if (name === basename(from)) write();
  });
  watcher.on('error', (error) => log('public-ca-failed', { error }));
  return { stop: () => watcher.close() };
}
