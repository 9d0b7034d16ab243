import type { ValueId } from "@accelc/ir";
import { flag, int, type Values } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { binary, concat, reshape, slice } from "./build.js";
import { type OperatorRow, row } from "./row.js";

const ATTRIBUTES = { interleaved: flag(false), num_heads: int(0), rotary_embedding_dim: int(0) };

/** Cosines or sines for x with the sequence on axis `rows`: [batch, sequence, half] with an axis for the heads. */
function angles(n: NodeContext, i: number, half: number, rows: number): ValueId {
  const cache = n.input(i);
  const chosen = n.has(3) ? n.add("gather", [cache, n.input(3)], { axis: 0 }) : cache;
  const shape = n.shape(chosen);
  if (shape.length !== 3 || shape[2]! < half)
    n.badInput(i, `of shape [${n.shape(cache).join(",")}]`, `it must give ${half} angles for every position`);
  const [batch, sequence] = shape as [number, number];
  const own = slice(n, chosen, 2, 0, half);
  return reshape(n, own, rows === 2 ? [batch, 1, sequence, half] : [batch, sequence, 1, half]);
}

/** Pairs (a, b) of the last axis turn: (a cos − b sin, a sin + b cos). */
function rotary(n: NodeContext, a: Values<typeof ATTRIBUTES>): void {
  const given = n.input(0);
  const shape = n.shape(given);
  if (shape.length !== 3 && shape.length !== 4)
    n.badInput(0, `of shape [${shape.join(",")}]`, "it must have rank 3 or 4");
  const flat = shape.length === 3;
  if (flat && (a.num_heads < 1 || shape[2]! % a.num_heads !== 0))
    n.badAttribute("num_heads", a.num_heads, `a width of ${shape[2]} does not divide into that many heads`);
  const x = flat ? reshape(n, given, [shape[0]!, shape[1]!, a.num_heads, shape[2]! / a.num_heads]) : given;
  const size = n.shape(x)[3]!;
  const turned = a.rotary_embedding_dim || size;
  if (turned % 2 !== 0 || turned > size)
    n.badAttribute("rotary_embedding_dim", turned, `heads of ${size} turn an even number of elements`);
  const half = turned / 2;
  const [first, second] = a.interleaved
    ? [slice(n, x, 3, 0, half, 2), slice(n, x, 3, 1, half, 2)]
    : [slice(n, x, 3, 0, half), slice(n, x, 3, half, half)];
  const [cos, sin] = [angles(n, 1, half, flat ? 1 : 2), angles(n, 2, half, flat ? 1 : 2)];
  const real = binary(n, "sub", binary(n, "mul", first, cos), binary(n, "mul", second, sin));
  const imaginary = binary(n, "add", binary(n, "mul", first, sin), binary(n, "mul", second, cos));
  const parts = [...(a.interleaved ? [woven(n, real, imaginary)] : [real, imaginary])];
  if (turned < size) parts.push(slice(n, x, 3, turned, size - turned));
  n.finish(reshape(n, concat(n, parts, 3), shape));
}

/** Elements of a and b in turn along the last axis. */
function woven(n: NodeContext, a: ValueId, b: ValueId): ValueId {
  const shape = n.shape(a);
  const pairs = concat(n, [reshape(n, a, [...shape, 1]), reshape(n, b, [...shape, 1])], shape.length);
  return reshape(n, pairs, [...shape.slice(0, -1), 2 * shape.at(-1)!]);
}

export const ROTARY: readonly OperatorRow[] = [
  row({
    op: "RotaryEmbedding",
    since: 23,
    unit: "tandem",
    constraints: "float tensors",
    inputs: [3, 4],
    attributes: ATTRIBUTES,
    parse: rotary,
  }),
];
