// TNEF for tests: a stream of attributes (MS-OXTNEF 2.1.3), with checksums that nobody looks at.

export function tnefAttribute(level: number, id: number, data: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head[0] = level;
  head.writeUInt16LE(id, 1);
  head.writeUInt16LE(6, 3);
  head.writeUInt32LE(data.length, 5);
  return Buffer.concat([head, data, Buffer.alloc(2)]);
}

export const tnef = (...attributes: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.from('789f3e220100', 'hex'), ...attributes]);
