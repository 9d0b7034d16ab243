/**
 * Weight images: blocks of rows × columns bytes, [k][m], in the order group, output block, input block, kernel row,
 * kernel column. Where a byte holds several weights they are those of neighbouring k: [k / n][m][k mod n]. Channel groups
 * narrower than a block are joined until they fill whole blocks; the joined groups' block is dense with zeros between
 * groups, which the array multiplies like any weight.
 */
import type { Data } from "@accelc/ir";
import { packed } from "./images.js";
import type { OperandForm } from "./operands.js";

export interface GroupShape {
  /** Independent groups after joining. */
  readonly groups: number;
  /** Input and output blocks of one joined group. */
  readonly icBlocks: number;
  readonly ocBlocks: number;
  /** Original groups per joined group. */
  readonly joined: number;
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
const lcm = (a: number, b: number): number => (a / gcd(a, b)) * b;

/**
 * How `groups` groups of icg inputs and ocg outputs map to blocks of `perPass` inputs and `lanes` outputs. A last joined
 * group that would reach beyond the tensors' last blocks makes the whole convolution dense.
 */
export function groupShape(groups: number, icg: number, ocg: number, lanes: number, perPass: number): GroupShape {
  const dense = {
    groups: 1,
    icBlocks: Math.ceil((groups * icg) / perPass),
    ocBlocks: Math.ceil((groups * ocg) / lanes),
    joined: groups,
  };
  if (groups === 1) return dense;
  const joined = lcm(perPass / gcd(perPass, icg), lanes / gcd(lanes, ocg));
  const split = {
    groups: Math.ceil(groups / joined),
    icBlocks: (joined * icg) / perPass,
    ocBlocks: (joined * ocg) / lanes,
    joined,
  };
  const fills = split.groups * split.icBlocks === dense.icBlocks && split.groups * split.ocBlocks === dense.ocBlocks;
  return joined < groups && fills ? split : dense;
}

export interface WeightSource {
  readonly data: Data;
  /** Elements from one output channel, and from one input channel of a group, to the next; kernel elements follow each other. */
  readonly strides: readonly [o: number, i: number];
  readonly oc: number;
  readonly icg: number;
  readonly groups: number;
  readonly kh: number;
  readonly kw: number;
}

/** Bytes of the image of a convolution of `taps` kernel elements. */
export const imageBytes = (shape: GroupShape, taps: number, lanes: number, { perPass, bits }: OperandForm): number =>
  (shape.groups * shape.ocBlocks * shape.icBlocks * taps * perPass * lanes * bits) / 8;

export function weightImage(w: WeightSource, shape: GroupShape, lanes: number, form: OperandForm): Uint8Array {
  const { kh, kw, icg, groups } = w;
  const { perPass, bits } = form;
  const ocg = w.oc / groups;
  const block = perPass * lanes;
  const taps = kh * kw;
  const image = new (bits === 16 ? Int16Array : Int8Array)(
    shape.groups * shape.ocBlocks * shape.icBlocks * taps * block,
  );
  const wide = typeof w.data[0] === "bigint";
  const data = (wide ? Int32Array.from(w.data as BigInt64Array, Number) : w.data) as ArrayLike<number>;
  const [oStride, iStride] = w.strides;
  // A weight's place is the sum of what its output channel and what its reduction element contribute.
  const places = Int32Array.from({ length: shape.icBlocks * perPass }, (_, k) => {
    const at = k % perPass;
    return ((k - at) / perPass) * taps * block + weightCell(at, 0, lanes, form);
  });
  const columns = Int32Array.from({ length: w.oc }, (_, o) => {
    const super_ = Math.floor(Math.floor(o / ocg) / shape.joined);
    const oLocal = o - super_ * shape.ocBlocks * lanes;
    const row = (super_ * shape.ocBlocks + Math.floor(oLocal / lanes)) * shape.icBlocks;
    return row * taps * block + weightCell(0, oLocal % lanes, lanes, form);
  });
  // Where output channels are neighbours in the source, they are the inner loop.
  if (groups === 1 && taps === 1 && oStride === 1)
    for (let i = 0; i < icg; i++) {
      const [to, from] = [places[i]!, i * iStride];
      for (let o = 0; o < w.oc; o++) image[columns[o]! + to] = data[from + o]!;
    }
  else
    for (let o = 0; o < w.oc; o++) {
      const group = Math.floor(o / ocg);
      const first = group * icg - Math.floor(group / shape.joined) * shape.icBlocks * perPass;
      for (let i = 0; i < icg; i++) {
        const base = columns[o]! + places[first + i]!;
        const from = o * oStride + i * iStride;
        for (let t = 0; t < taps; t++) image[base + t * block] = data[from + t]!;
      }
    }
  return packed(image, bits);
}

/** Position in a block, in elements, of the weight of reduction element k and column m. */
export function weightCell(k: number, m: number, lanes: number, { factor }: OperandForm): number {
  const perByte = Math.max(1, factor);
  return Math.floor(k / perByte) * lanes * perByte + m * perByte + (k % perByte);
}
