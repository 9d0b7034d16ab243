import { type CodeGrid, isFloat, OPS, type OpAttrs, type OpName, sameShape, type ValueId } from "@accelc/ir";
import type { NodeContext } from "./context.js";

/** The float value that an integer tensor holds the codes of, and the grid. */
export interface Real {
  readonly value: ValueId;
  readonly grid: CodeGrid;
}

export const sameGrid = (a: CodeGrid, b: CodeGrid): boolean =>
  sameShape(a.scale, b.scale) && sameShape(a.zero, b.zero) && sameShape(a.shape, b.shape);

/** The one grid of the elements that an operation passes on; undefined where it computes, or scales differ. */
function common(n: NodeContext, op: OpName, inputs: readonly ValueId[]): CodeGrid | undefined {
  const passes = OPS[op].kind === "movement" || op === "identity" || op === "maxPool";
  const grids = (op === "concat" ? inputs : inputs.slice(0, 1)).map((id) => n.real(id)?.grid);
  const [g] = grids;
  const alike = g && grids.every((o) => o && sameGrid(o, g));
  return passes && alike && g.scale.length === 1 && g.scale[0]! > 0 ? g : undefined;
}

/** What the result stands for where an operation moves or selects integer codes: the same done to the real numbers. */
export function realAfter<K extends OpName>(
  n: NodeContext,
  op: K,
  inputs: readonly ValueId[],
  attrs: OpAttrs[K],
): Real | undefined {
  const first = inputs[0];
  if (first === undefined || isFloat(n.dtype(first))) return undefined;
  const grid = common(n, op, inputs);
  if (!grid) return undefined;
  const reals = inputs.map((id, i) => (i === 0 || op === "concat" ? n.real(id)!.value : id));
  const pad = attrs as OpAttrs["pad"];
  const own = op === "pad" ? { ...pad, value: grid.scale[0]! * (pad.value - grid.zero[0]!) } : attrs;
  return { value: n.add(op, reals, own as OpAttrs[K]), grid };
}
