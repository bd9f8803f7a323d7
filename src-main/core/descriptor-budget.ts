// How many connections the process may hold by its limit of open files, so that it never runs out of descriptors: it would
// then accept nothing, keep no original and open no spool.
import { readFile } from 'node:fs/promises';

/** For everything but connections: databases, workers, libraries, the console, spools and files of the quarantine. */
const otherDescriptors = 200;

/** A client's socket and its server's. */
const perConnection = 2;

/** More than any machine's mail programs open; each holds memory, too. */
const mostConnections = 20_000;

/** Where the limit leaves no room, a few programs are served all the same. */
const fewestConnections = 8;

/** `limits`: the text of /proc/self/limits (proc(5)). Without the line, or without a limit, the most. */
export function connectionsWithin(limits: string): number {
  const [, soft] = /^Max open files +(\d+) /m.exec(limits) ?? [];
  if (soft === undefined) return mostConnections;
  const connections = Math.floor((Number(soft) - otherDescriptors) / perConnection);
  return Math.min(Math.max(connections, fewestConnections), mostConnections);
}

/** Open connections that this process has room for. */
export async function connectionBudget(path = '/proc/self/limits'): Promise<number> {
  // Where there is no such file there is no such limit to be read, either.
  return connectionsWithin(await readFile(path, 'utf8').catch(() => ''));
}
