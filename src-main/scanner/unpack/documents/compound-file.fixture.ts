// Writes compound files (MS-CFB) for tests, also such as no program writes.

const free = 0xffffffff;
const endOfChain = 0xfffffffe;
const fatSector = 0xfffffffd;
const miniCutoffBytes = 4096;

export interface CompoundOptions {
  /** 9 as in version 3, 12 as in version 4. */
  readonly sectorShift?: 9 | 12;
  /** Every other sector of the streams is somewhere else. */
  readonly scattered?: boolean;
  /** The tree leads nowhere: all streams are orphans. */
  readonly orphaned?: boolean;
  /** Class ids of storages by their paths, in hex; '' is the root's. */
  readonly classes?: Readonly<Record<string, string>>;
}

interface Node {
  readonly name: string;
  readonly path: string;
  readonly content: Buffer | undefined;
  readonly children: number[];
}

/** A file with these streams, by their paths: `ObjectPool/_1/\x01Ole10Native`. */
export function compoundFile(
  streams: Readonly<Record<string, Buffer | string>>,
  { sectorShift = 9, scattered = false, orphaned = false, classes = {} }: CompoundOptions = {},
): Buffer {
  const sectorBytes = 1 << sectorShift;
  const nodes: Node[] = [{ name: 'Root Entry', path: '', content: undefined, children: [] }];
  for (const [path, content] of Object.entries(streams)) addNode(nodes, path, content);

  const sectors: Buffer[] = [];
  const fat: number[] = [];
  const place = (content: Buffer): number => {
    const count = Math.ceil(content.length / sectorBytes);
    const numbers: number[] = [];
    for (let index = 0; index < count; index++) {
      if (scattered && index > 0) {
        fat.push(free);
        sectors.push(Buffer.alloc(sectorBytes, 0xee));
      }
      numbers.push(sectors.length);
      const sector = Buffer.alloc(sectorBytes);
      content.copy(sector, 0, index * sectorBytes);
      sectors.push(sector);
      fat.push(endOfChain);
    }
    numbers.forEach((number, index) => {
      fat[number] = numbers[index + 1] ?? endOfChain;
    });
    return numbers[0] ?? endOfChain;
  };

  const mini: Buffer[] = [];
  const miniFat: number[] = [];
  const starts = nodes.map(({ content }) => {
    if (!content || content.length === 0) return endOfChain;
    if (content.length >= miniCutoffBytes) return place(content);
    const first = miniFat.length;
    const count = Math.ceil(content.length / 64);
    for (let index = 0; index < count; index++)
      miniFat.push(index + 1 < count ? first + index + 1 : endOfChain);
    const padded = Buffer.alloc(count * 64);
    content.copy(padded);
    mini.push(padded);
    return first;
  });
  const miniStream = Buffer.concat(mini);
  const miniStart = place(miniStream);
  const miniFatStart = place(Buffer.concat(miniFat.map(int32)));
  const directory = Buffer.concat(
    nodes.map((node, index) => entryOf(nodes, index, starts[index] ?? 0, orphaned, classes[node.path])),
  );
  directory.writeUInt32LE(miniStart, 116);
  directory.writeUInt32LE(miniStream.length, 120);
  const directoryStart = place(directory);

  const each = sectorBytes / 4;
  let fatCount = 0;
  while (fatCount * each < fat.length + fatCount) fatCount++;
  const fatStart = sectors.length;
  for (let index = 0; index < fatCount; index++) fat.push(fatSector);
  while (fat.length < fatCount * each) fat.push(free);

  const header = Buffer.alloc(sectorBytes);
  header.write('d0cf11e0a1b11ae1', 'hex');
  header.writeUInt16LE(0x3e, 24);
  header.writeUInt16LE(sectorShift === 12 ? 4 : 3, 26);
  header.writeUInt16LE(0xfffe, 28);
  header.writeUInt16LE(sectorShift, 30);
  header.writeUInt16LE(6, 32);
  header.writeUInt32LE(fatCount, 44);
  header.writeUInt32LE(directoryStart, 48);
  header.writeUInt32LE(miniCutoffBytes, 56);
  header.writeUInt32LE(miniFatStart, 60);
  header.writeUInt32LE(Math.ceil((miniFat.length * 4) / sectorBytes), 64);
  header.writeUInt32LE(endOfChain, 68);
  for (let index = 0; index < 109; index++)
    header.writeUInt32LE(index < fatCount ? fatStart + index : free, 76 + 4 * index);
  return Buffer.concat([header, ...sectors, ...fat.map(int32)]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function addNode(nodes: Node[], path: string, content: Buffer | string): void {
  let parent = 0;
  const names = path.split('/');
  names.forEach((name, depth) => {
    const here = names.slice(0, depth + 1).join('/');
    let index = nodes.findIndex((node) => node.path === here);
    if (index === -1) {
      index = nodes.length;
      const isStream = depth === names.length - 1;
      const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
      nodes.push({ name, path: here, content: isStream ? bytes : undefined, children: [] });
      nodes[parent]?.children.push(index);
    }
    parent = index;
  });
}

function entryOf(
  nodes: readonly Node[],
  index: number,
  start: number,
  orphaned: boolean,
  clsid: string | undefined,
): Buffer {
  const entry = Buffer.alloc(128);
  const node = nodes[index];
  if (!node) return entry;
  entry.write(node.name, 'utf16le');
  entry.writeUInt16LE(2 * node.name.length + 2, 64);
  entry.writeUInt8(index === 0 ? 5 : node.content ? 2 : 1, 66);
  entry.writeUInt8(1, 67);
  const siblings = nodes.find(({ children }) => children.includes(index))?.children ?? [];
  const next = siblings[siblings.indexOf(index) + 1];
  entry.writeUInt32LE(free, 68);
  entry.writeUInt32LE(orphaned || next === undefined ? free : next, 72);
  entry.writeUInt32LE(orphaned ? free : (node.children[0] ?? free), 76);
  if (clsid !== undefined) entry.write(clsid, 80, 'hex');
  entry.writeUInt32LE(start, 116);
  entry.writeUInt32LE(node.content?.length ?? 0, 120);
  return entry;
}
