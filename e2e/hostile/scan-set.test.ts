// What hostile files do to a whole process: it finds what is in them or names what it did not look into, ends soon, and
// stays small.
import { describe, expect, it } from 'vitest';
import { hostileFiles } from './scan-files.ts';
import { scanHostile } from './scan-set.ts';

/** Seconds that tell a slow machine from a scanner that has no end; each file takes a fraction of it on an idle one. */
const maxSeconds = 20;

/** Megabytes of the process; half of it is there before it begins. */
const maxMegabytes = 300;

/** Its largest output is 200 MB, which it holds. */
const maxChildMegabytes = 512;

describe('a hostile file is scanned in little time and memory', () => {
  it.each(hostileFiles)('$name', async (file) => {
    const { names, limits, seconds, megabytes, childMegabytes } = await scanHostile(file);
    const said = [...(names.includes('Postern.Test.Eicar') ? ['eicar'] : []), ...limits];
    if (file.expected.length === 0) expect(said).toEqual([]);
    else expect(said).toEqual(expect.arrayContaining([...file.expected]));
    expect(seconds).toBeLessThan(maxSeconds);
    expect(megabytes).toBeLessThan(file.maxMegabytes ?? maxMegabytes);
    expect(childMegabytes).toBeLessThan(maxChildMegabytes);
  });
});
