import type { ModelProto } from "@accelc/frontend";
import type { Graph } from "@accelc/ir";
import { createOracle, type OracleOptions } from "@accelc/oracle";
import { type SampleTensor, sampleCount, samplesOf } from "@accelc/passes";
import { seeded } from "../random.js";
import type { Reference } from "./measure.js";

/** Most samples that formats are chosen on. */
const MOST = 256;

/** `count` of the numbers below `n` in a random order (Fisher and Yates). */
function subset(n: number, count: number, seed: number): number[] {
  const next = seeded(seed);
  const all = Array.from({ length: n }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor(next() * (n - i));
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all.slice(0, count);
}

/** A seeded subset of the calibration samples, with what the float model gives for each. */
export async function referenceSamples(
  proto: ModelProto,
  g: Graph,
  feeds: ReadonlyMap<string, SampleTensor>,
  seed: number,
  options: Omit<OracleOptions, "tensors">,
): Promise<Reference[]> {
  const count = sampleCount(g, feeds);
  const order = subset(count, Math.min(count, MOST), seed);
  const all = [...samplesOf(g, feeds)];
  const oracle = await createOracle(proto, options);
  try {
    const out: Reference[] = [];
    for (const i of order) out.push({ inputs: all[i]!, outputs: (await oracle.run(all[i]!)) as Reference["outputs"] });
    return out;
  } finally {
    await oracle.release();
  }
}
