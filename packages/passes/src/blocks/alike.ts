/** Which blocks are mapped alike: what a mapping's cost follows from, as a key. */
import type { ComputeBlock, TensorId, TileOp, VectorPart } from "@accelc/ir";
import type { GemmDraft } from "./gemm.js";
import type { Space } from "./space.js";
import type { TensorTable } from "./tensors.js";
import type { VectorDraft } from "./vector-builder.js";

/** Numbers that become immediates: as operands, or out of an operation's attributes. */
const IMMEDIATES: ReadonlySet<string> = new Set(["immediate", "shift", "neutral"]);

type NameOf = (value: number) => number | string;
type Operations = readonly Pick<TileOp, "op" | "attrs" | "sources">[];

/**
 * Of immediates, a schedule knows which are equal, for equal ones share a slot, and which take two words to set: each
 * stands for itself by its number in order of appearance. Formats of minifloats are immediates that no draft spells out,
 * so there numbers stay as they are.
 */
function nameImmediates(ops: Operations): NameOf {
  if (ops.some((o) => "format" in o.attrs)) return (value) => value;
  const names = new Map<number, string>();
  return (value) => {
    const known = names.get(value);
    if (known !== undefined) return known;
    const name = `${value >= -0x8000 && value <= 0x7fff ? "short" : "long"} ${names.size}`;
    names.set(value, name);
    return name;
  };
}

/** What code generation may make of products with immediates: the same under another product's shift, where int32 holds the factor. */
function rescaled(ops: Operations, nameOf: NameOf): unknown {
  const products = ops.filter((o) => o.op === "imul");
  const shifts = [...new Set(products.map((o) => o.attrs.shift as number))];
  const under = (immediate: number, by: number) => {
    const factor = immediate * 2 ** by;
    return factor === (factor | 0) ? nameOf(factor) : null;
  };
  return products.map((o) =>
    o.sources.map((s) =>
      "immediate" in s ? shifts.map((to) => under(s.immediate, to - (o.attrs.shift as number))) : null,
    ),
  );
}

function keyOf(parts: readonly unknown[], { ops }: VectorDraft | VectorPart, table: TensorTable): string {
  const nameOf = nameImmediates(ops);
  const draft = JSON.stringify(parts, (name, value) => {
    if (name === "tensor") return table.get(value as TensorId).bits;
    if (name === "bias") return value !== null;
    if (IMMEDIATES.has(name) && typeof value === "number") return nameOf(value);
    return name === "loc" || name === "label" ? undefined : value;
  });
  return `${draft} ${JSON.stringify(rescaled(ops, nameOf))}`;
}

/** Drafts of equal keys cost the same under the same tiling; tensors count by the width of their elements. */
export const shapeKey = (space: Space, gemm: GemmDraft | null, vector: VectorDraft, table: TensorTable): string =>
  keyOf([space, gemm, vector], vector, table);

/** Blocks of equal keys cost the same. */
export const blockKey = (
  { dims, order, gemm, vector }: Pick<ComputeBlock, "dims" | "order" | "gemm" | "vector">,
  table: TensorTable,
): string => keyOf([dims, order, gemm, vector], vector, table);
