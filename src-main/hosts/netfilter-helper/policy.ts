// What the machine's policy allows the helper beyond its own rules. A file that anybody but root could have written counts as
// none.
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

/** A policy has a few lines. */
const maxBytes = 64 * 1024;

/** Ports that the policy takes off the denied ones: `{"netfilter":{"allowedPorts":[443]}}`. Never throws. */
export function allowedPorts(path: string, owner = 0): readonly number[] {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const file = fstatSync(fd);
    if (!file.isFile() || file.uid !== owner || (file.mode & 0o022) !== 0 || file.size > maxBytes) return [];
    const policy: { netfilter?: { allowedPorts?: unknown } } = JSON.parse(readFileSync(fd, 'utf8'));
    const ports = policy.netfilter?.allowedPorts;
    return Array.isArray(ports) ? ports.filter((port): port is number => Number.isInteger(port)) : [];
  } catch {
    // No file, or none of ours.
    return [];
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
