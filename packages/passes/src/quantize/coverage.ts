import { constantOf, consumersOf, type Graph, type Node, type NodeOf, type ValueId } from "@accelc/ir";
import type { Range } from "../calibration/index.js";
import { classesOf } from "./classes.js";
import { union, withZero } from "./grid.js";

/** The one number that a constant holds. */
function number(g: Graph, id: ValueId): number | undefined {
  const data = constantOf(g, id);
  const x = data && data.length > 0 ? Number(data[0]) : undefined;
  return x !== undefined && data!.every((v: number | bigint) => Number(v) === x) ? x : undefined;
}

/** All that a quantizer tells apart, and a step more on both sides. */
function told({ attrs }: NodeOf<"fakeQuant">): Range {
  return attrs.scale
    .map((s, i) => over({ min: attrs.codes[0] - 1, max: attrs.codes[1] + 1 }, (q) => s * (q - attrs.zero[i]!)))
    .reduce(union);
}

const over = (r: Range, f: (x: number) => number): Range => {
  const ends = [f(r.min), f(r.max)];
  return { min: Math.min(...ends), max: Math.max(...ends) };
};

/**
 * Float graph inputs that only lead to quantizers, by movement and by steps that are monotone in one variable, each with the
 * range outside of which no quantizer tells numbers apart: such an input needs no calibration.
 */
export function coveredInputs(g: Graph): ReadonlyMap<ValueId, Range> {
  const consumers = consumersOf(g);
  const { tied } = classesOf(g);
  const outputs = new Set(g.outputs.map((o) => o.value));
  const known = new Map<ValueId, Range | undefined>();
  const needed = (id: ValueId): Range | undefined => {
    if (known.has(id)) return known.get(id);
    const uses = consumers.get(id) ?? [];
    const ranges = outputs.has(id) || uses.length === 0 ? [undefined] : uses.map((n) => through(n, id));
    const all = ranges.every((r) => r !== undefined) ? ranges.reduce((a, b) => union(a, b!)) : undefined;
    known.set(id, all);
    return all;
  };
  const through = (n: Node, id: ValueId): Range | undefined => {
    if (n.op === "fakeQuant") return told(n);
    const y = needed(n.outputs[0]!);
    if (!y) return undefined;
    if (n.op === "relu" || n.op === "clip" || tied(n).includes(id)) return y;
    const k = n.inputs.length === 2 ? number(g, n.inputs.find((i) => i !== id) ?? id) : undefined;
    if (k === undefined) return undefined;
    switch (n.op) {
      case "add":
        return over(y, (x) => x - k);
      case "sub":
        return n.inputs[0] === id ? over(y, (x) => x + k) : over(y, (x) => k - x);
      case "mul":
        return k === 0 ? undefined : over(y, (x) => x / k);
      case "div":
        return n.inputs[0] === id ? over(y, (x) => x * k) : undefined;
      default:
        return undefined;
    }
  };
  const out = new Map<ValueId, Range>();
  for (const p of g.inputs) {
    const range = g.values.get(p.value)!.type.dtype === "float32" ? needed(p.value) : undefined;
    if (range) out.set(p.value, withZero(range));
  }
  return out;
}
