// Stand-ins for the tests of this room: connected socket pairs, and rooms below that keep everything in memory.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Verdict } from '../contract/verdict.ts';
import type { Overwrite, Scanner } from '../scanner/pool.ts';
import type { Quarantine } from '../storage/quarantine.ts';
import type { Spool, SpoolStore } from '../storage/spool.ts';
import type { VerdictCache } from '../storage/verdict-cache.ts';

/** Two ends of one TCP connection on loopback: what a peer sees, and what the proxy holds. */
export async function socketPair(): Promise<{ outer: Socket; inner: Socket }> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const outer = connect({ port: address.port, host: '127.0.0.1', allowHalfOpen: true });
  const [inner] = (await once(server, 'connection')) as [Socket];
  server.close();
  for (const socket of [outer, inner]) socket.on('error', () => socket.destroy());
  return { outer, inner };
}

/** Everything that a socket receives, as text. */
export function received(socket: Socket): () => string {
  let text = '';
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
  });
  return () => text;
}

const cleanVerdict: Verdict = {
  outcome: 'clean',
  complete: true,
  detections: [],
  notes: [],
  engines: [],
  limits: [],
  sha256: '0'.repeat(64),
  bytes: 0,
  parts: 1,
  ms: 0,
};

const infectedVerdict: Verdict = {
  ...cleanVerdict,
  outcome: 'infected',
  detections: [
    { name: 'Postern.Test.Eicar', engine: 'literal', category: 'test', part: '', sha256: '0'.repeat(64) },
  ],
};

/** Spools in memory; `live` counts those that were not dropped. */
export function memorySpools(finish: () => boolean = () => true): SpoolStore & { live(): number } {
  let live = 0;
  return {
    live: () => live,
    create(): Spool {
      live++;
      let octets = Buffer.alloc(0);
      let dropped = false;
      return {
        append(bytes) {
          octets = Buffer.concat([octets, bytes]);
        },
        get sizeBytes() {
          return octets.length;
        },
        backlogBytes: 0,
        drained: async () => undefined,
        finish: async () => ({ ok: finish() }),
        source: () => ({ kind: 'bytes', bytes: octets }),
        bytes: () => octets,
        read: async (from, to) => octets.subarray(from, to),
        async drop() {
          if (!dropped) live--;
          dropped = true;
        },
      };
    },
    stop: async () => undefined,
  };
}

/** Finds "VIRUS" and overwrites it with dots where that is asked for. */
export function wordScanner(): Scanner {
  return {
    engines: [],
    revision: '',
    problems: [],
    crashes: 0,
    configure: () => undefined,
    reload: async () => undefined,
    follow: () => ({ arrived: () => undefined, drop: () => undefined }),
    stop: async () => undefined,
    async scan(source, { neutralise = false } = {}) {
      const bytes = source.kind === 'bytes' ? Buffer.from(source.bytes) : Buffer.alloc(0);
      const offset = bytes.indexOf('VIRUS');
      const overwrites: Overwrite[] =
        offset === -1 || !neutralise ? [] : [{ offset, bytes: Buffer.from('.....') }];
      return { verdict: offset === -1 ? cleanVerdict : infectedVerdict, overwrites, tags: [], leaves: [] };
    },
  };
}

/** Remembers nothing, or what it was given. */
export function memoryVerdicts(clean = new Set<string>()): VerdictCache {
  return {
    isClean: (sha256) => clean.has(sha256),
    revision: '',
    addClean: (sha256) => clean.add(sha256),
    stop: () => undefined,
  };
}

export type MemoryQuarantine = Quarantine & { readonly kept: string[] };

export function memoryQuarantine(works = true): MemoryQuarantine {
  const kept: string[] = [];
  const unused = () => {
    throw new Error('not used by the proxy');
  };
  return {
    kept,
    async put(input) {
      if (!works) return { ok: false, reason: 'quarantine-failed' };
      kept.push(Buffer.from(await input.read(0, input.sizeBytes)).toString('latin1'));
      return { ok: true, id: `q${kept.length}` };
    },
    list: unused,
    show: unused,
    read: unused,
  };
}
