import type { ZooInput } from "./options.js";
import { type Random, randomOf } from "./random.js";

/** Data of one input, row-major; samples are stacked along axis 0. */
export interface ZooTensor {
  readonly type: "float32" | "int64";
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

/** ImageNet's normalization: where black and white end up, roughly, in every channel. */
const DARKEST = -2.1;
const BRIGHTEST = 2.6;

/** To [0, 1]. */
export const fromNormalized = (x: number): number => (x - DARKEST) / (BRIGHTEST - DARKEST);

const WAVES_PER_OCTAVE = 2;
/** Pixels over which waves make their turns: the same texture at every resolution, as a network's filters expect. */
const FIELD = 64;
const OCTAVES = 4;

/**
 * One channel of a picture, mean 0 and deviation 1: waves of equal power in every octave, as natural images have, an edge
 * and a little noise.
 */
export function picture(out: Float32Array, height: number, width: number, random: Random): void {
  const waves = Array.from({ length: OCTAVES * WAVES_PER_OCTAVE }, (_, i) => {
    const angle = 2 * Math.PI * random.uniform();
    const turns = 2 * Math.PI * 2 ** (Math.floor(i / WAVES_PER_OCTAVE) - 1 + random.uniform());
    return { x: turns * Math.cos(angle), y: turns * Math.sin(angle), phase: 2 * Math.PI * random.uniform() };
  });
  const size = Math.sqrt(2 / waves.length) * 0.85;
  const [edgeX, edgeY, edge] = [random.normal(), random.normal(), random.normal()];
  for (let i = 0; i < height; i++)
    for (let j = 0; j < width; j++) {
      const [v, u] = [i / FIELD, j / FIELD];
      let value = edgeX * (j / width - 0.5) + edgeY * (i / height - 0.5) > 0 ? edge / 2 : -edge / 2;
      for (const w of waves) value += size * Math.sin(w.x * u + w.y * v + w.phase);
      value += 0.1 * random.normal();
      out[i * width + j] = Math.min(BRIGHTEST, Math.max(DARKEST, value));
    }
}

function images(out: Float32Array, shape: readonly number[], random: Random, unit: boolean): void {
  const [height, width] = shape.slice(-2) as [number, number];
  for (let at = 0; at < out.length; at += height * width)
    picture(out.subarray(at, at + height * width), height, width, random);
  if (unit) for (let i = 0; i < out.length; i++) out[i] = fromNormalized(out[i]!);
}

/** Features that change slowly from step to step. */
function features(out: Float32Array, shape: readonly number[], random: Random): void {
  const [steps, width] = shape.slice(-2) as [number, number];
  const keep = 0.8;
  for (let i = 0; i < out.length; i++) {
    const first = Math.floor(i / width) % steps === 0;
    out[i] = first ? random.normal() : keep * out[i - width]! + Math.sqrt(1 - keep * keep) * random.normal();
  }
}

/** Ids as frequent as 1 / rank. */
const token = (random: Random, limit: number): bigint => BigInt(Math.floor(limit ** random.uniform()) % limit);

function integers(out: BigInt64Array, input: ZooInput, random: Random): void {
  const length = input.shape.at(-1)!;
  for (let row = 0; row < out.length; row += length) {
    // Where the second segment begins, and where padding does.
    const middle = Math.floor(length * (0.3 + 0.4 * random.uniform()));
    const end = Math.max(1, Math.floor(length * (0.6 + 0.4 * random.uniform())));
    for (let i = 0; i < length; i++)
      if (input.kind === "tokens") out[row + i] = token(random, input.limit!);
      else out[row + i] = (input.kind === "mask" ? i < end : i >= middle) ? 1n : 0n;
  }
}

/** `samples` times the input's shape along axis 0, the same for the same seed. */
export function dataFor(input: ZooInput, samples: number, seed: number): ZooTensor {
  const shape = [input.shape[0]! * samples, ...input.shape.slice(1)];
  const size = shape.reduce((a, b) => a * b, 1);
  const random = randomOf(`data:${input.name}`, seed);
  if (input.type === "int64") {
    const data = new BigInt64Array(size);
    integers(data, input, random);
    return { type: "int64", shape, data };
  }
  const data = new Float32Array(size);
  if (input.kind === "features") features(data, shape, random);
  else images(data, shape, random, input.kind === "unit-image");
  return { type: "float32", shape, data };
}
