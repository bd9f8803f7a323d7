import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AddressRange,
  addressInRanges,
  formatAddress,
  maxAddressEntryLength,
  mergeAddressRanges,
  parseAddressEntry,
} from './address-list.ts';

function bounds(text: string): string | undefined {
  const parsed = parseAddressEntry(text);
  if (!parsed.ok) return undefined;
  const { family, from, to } = parsed.range;
  return `${formatAddress(family, from)} ${formatAddress(family, to)}`;
}

function problem(text: string) {
  const parsed = parseAddressEntry(text);
  return parsed.ok ? undefined : parsed.problem;
}

describe('address entry', () => {
  it.each([
    ['192.168.0.10', '192.168.0.10 192.168.0.10'],
    ['  192.168.0.10 ', '192.168.0.10 192.168.0.10'],
    ['192.168.0.1-192.168.0.99', '192.168.0.1 192.168.0.99'],
    ['192.168.0.1 - 192.168.0.99', '192.168.0.1 192.168.0.99'],
    ['192.168.0.1 to 192.168.0.99', '192.168.0.1 192.168.0.99'],
    ['192.168.0.1 TIL 192.168.0.99', '192.168.0.1 192.168.0.99'],
    ['192.168.1.0/24', '192.168.1.0 192.168.1.255'],
    ['192.168.1.77/24', '192.168.1.0 192.168.1.255'],
    ['192.168.1.0/255.255.255.0', '192.168.1.0 192.168.1.255'],
    ['192.168.1.0 / 24', '192.168.1.0 192.168.1.255'],
    ['0.0.0.0/0', '0.0.0.0 255.255.255.255'],
    ['10.1.2.3/0.0.0.0', '0.0.0.0 255.255.255.255'],
    ['10.1.2.3/32', '10.1.2.3 10.1.2.3'],
    ['10.1.2.3/255.255.255.255', '10.1.2.3 10.1.2.3'],
    ['2001:db8::1', '2001:db8:0:0:0:0:0:1 2001:db8:0:0:0:0:0:1'],
    ['2001:DB8::1/64', '2001:db8:0:0:0:0:0:0 2001:db8:0:0:ffff:ffff:ffff:ffff'],
    ['2001:db8::1-2001:db8::ff', '2001:db8:0:0:0:0:0:1 2001:db8:0:0:0:0:0:ff'],
    ['::', '0:0:0:0:0:0:0:0 0:0:0:0:0:0:0:0'],
    ['::/0', '0:0:0:0:0:0:0:0 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['::ffff:192.0.2.1', '0:0:0:0:0:ffff:c000:201 0:0:0:0:0:ffff:c000:201'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8 1:2:3:4:5:6:7:8'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0 1:2:3:4:5:6:7:0'],
  ])('reads %j', (text, range) => {
    expect(bounds(text)).toBe(range);
  });

  it.each([
    ['', 'not-an-address', ''],
    ['foo', 'not-an-address', 'foo'],
    ['mail.example.org', 'not-an-address', 'mail.example.org'],
    ['300.1.1.1', 'not-an-address', '300.1.1.1'],
    ['1.2.3', 'not-an-address', '1.2.3'],
    ['1.2.3.4.5', 'not-an-address', '1.2.3.4.5'],
    ['010.0.0.1', 'not-an-address', '010.0.0.1'],
    ['1.2.3.4:993', 'not-an-address', '1.2.3.4:993'],
    [':::', 'not-an-address', ':::'],
    ['1::2::3', 'not-an-address', '1::2::3'],
    ['1:2:3:4:5:6:7', 'not-an-address', '1:2:3:4:5:6:7'],
    ['1:2:3:4:5:6:7:8::', 'not-an-address', '1:2:3:4:5:6:7:8::'],
    ['12345::', 'not-an-address', '12345::'],
    ['fe80::1%eth0', 'not-an-address', 'fe80::1%eth0'],
    ['10.0.0.1-', 'not-an-address', ''],
    ['10.0.0.1-x', 'not-an-address', 'x'],
    ['10.0.0.1-10.0.0.2-10.0.0.3', 'not-an-address', '10.0.0.2-10.0.0.3'],
    ['x/24', 'not-an-address', 'x'],
    ['10.0.0.0/33', 'bad-prefix', '33'],
    ['10.0.0.0/255.0.255.0', 'bad-prefix', '255.0.255.0'],
    ['10.0.0.0/-1', 'bad-prefix', '-1'],
    ['2001:db8::/129', 'bad-prefix', '129'],
    ['2001:db8::/255.255.0.0', 'bad-prefix', '255.255.0.0'],
    ['10.0.0.9-10.0.0.1', 'range-backwards', '10.0.0.9-10.0.0.1'],
    ['10.0.0.1-2001:db8::1', 'mixed-families', '10.0.0.1-2001:db8::1'],
  ])('refuses %j as %s and names %j', (text, kind, piece) => {
    expect(problem(text)).toEqual({ kind, text: piece });
  });

  it('reads back every address that it writes', () => {
    const v4 = fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }).map((value) => ({ family: 4 as const, value }));
    const v6 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map((value) => ({ family: 6 as const, value }));
    fc.assert(
      fc.property(fc.oneof(v4, v6), ({ family, value }) => {
        const parsed = parseAddressEntry(formatAddress(family, value));
        expect(parsed).toEqual({ ok: true, range: { family, from: value, to: value } });
      }),
    );
  });

  it('puts every address of a subnet into its range, whatever the host bits', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }),
        fc.integer({ min: 0, max: 32 }),
        (value, prefix) => {
          const parsed = parseAddressEntry(`${formatAddress(4, value)}/${prefix}`);
          expect(parsed.ok && addressInRanges(formatAddress(4, value), [parsed.range])).toBe(true);
          if (parsed.ok) expect(parsed.range.to - parsed.range.from + 1n).toBe(1n << BigInt(32 - prefix));
        },
      ),
    );
  });

  it('answers any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(typeof parseAddressEntry(text).ok).toBe('boolean');
      }),
    );
  });
});

