// @ts-check

/**
 * Source of random numbers. Only integer arithmetic, `+ - * /` and `Math.sqrt` are used anywhere in this example, so
 * that every engine draws the same pixels (`Math.sin`, `Math.exp` and others may differ in the last bit).
 *
 * @typedef {object} Random
 * @property {() => number} unit uniform in [0, 1)
 * @property {(low: number, high: number) => number} between uniform in [low, high)
 * @property {(n: number) => number} below uniform integer in 0..n-1
 * @property {() => number} normal mean 0, variance 1: sum of four uniforms (Irwin-Hall)
 */

/** @type {(x: number, k: number) => number} */
const rotate = (x, k) => (x << k) | (x >>> (32 - k));

/**
 * Finalizer of MurmurHash3: a bijection of 32-bit words that spreads neighbouring seeds.
 *
 * @param {number} word
 */
function scramble(word) {
  let h = word | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/**
 * xoshiro128** (Blackman and Vigna, 2018), its state derived from a seed and the number of an independent stream.
 *
 * @param {number} seed 32-bit integer
 * @param {number} stream 32-bit integer
 * @returns {Random}
 */
export function createRandom(seed, stream) {
  const start = scramble(scramble(seed ^ 0x9e3779b9) + stream);
  const s = Int32Array.from([1, 2, 3, 4], (i) => scramble(start + Math.imul(i, 0x9e3779b9)));

  const unit = () => {
    const word = Math.imul(rotate(Math.imul(s[1], 5), 7), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 11);
    return word / 0x1_0000_0000;
  };
  return {
    unit,
    between: (low, high) => low + (high - low) * unit(),
    below: (n) => Math.floor(n * unit()),
    normal: () => (unit() + unit() + unit() + unit() - 2) * Math.sqrt(3),
  };
}
