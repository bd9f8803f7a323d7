// Many connections of one client, opened and held until the test lets them go (lab-load.ts).
import { resolve } from 'node:path';
import { expect, vi } from 'vitest';
import type { Lab } from '../support/netns.ts';

export interface HeldConnections {
  /** Ends them; how often what happened. */
  release(): Promise<Record<string, number>>;
}

/** Opens `count` connections to `port`; resolves when all that could be opened have been answered. */
export async function holdConnections(lab: Lab, port: number, count: number): Promise<HeldConnections> {
  const program = resolve(import.meta.dirname, 'lab-load.ts');
  const words = ['hold', lab.internetV4[0], String(port), String(count)];
  const child = lab.client([resolve('node_modules/node/bin/node'), program, ...words], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  const ended = new Promise((done) => child.once('close', done));
  await vi.waitFor(() => expect(said).toContain('holding'), { timeout: 60_000, interval: 200 });
  return {
    async release() {
      child.stdin?.end();
      await ended;
      return JSON.parse(said.split('\n')[1] ?? '');
    },
  };
}
