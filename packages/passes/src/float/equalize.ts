import {
  consumersOf,
  elements,
  type GemmNode,
  type Graph,
  isGemm,
  type Node,
  type OpName,
  type Value,
  type ValueId,
} from "@accelc/ir";
import { eachWeight } from "../calibration/index.js";
import { layoutOf } from "../quantize/weights.js";

/** A tensor of the ONNX model divided per channel: element i belongs to channel ⌊i / inner⌋ mod divisor.length. */
export interface ScaledTensor {
  readonly tensor: string;
  readonly inner: number;
  readonly divisor: Float64Array;
}

export interface Equalized {
  readonly graph: Graph;
  /** What the graph's tensors of these names are; no such tensor is in the ONNX model. */
  readonly tensors: ReadonlyMap<string, ScaledTensor>;
}

/** Two layers, and the values from the first one's output to the second one's input. */
interface Pair {
  readonly first: GemmNode;
  readonly second: GemmNode;
  readonly between: readonly ValueId[];
  /** log2 of what the values are divided by, per channel. */
  readonly exponents: Int32Array;
}

/** f(x s) = f(x) s for s > 0, channel by channel. */
const HOMOGENEOUS: ReadonlySet<OpName> = new Set<OpName>(["relu", "leakyRelu", "maxPool", "averagePool", "identity"]);

const isLayer = (n: Node | undefined): n is GemmNode => n !== undefined && isGemm(n);
const channelsOf = (n: GemmNode, shape: readonly number[]): number => (n.op === "conv" ? shape[1]! : shape.at(-1)!);

/** Layers with constant weights of their own on no grid of the model's, a matrix being plain, and nothing but homogeneous operations between them. */
function pairsIn(g: Graph): Pair[] {
  const consumers = consumersOf(g);
  const outputs = new Set(g.outputs.map((o) => o.value));
  const own = (id: ValueId): boolean => {
    const { data, grid } = g.values.get(id)!;
    return data !== undefined && grid === undefined && consumers.get(id)!.length === 1;
  };
  const scalable = (n: GemmNode): boolean =>
    n.inputs.slice(1).every(own) &&
    !g.values.get(n.inputs[1]!)!.grid &&
    (n.op === "conv" ||
      g.values
        .get(n.inputs[1]!)!
        .type.shape.slice(0, -2)
        .every((d) => d === 1));
  const next = (id: ValueId): Node | undefined =>
    outputs.has(id) || consumers.get(id)?.length !== 1 ? undefined : consumers.get(id)![0];
  return g.nodes.flatMap((first): Pair[] => {
    if (!isLayer(first) || !scalable(first)) return [];
    const between = [first.outputs[0]!];
    let n = next(between[0]!);
    while (n && HOMOGENEOUS.has(n.op)) {
      between.push(n.outputs[0]!);
      n = next(n.outputs[0]!);
    }
    if (!isLayer(n) || n.op !== first.op || n.inputs[0] !== between.at(-1) || !scalable(n)) return [];
    const channels = channelsOf(first, g.values.get(between[0]!)!.type.shape);
    return [{ first, second: n, between, exponents: new Int32Array(channels) }];
  });
}

type Constants = Map<ValueId, Float32Array>;

/** Calls `f(channel, i)` for the weights of every output channel of a layer. */
function eachOutput(g: Graph, n: GemmNode, f: (channel: number, i: number) => void): void {
  const { shape } = g.values.get(n.inputs[1]!)!.type;
  const { channels, inner } = layoutOf(n, shape);
  for (let i = 0; i < elements(shape); i++) f(Math.floor(i / inner) % channels, i);
}

/** Channels may change by 2^±24 in all, so that no weight leaves the normal numbers of binary32. */
const LIMIT = 24;

