// Reads what 7-Zip says of an archive in its technical listing (`l -slt`). Hints: whoever made the archive wrote them.

export interface ListedItem {
  readonly path: string;
  /** Octets; undefined: not known before it is unpacked. */
  readonly sizeBytes: number | undefined;
  readonly isEncrypted: boolean;
}

export interface Listing {
  readonly items: readonly ListedItem[];
  /** It goes on in other files, or began there. */
  readonly isSplit: boolean;
  /** Members share a stream: reaching one means unpacking those before it. */
  readonly isSolid: boolean;
}

/** The line that parts the archive's own properties from those of its members. */
const itemsLine = '\n----------\n';

function propertiesOf(block: string): ReadonlyMap<string, string> {
  const lines = block.split('\n').map((line) => /^([^=]*?) = (.*)$/.exec(line));
  return new Map(lines.flatMap((match) => (match ? [[match[1] ?? '', match[2] ?? '']] : [])));
}

function isPartOfMany(properties: ReadonlyMap<string, string>): boolean {
  return (
    properties.get('Multivolume') === '+' ||
    properties.get('Split Before') === '+' ||
    properties.get('Split After') === '+' ||
    Number(properties.get('Volume Index') ?? 0) > 0 ||
    Number(properties.get('Volumes') ?? 1) > 1
  );
}

/** Reads a listing, which may end anywhere. */
export function readListing(text: string): Listing {
  const itemsAt = text.indexOf(itemsLine);
  const archive = propertiesOf(itemsAt === -1 ? text : text.slice(0, itemsAt));
  const blocks = itemsAt === -1 ? [] : text.slice(itemsAt + itemsLine.length).split('\n\n');
  const members = blocks.map(propertiesOf).filter((properties) => properties.has('Path'));
  const files = members.filter(
    (each) => each.get('Folder') !== '+' && !(each.get('Attributes') ?? '').startsWith('D'),
  );
  return {
    items: files.map((properties) => {
      const size = properties.get('Size');
      return {
        path: properties.get('Path') ?? '',
        sizeBytes: size === undefined || size === '' ? undefined : Number(size),
        isEncrypted: properties.get('Encrypted') === '+',
      };
    }),
    isSplit: isPartOfMany(archive) || members.some(isPartOfMany),
    isSolid: archive.get('Solid') === '+',
  };
}
