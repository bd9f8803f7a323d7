// Generators of pseudo-random octets by which programs scramble what they carry.

/** The next octet. */
export type Octets = () => number;

const twisterWords = 624;
const twisterShift = 397;

/** The Mersenne Twister MT19937 (Matsumoto, Nishimura 1998); of each number the octet above its lowest bit. */
export function mersenneTwister(seed: number): Octets {
  const words = new Uint32Array(twisterWords);
  words[0] = seed;
  for (let at = 1; at < twisterWords; at++) {
    const before = words[at - 1] as number;
    words[at] = at + Math.imul(0x6c07_8965, before ^ (before >>> 30));
  }
  let next = twisterWords;
  const twist = () => {
    for (let at = 0; at < twisterWords; at++) {
      const mixed =
        ((words[at] as number) & 0x8000_0000) | ((words[(at + 1) % twisterWords] as number) & 0x7fff_ffff);
      const other = words[(at + twisterShift) % twisterWords] as number;
      words[at] = other ^ (mixed >>> 1) ^ ((mixed & 1) === 0 ? 0 : 0x9908_b0df);
    }
    next = 0;
  };
  return () => {
    if (next === twisterWords) twist();
    let word = words[next++] as number;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c_5680;
    word ^= (word << 15) & 0xefc6_0000;
    word ^= word >>> 18;
    return (word >>> 1) & 0xff;
  };
}

const fibonacciWords = 17;
/** Numbers that are drawn before the first one counts. */
const fibonacciStart = 9;

const rotate = (word: number, by: number) => (word << by) | (word >>> (32 - by));

/** A lagged Fibonacci generator (Agner Fog's RANROT, type B); of each second number the eight bits behind the point. */
export function laggedFibonacci(seed: number): Octets {
  const words = new Int32Array(fibonacciWords);
  let word = seed | 0;
  for (let at = 0; at < fibonacciWords; at++) {
    word = (1 - Math.imul(word, 0x53a9_b4fb)) | 0;
    words[at] = word;
  }
  let first = 0;
  let second = 10;
  const draw = (): number => {
    const sum = (rotate(words[first] as number, 9) + rotate(words[second] as number, 13)) | 0;
    words[first] = sum;
    first = first === 0 ? fibonacciWords - 1 : first - 1;
    second = second === 0 ? fibonacciWords - 1 : second - 1;
    return sum;
  };
  for (let times = 0; times < fibonacciStart; times++) draw();
  return () => {
    draw();
    return draw() >>> 24;
  };
}
