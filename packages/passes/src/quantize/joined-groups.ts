import { elements } from "@accelc/ir";
import { groupShape } from "../blocks/weights.js";

/** Weights of a convolution, [O, C / groups, *] row-major. */
export interface GroupedWeights {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
  readonly groups: number;
}

/**
 * The same convolution in the groups that the array multiplies: narrower ones joined until they fill whole blocks of lanes, with
 * zeros between them. In a sum with an order of its own these zeros have places. Where the groups leave a rest, all are one.
 */
export function joinGroups(w: GroupedWeights, lanes: number): GroupedWeights {
  const [oc, icg, ...kernel] = w.shape as [number, number, ...number[]];
  const ocg = oc / w.groups;
  const { joined } = groupShape(w.groups, icg, ocg, lanes, lanes);
  const by = w.groups % joined === 0 ? joined : w.groups;
  if (by === 1) return w;
  const taps = elements(kernel);
  const data = new Float64Array(oc * icg * by * taps);
  for (let o = 0; o < oc; o++) {
    const at = (o * by + (Math.floor(o / ocg) % by)) * icg * taps;
    for (let i = 0; i < icg * taps; i++) data[at + i] = w.data[o * icg * taps + i]!;
  }
  return { data, shape: [oc, icg * by, ...kernel], groups: w.groups / by };
}
