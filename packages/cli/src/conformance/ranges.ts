import { createHash } from "node:crypto";
import { importModel } from "@accelc/frontend";
import { type Data, type FoldableNode, foldNode, type Graph, type Value } from "@accelc/ir";
import type { FileTensor } from "../tensor/npy.js";

type Range = { min: number; max: number };

/** Values of every tensor of a float graph as far as it folds on constant inputs. */
function valuesOf(g: Graph, inputs: ReadonlyMap<string, FileTensor>): Value[] {
  const values = new Map(g.values);
  for (const p of g.inputs) {
    const data = inputs.get(p.name)?.data;
    const v = values.get(p.value)!;
    if (data)
      values.set(p.value, {
        ...v,
        data: v.type.dtype === "float32" ? Float32Array.from(data as ArrayLike<number>) : data,
      });
  }
  for (const n of g.nodes) {
    const operands = n.inputs.map((id) => values.get(id)!);
    const out = n.outputs.length === 1 ? foldNode(n as FoldableNode, operands) : undefined;
    if (out) values.set(n.outputs[0]!, { ...values.get(n.outputs[0]!)!, data: out.data });
  }
  return [...values.values()];
}

function widen(range: Range, data: Data): void {
  for (const x of data) {
    const v = Number(x);
    if (!Number.isFinite(v)) continue;
    range.min = Math.min(range.min, v);
    range.max = Math.max(range.max, v);
  }
}

/**
 * A calibration table of the float graph's own arithmetic, for models that ONNX Runtime does not run: expected outputs
 * stand in for what does not fold.
 */
export async function rangesOf(
  model: Uint8Array,
  name: string,
  shapes: Readonly<Record<string, readonly number[]>>,
  sets: readonly ReadonlyMap<string, FileTensor>[],
  expected: readonly ReadonlyMap<string, FileTensor>[],
): Promise<{ readonly version: 1; readonly model: string; readonly ranges: Readonly<Record<string, Range>> }> {
  const g = await importModel(model, { modelName: name, batch: 1, inputShapes: shapes });
  const ranges = new Map<string, Range>();
  const add = (tensor: string, data: Data) => {
    const range = ranges.get(tensor) ?? { min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };
    widen(range, data);
    if (range.min <= range.max) ranges.set(tensor, range);
  };
  for (const inputs of sets)
    for (const v of valuesOf(g, inputs)) if (v.data && v.source !== undefined) add(v.source, v.data);
  for (const outputs of expected) for (const [tensor, t] of outputs) add(tensor, t.data);
  const hash = createHash("sha256").update(model).digest("hex");
  return { version: 1, model: hash, ranges: Object.fromEntries(ranges) };
}
