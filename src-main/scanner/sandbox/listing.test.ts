import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readListing } from './listing.ts';

const listing = `
Listing archive: /in/data.7z

--
Path = /in/data.7z
Type = 7z
Solid = +

----------
Path = folder
Size = 0
Attributes = D drwxr-xr-x
Encrypted = -

Path = a = b.exe
Size = 12
Attributes = A -rw-r--r--
Encrypted = +

Path = unknown
Size = 
`;

describe('a listing', () => {
  it('gives files with their sizes, and what is encrypted', () => {
    expect(readListing(listing)).toEqual({
      items: [
        { path: 'a = b.exe', sizeBytes: 12, isEncrypted: true },
        { path: 'unknown', sizeBytes: undefined, isEncrypted: false },
      ],
      isSplit: false,
      isSolid: true,
    });
  });

  it.each(['Multivolume = +', 'Volume Index = 1', 'Volumes = 2'])('knows pieces: %s', (line) => {
    expect(readListing(listing.replace('Solid = +', line)).isSplit).toBe(true);
  });

  it.each(['Split Before = +', 'Split After = +'])('knows pieces by a member: %s', (line) => {
    expect(readListing(listing.replace('Encrypted = +', line)).isSplit).toBe(true);
  });

  it.each(['Volumes = 1', 'Volume Index = 0', 'Multivolume = -'])('knows what is none: %s', (line) => {
    expect(readListing(listing.replace('Solid = +', line)).isSplit).toBe(false);
  });

  it('may end anywhere, and hold anything', () => {
    fc.assert(
      fc.property(fc.nat(listing.length), fc.string(), (length, rest) => {
        readListing(listing.slice(0, length) + rest);
      }),
    );
  });
});
