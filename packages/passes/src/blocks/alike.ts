/** Which blocks are mapped alike: what a mapping's cost follows from, as a key. */
import type { ComputeBlock, TensorId, VectorPart } from "@accelc/ir";
import type { GemmDraft } from "./gemm.js";
import type { Space } from "./space.js";
import type { TensorTable } from "./tensors.js";
import type { VectorDraft } from "./vector-builder.js";

/** Numbers that become immediates: as operands, or out of an operation's attributes. */
const IMMEDIATES: ReadonlySet<string> = new Set(["immediate", "shift", "neutral"]);

/**
 * Of immediates, a schedule knows which are equal, for equal ones share a slot, and which take two words to set: each
 * stands for itself by its number in order of appearance. Formats of minifloats are immediates that no draft spells out,
 * so there numbers stay as they are.
 */
function nameImmediates(ops: readonly { readonly attrs: object }[]): (value: number) => number | string {
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

function keyOf(parts: readonly unknown[], { ops }: VectorDraft | VectorPart, table: TensorTable): string {
  const nameOf = nameImmediates(ops);
  return JSON.stringify(parts, (name, value) => {
    if (name === "tensor") return table.get(value as TensorId).bits;
    if (name === "bias") return value !== null;
    if (IMMEDIATES.has(name) && typeof value === "number") return nameOf(value);
    return name === "loc" || name === "label" ? undefined : value;
  });
}

/** Drafts of equal keys cost the same under the same tiling; tensors count by the width of their elements. */
export const shapeKey = (space: Space, gemm: GemmDraft | null, vector: VectorDraft, table: TensorTable): string =>
  keyOf([space, gemm, vector], vector, table);

/** Blocks of equal keys cost the same. */
export const blockKey = (
  { dims, order, gemm, vector }: Pick<ComputeBlock, "dims" | "order" | "gemm" | "vector">,
  table: TensorTable,
): string => keyOf([dims, order, gemm, vector], vector, table);
