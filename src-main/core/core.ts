// The start and the end of a core. The scanner's workers load while the other rooms do, each on a processor of its own.
import { availableParallelism } from 'node:os';
import { startScanner } from '../scanner/pool.ts';
import { holdScans } from './held-scanner.ts';
import type { Ports } from './ports.ts';
import { ruleDirectories } from './rule-directories.ts';
import { Stops } from './stops.ts';
import type { StartResult } from './wiring.ts';

export type { Core, StartResult } from './wiring.ts';

/** More workers than this wait for the network; each takes some 20 MB. */
const maxWorkers = 4;

/**
 * Starts a core. The caller holds the data directory: no second core may use it meanwhile. An expected failure is a
 * value; anything else rejects, with everything taken down again.
 */
export async function startCore(ports: Ports): Promise<StartResult> {
  const stops = new Stops(ports.log);
  const { holdScans: hold, clock } = ports;
  const scanner = startScanner({
    workerUrl: ports.workerUrl,
    rulesDirectory: ports.rulesDirectory,
    ...ruleDirectories(ports.dataDir),
    workers: Math.min(availableParallelism(), maxWorkers),
  });
  const starting = stops.own(
    hold === undefined ? scanner : scanner.then((started) => holdScans(started, hold, clock.after)),
    (started) => started.stop(),
  );
  const wiring = async () => {
    const { wire } = await import('./wiring.ts');
    return await wire(ports, stops, starting);
  };
  try {
    const [result] = await Promise.all([wiring(), starting]);
    if (!result.ok) await stops.stop();
    return result;
  } catch (error) {
    await stops.stop();
    throw error;
  }
}
