import { type GemmNode, type Graph, isGemm, type Node, producersOf, type ValueId } from "@accelc/ir";

/** The input channels of the layers that multiply a tensor by constant weights. */
export interface Channels {
  readonly axis: number;
  /** Σ w² over the weights that a channel is multiplied by, of all the layers, as a share of the greatest: 0 to 255, whole. */
  readonly energy: Float64Array;
}

/** Calls `f(channel, w, i)` for every weight: its input channel, value and place. */
export function eachWeight(g: Graph, n: GemmNode, f: (channel: number, w: number, i: number) => void): void {
  const { data, type } = g.values.get(n.inputs[1]!)!;
  const w = data as Float32Array;
  if (n.op === "matmul") {
    const columns = type.shape.at(-1)!;
    const rows = type.shape.at(-2)!;
    for (let i = 0; i < w.length; i++) f(Math.floor(i / columns) % rows, w[i]!, i);
    return;
  }
  const [outputs, inputs] = type.shape as readonly [number, number];
  const inner = w.length / (outputs * inputs);
  const perGroup = outputs / n.attrs.groups;
  for (let i = 0; i < w.length; i++) {
    const channel = Math.floor(i / inner) % inputs;
    f(Math.floor(i / (inner * inputs * perGroup)) * inputs + channel, w[i]!, i);
  }
}

/** Adds w² of every weight to the energy of its input channel. */
function addEnergy(g: Graph, n: GemmNode, energy: Float64Array): void {
  if (n.op !== "matmul") {
    eachWeight(g, n, (c, w) => (energy[c]! += w * w));
    return;
  }
  const { data, type } = g.values.get(n.inputs[1]!)!;
  const w = data as Float32Array;
  const columns = type.shape.at(-1)!;
  for (let row = 0, i = 0; i < w.length; row = (row + 1) % energy.length) {
    let sum = energy[row]!;
    for (const end = i + columns; i < end; i++) sum += w[i]! * w[i]!;
    energy[row] = sum;
  }
}

/** The tensor that a layer reads as the model has it, and the axis of its channels; a reshape that keeps the last axis is no matter. */
export function inputOf(
  g: Graph,
  n: GemmNode,
  producerOf: (id: ValueId) => Node | undefined,
): { readonly tensor: string; readonly axis: number; readonly channels: number } | undefined {
  let id = n.inputs[0]!;
  const { shape } = g.values.get(id)!.type;
  const channels = n.op === "conv" ? shape[1]! : shape.at(-1)!;
  for (;;) {
    const v = g.values.get(id)!;
    const axis = n.op === "conv" ? 1 : v.type.shape.length - 1;
    if (v.source !== undefined) return { tensor: v.source, axis, channels };
    const from = producerOf(id);
    if (n.op === "conv" || from?.op !== "reshape") return undefined;
    id = from.inputs[0]!;
    if (g.values.get(id)!.type.shape.at(-1) !== channels) return undefined;
  }
}

/** By ONNX name, the channels of every tensor that is multiplied by constant weights, one way only. */
export function inputChannels(g: Graph): ReadonlyMap<string, Channels> {
  const producers = producersOf(g);
  const found = new Map<string, { axis: number; energy: Float64Array }>();
  const clash = new Set<string>();
  for (const n of g.nodes) {
    if (!isGemm(n) || !g.values.get(n.inputs[1]!)!.data) continue;
    const input = inputOf(g, n, (id) => producers.get(id));
    if (!input) continue;
    const { tensor, axis, channels } = input;
    const old = found.get(tensor) ?? { axis, energy: new Float64Array(channels) };
    if (old.axis !== axis || old.energy.length !== channels) clash.add(tensor);
    else addEnergy(g, n, old.energy);
    found.set(tensor, old);
  }
  const whole = ({ axis, energy }: Channels): Channels => {
    const top = energy.reduce((a, b) => Math.max(a, b), 0);
    return { axis, energy: energy.map((e) => (top > 0 ? Math.round((255 * e) / top) : 1)) };
  };
  return new Map([...found].filter(([t]) => !clash.has(t)).map(([t, c]) => [t, whole(c)] as const));
}