/** One pair: s = √(r1 / r2) to the nearest power of two, where no bias becomes the greatest of its layer. True where a channel changed. */
function equalizePair(g: Graph, p: Pair, constants: Constants): boolean {
  const { first, second, exponents } = p;
  const [w1, w2] = [constants.get(first.inputs[1]!)!, constants.get(second.inputs[1]!)!];
  const bias = first.inputs[2] === undefined ? undefined : constants.get(first.inputs[2]!)!;
  const [r1, r2] = [new Float64Array(exponents.length), new Float64Array(exponents.length)];
  eachOutput(g, first, (c, i) => (r1[c] = Math.max(r1[c]!, Math.abs(w1[i]!))));
  eachWeight(g, second, (c, _, i) => (r2[c] = Math.max(r2[c]!, Math.abs(w2[i]!))));
  const most = bias?.reduce((m, b) => Math.max(m, Math.abs(b)), 0) ?? 0;
  const steps = exponents.map((old, c) => {
    if (!(r1[c]! > 0 && r2[c]! > 0)) return 0;
    const wanted = Math.round(Math.log2(r1[c]! / r2[c]!) / 2);
    const b = Math.abs(bias?.[c] ?? 0);
    const least = b > 0 ? Math.min(0, Math.ceil(Math.log2(b / most))) : -LIMIT;
    return Math.max(-LIMIT, Math.min(LIMIT, old + Math.max(least, wanted))) - old;
  });
  if (steps.every((s) => s === 0)) return false;
  eachOutput(g, first, (c, i) => (w1[i]! *= 2 ** -steps[c]!));
  eachWeight(g, second, (c, _, i) => (w2[i]! *= 2 ** steps[c]!));
  bias?.forEach((b, c) => {
    bias[c] = b * 2 ** -steps[c]!;
  });
  steps.forEach((s, c) => {
    exponents[c]! += s;
  });
  return true;
}

const SWEEPS = 16;

/** The values between the layers under names of their own, where they differ from the model's. */
function rename(g: Graph, p: Pair, values: Map<ValueId, Value>, tensors: Map<string, ScaledTensor>): void {
  if (p.exponents.every((e) => e === 0)) return;
  const divisor = Float64Array.from(p.exponents, (e) => 2 ** e);
  for (const id of p.between) {
    const v = g.values.get(id)!;
    if (v.source === undefined) continue;
    const source = `${v.source} (equalized)`;
    values.set(id, { ...v, source });
    const inner = p.first.op === "conv" ? elements(v.type.shape.slice(2)) : 1;
    tensors.set(source, { tensor: v.source, inner, divisor });
  }
}

/**
 * Cross-layer equalization (Nagel et al., "Data-free quantization through weight equalization and bias correction", 2019): between two
 * layers with homogeneous operations only, channel c is divided by s = √(max|w1[c]| / max|w2[c]|), which the second layer's weights
 * make good, until no channel changes. s is a power of two, so that every result stays what it was to the bit.
 * ```
 * %a = conv(%x, %w1, %b1)         %a = conv(%x, %w1 / s, %b1 / s)
 * %r = relu(%a)               →   %r = relu(%a)
 * %y = conv(%r, %w2)              %y = conv(%r, %w2 * s)
 * ```
 */
export function equalize(g: Graph): Equalized {
  const pairs = pairsIn(g);
  const constants: Constants = new Map();
  for (const { first, second } of pairs)
    for (const id of [...first.inputs.slice(1), ...second.inputs.slice(1)])
      constants.set(id, Float32Array.from(g.values.get(id)!.data as Float32Array));
  for (let sweep = 0; sweep < SWEEPS; sweep++)
    if (pairs.filter((p) => equalizePair(g, p, constants)).length === 0) break;
  const values = new Map(g.values);
  const tensors = new Map<string, ScaledTensor>();
  for (const [id, data] of constants) values.set(id, { ...g.values.get(id)!, data });
  for (const p of pairs) rename(g, p, values, tensors);
  return { graph: { ...g, values }, tensors };
}

/** The ONNX tensor's data divided per channel. */
export function scaledData(
  { inner, divisor }: ScaledTensor,
  data: Float32Array | Float64Array,
): Float32Array | Float64Array {
  return data.map((x, i) => x / divisor[Math.floor(i / inner) % divisor.length]!);
}
