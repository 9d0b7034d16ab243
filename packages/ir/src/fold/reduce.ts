import { allocate, type Data, elements, type TensorType, type Value } from "../types.js";
import { SCALAR_FUNCTIONS } from "./scalar.js";
import { broadcastView, cells, forEachRun } from "./strided.js";

export type ReduceName = "prod" | "sum" | "max" | "min";

const STEP = { prod: "mul", sum: "add", max: "max", min: "min" } as const;

/**
 * Reduction of a constant over `axes` (non-negative). Float sums and products keep double precision until the store.
 * Undefined for the maximum or minimum of nothing.
 */
export function foldReduce(
  name: ReduceName,
  x: Value,
  axes: readonly number[],
  keep: boolean,
): { type: TensorType; data: Data } | undefined {
  const { dtype, shape } = x.type;
  const kept = shape.map((n, i) => (axes.includes(i) ? 1 : n));
  if (elements(shape) === 0 && elements(kept) > 0 && (name === "max" || name === "min")) return undefined;
  const wide = dtype === "int64" || dtype === "uint64";
  const start = name === "prod" ? 1 : 0;
  const sums: (number | bigint)[] = new Array(elements(kept)).fill(wide ? BigInt(start) : start);
  const seen = new Uint8Array(sums.length);
  const step = SCALAR_FUNCTIONS[STEP[name]].apply;
  const from = cells(x.data!);
  let at = 0;
  forEachRun(broadcastView(kept, shape), (offset, stride, length) => {
    for (let i = 0, o = offset; i < length; i++, o += stride) {
      const v = from[at++]!;
      sums[o] = seen[o] || name === "prod" || name === "sum" ? step([sums[o]!, v], dtype) : v;
      seen[o] = 1;
    }
  });
  const data = allocate(dtype, sums.length);
  sums.forEach((v, i) => {
    cells(data)[i] = v;
  });
  return { type: { dtype, shape: keep ? kept : shape.filter((_, i) => !axes.includes(i)) }, data };
}
