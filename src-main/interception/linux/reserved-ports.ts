// Keeps the kernel from giving the source ports of our own upstream connections to anybody by chance, who would then go past
// the redirect unscanned (Documentation/networking/ip-sysctl.rst, ip_local_reserved_ports). Explicit binds still work.
import { readFile, writeFile } from 'node:fs/promises';
import type { PortRange } from '../../contract/port-list.ts';

const sysctlPath = '/proc/sys/net/ipv4/ip_local_reserved_ports';

export type ReservedPorts =
  | {
      readonly ok: true;
      /** Puts the old value back, unless somebody has changed it meanwhile. */
      restore(): Promise<void>;
    }
  | { readonly ok: false; readonly detail: string };

function covers(list: string, { from, to }: PortRange): boolean {
  return list.split(',').some((piece) => {
    const [first, last = first] = piece.split('-');
    return Number(first) <= from && Number(last) >= to;
  });
}

/** Appends `range` to the reserved ports, which the kernel keeps for each network namespace. */
export async function reservePorts(range: PortRange, path = sysctlPath): Promise<ReservedPorts> {
  const read = async () => (await readFile(path, 'utf8')).trim();
  try {
    const before = await read();
    if (before !== '' && covers(before, range)) return { ok: true, restore: async () => undefined };
    await writeFile(path, `${[...(before === '' ? [] : [before]), `${range.from}-${range.to}`].join(',')}\n`);
    const written = await read();
    const restore = async () => {
      if ((await read()) === written) await writeFile(path, `${before}\n`);
    };
    return { ok: true, restore };
  } catch (error) {
    return { ok: false, detail: String(error) };
  }
}
