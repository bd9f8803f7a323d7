import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contextOf } from '../contents.fixture.ts';
import { isPackedProgram, unpackPackedProgram } from './packed-program.ts';
import { packedProgram, programOf } from './program.fixture.ts';

const run = (program: Buffer, context = contextOf()) => [...unpackPackedProgram(program, context)];

describe('hostile programs', () => {
  it('come to an end whatever they do', () => {
    const loops = {
      'a jump to itself': 'ebfe',
      'endless arithmetic': '31c083c001ebfb',
      'endless products': 'b803000000f7e0ebfc',
      'endless copies': 'be00104000bf00184000b900080000f3a4ebef',
      'pushes without end': '50ebfd',
      'returns into nothing': 'c3c3c3c3',
      'a breakpoint without a handler': 'cc',
    };
    for (const code of Object.values(loops))
      expect(run(programOf(Buffer.from(code, 'hex'))).length).toBeLessThan(2);
  });

  it('are not run any more when a message has too many of them', () => {
    const context = contextOf();
    const endless = programOf(Buffer.from('ebfe', 'hex'));
    const codes = Array.from({ length: 4 }, () => run(endless, context)).flat();
    expect(codes).toContainEqual({ kind: 'limit', code: 'scan-time' });
  });

  it('are not laid out where their image is larger than a member may be', () => {
    const program = packedProgram(Buffer.alloc(4_096, 'x'));
    const limits = { partBytes: 8_192 };
    expect(run(program)).toHaveLength(1);
    expect(run(program, contextOf({ limits }))).toEqual([{ kind: 'limit', code: 'part-size' }]);
  });

  it('may have any octets as code', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (code) => {
        run(programOf(Buffer.concat([Buffer.from(code), Buffer.from('f4', 'hex')])));
      }),
      { numRuns: 30 },
    );
  });

  it('may be damaged anywhere', () => {
    const whole = packedProgram(Buffer.from('hidden'));
    fc.assert(
      fc.property(fc.nat(0x180), fc.nat(255), fc.nat(whole.length), (at, octet, length) => {
        const damaged = Buffer.from(whole.subarray(0, length));
        if (at < damaged.length) damaged[at] = octet;
        if (isPackedProgram(damaged)) run(damaged);
      }),
      { numRuns: 100 },
    );
  });
});
