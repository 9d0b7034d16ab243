import type { Graph } from "@accelc/ir";
import { createOracle, type OracleOptions } from "@accelc/oracle";
import { type SampleTensor, sampleCount, samplesOf } from "@accelc/passes";
import type { Reference } from "./measure.js";

/** Most samples that formats are chosen on. */
const MOST = 256;

/** Seeded generator (mulberry32) of numbers in [0, 1). */
function random(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `count` of the numbers below `n` in a random order (Fisher and Yates). */
function subset(n: number, count: number, seed: number): number[] {
  const next = random(seed);
  const all = Array.from({ length: n }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor(next() * (n - i));
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all.slice(0, count);
}

/** A seeded subset of the calibration samples, with what the float model gives for each. */
export async function referenceSamples(
  bytes: Uint8Array,
  g: Graph,
  feeds: ReadonlyMap<string, SampleTensor>,
  seed: number,
  options: Omit<OracleOptions, "tensors">,
): Promise<Reference[]> {
  const count = sampleCount(g, feeds);
  const order = subset(count, Math.min(count, MOST), seed);
  const all = [...samplesOf(g, feeds)];
  const oracle = await createOracle(bytes, options);
  try {
    const out: Reference[] = [];
    for (const i of order) out.push({ inputs: all[i]!, outputs: (await oracle.run(all[i]!)) as Reference["outputs"] });
    return out;
  } finally {
    await oracle.release();
  }
}
