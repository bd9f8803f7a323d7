// Keeps the kernel from giving the source ports of our own upstream connections to anybody by chance, who would then go past
// the redirect unscanned (Documentation/networking/ip-sysctl.rst, ip_local_reserved_ports). Explicit binds still work.
import { readFile, writeFile } from 'node:fs/promises';
import { upstreamPorts } from './nft-script.ts';

/** Takes our range out again, also where a helper that was killed has left it. */
export type GiveBack = () => Promise<void>;

/** Appends ours to the reserved ports, which the kernel keeps for each network namespace. Rejects where it can't be done. */
export async function reservePorts(path = '/proc/sys/net/ipv4/ip_local_reserved_ports'): Promise<GiveBack> {
  const read = async () => (await readFile(path, 'utf8')).trim().split(',').filter(Boolean);
  const write = (pieces: readonly string[]) => writeFile(path, `${pieces.join(',')}\n`);
  const withoutOurs = async () => (await read()).filter((piece) => piece !== upstreamPorts);
  const others = await withoutOurs();
  await write([...others, upstreamPorts]);
  const after = await read();
  return async () => {
    // The kernel may have joined our range with one beside it, or around it.
    const isAsWeLeftIt = (await read()).join() === after.join();
    await write(isAsWeLeftIt ? others : await withoutOurs());
  };
}