describe('address entry of hostile length', () => {
  it('takes the longest form there is', () => {
    const longest = `${'ffff:'.repeat(6)}255.255.255.255`;
    expect(parseAddressEntry(`${longest} til ${longest}`).ok).toBe(true);
  });

  it('refuses what is longer before it looks closer, and names no more than a beginning', () => {
    const found = problem(`1${' '.repeat(1_000_000)}2`);
    expect(found?.kind).toBe('not-an-address');
    expect(found?.text.length).toBe(maxAddressEntryLength);
  });
});

describe('address ranges', () => {
  const range = (family: 4 | 6, from: number, to: number): AddressRange => ({
    family,
    from: BigInt(from),
    to: BigInt(to),
  });

  it('merges what overlaps or touches, per family', () => {
    expect(
      mergeAddressRanges([
        range(4, 10, 20),
        range(6, 1, 5),
        range(4, 1, 3),
        range(4, 4, 8),
        range(4, 15, 30),
      ]),
    ).toEqual([range(4, 1, 8), range(4, 10, 30), range(6, 1, 5)]);
  });

  it('holds the same addresses merged as unmerged, in order and apart', () => {
    const one = fc
      .tuple(fc.constantFrom(4 as const, 6 as const), fc.nat(60), fc.nat(10))
      .map(([family, from, more]) => range(family, from, from + more));
    fc.assert(
      fc.property(
        fc.array(one),
        fc.constantFrom(4 as const, 6 as const),
        fc.nat(80),
        (ranges, family, asked) => {
          const merged = mergeAddressRanges(ranges);
          const text = formatAddress(family, BigInt(asked));
          expect(addressInRanges(text, merged)).toBe(addressInRanges(text, ranges));
          merged.forEach((each, at) => {
            const next = merged[at + 1];
            if (next && next.family === each.family) expect(next.from > each.to + 1n).toBe(true);
          });
        },
      ),
    );
  });

  it('finds an address as the kernel writes it', () => {
    const ranges = ['192.0.2.0/24', 'fe80::/10'].map((text) => {
      const parsed = parseAddressEntry(text);
      if (!parsed.ok) throw new Error(text);
      return parsed.range;
    });
    expect(addressInRanges('192.0.2.7', ranges)).toBe(true);
    expect(addressInRanges('::ffff:192.0.2.7', ranges)).toBe(true);
    expect(addressInRanges('fe80::1%eth0', ranges)).toBe(true);
    expect(addressInRanges('198.51.100.1', ranges)).toBe(false);
    expect(addressInRanges('2001:db8::1', ranges)).toBe(false);
    expect(addressInRanges('not an address', ranges)).toBe(false);
  });
});
