import { consumersOf, type Graph, type Node, type OpName, producersOf, type ValueId } from "@accelc/ir";
import { type Classes, classesOf } from "./classes.js";

const QUANTIZED_BY: ReadonlySet<OpName> = new Set<OpName>([
  "conv",
  "matmul",
  "add",
  "maxPool",
  "averagePool",
  "reduce",
  "reshape",
  "transpose",
  "slice",
  "pad",
  "concat",
  "identity",
  "cast",
]);

/** The one positive number that a constant holds throughout. */
function level(g: Graph, id: ValueId): number | undefined {
  const data = g.values.get(id)!.data as Float32Array | undefined;
  const x = data?.[0];
  return x !== undefined && x > 0 && Number.isFinite(x) && data!.every((v) => v === x) ? x : undefined;
}

/** α where the value is min(max(x, 0), α): a clip, or a ReLU and a minimum in either order. */
function clipLevel(g: Graph, producers: ReadonlyMap<ValueId, Node>, id: ValueId): number | undefined {
  const n = producers.get(id);
  if (n?.op === "clip")
    return n.attrs.min === 0 && n.attrs.max > 0 && Number.isFinite(n.attrs.max) ? n.attrs.max : undefined;
  const limit = (m: Node | undefined) =>
    m?.op === "minimum" ? (level(g, m.inputs[1]!) ?? level(g, m.inputs[0]!)) : undefined;
  if (n?.op === "relu") return limit(producers.get(n.inputs[0]!));
  return n?.inputs.some((i) => producers.get(i)?.op === "relu") ? limit(n) : undefined;
}

/**
 * PACT (Choi et al., 2018): the activations that training clipped to [0, α] with α learned, and α, by class representative. A class
 * has a learned clip where all that enters it is clipped so (of several α the greatest counts) and all that reads it sums or moves.
 */
export function learnedClips(g: Graph, classes: Classes): ReadonlyMap<ValueId, number> {
  const producers = producersOf(g);
  const consumers = consumersOf(g);
  const out = new Map<ValueId, number>();
  const rejected = new Set<ValueId>();
  for (const [id, v] of g.values) {
    const root = classes.find(id);
    if (v.type.dtype !== "float32" || rejected.has(root)) continue;
    const n = producers.get(id);
    const tied = n?.inputs.some((i) => classes.find(i) === root) ?? false;
    const alpha = clipLevel(g, producers, id);
    const read = (consumers.get(id) ?? []).every((m) => QUANTIZED_BY.has(m.op));
    const enters = tied || alpha !== undefined;
    if (!read || !enters) {
      rejected.add(root);
      out.delete(root);
    } else if (!tied) out.set(root, Math.max(alpha!, out.get(root) ?? 0));
  }
  return out;
}

/** ONNX names of the tensors that have a learned clip. */
export function clippedTensors(g: Graph): ReadonlySet<string> {
  const classes = classesOf(g);
  const clips = learnedClips(g, classes);
  return new Set([...g.values.values()].flatMap((v) => (clips.has(classes.find(v.id)) ? (v.source ?? []) : [])));
}

/**
 * Do the clips look trained: at two levels or more, where those of an architecture (ReLU6) have one? PACT trains weights by SAWB along
 * with them.
 */
export function hasTrainedClips(g: Graph): boolean {
  const producers = producersOf(g);
  const levels = new Set([...g.values.keys()].map((id) => clipLevel(g, producers, id)));
  levels.delete(undefined);
  return levels.size >= 2;
}
