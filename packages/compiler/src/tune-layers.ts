import { type GemmNode, type Graph, realValues, type Value } from "@accelc/ir";
import {
  channelsOf,
  fromRows,
  gathering,
  type LayerShape,
  layerShape,
  MomentCollector,
  PowerCollector,
  toRows,
  tunableLayers,
  tuneLayer,
  type Witness,
  weightsOf,
} from "@accelc/passes";
import { seeded } from "./random.js";
import { type TunedEntry, tunedEntry } from "./tune-table.js";

/** Inputs of a group up to which its moments are kept: two matrices of this order, 92 MB. */
const MOST_INPUTS = 2400;
/** Input vectors kept to try ranges on. */
const MOST_WITNESSES = 512;

/** Collects what one layer needs and tunes it. */
export class LayerTuner {
  readonly node: string;
  /** ONNX tensor that the layer reads. */
  readonly input: string;
  private readonly shape: LayerShape;
  private readonly rows: Float64Array;
  private groups: readonly MomentCollector[] = [];
  private powers: readonly PowerCollector[] = [];
  private readonly positions: number;
  private readonly gather: ReturnType<typeof gathering>["gather"];
  private readonly random: () => number;
  private readonly seen: Float32Array[][];

  constructor(
    private readonly g: Graph,
    private readonly n: GemmNode,
    /** The weights as they are now, on their grid. */
    private readonly current: Value,
    private readonly vectors: number,
    seed: number,
  ) {
    const value = (i: number) => g.values.get(n.inputs[i]!)!;
    this.node = n.loc.node;
    this.input = value(0).source!;
    const weight = value(1);
    this.shape = layerShape(n, weight.type.shape);
    this.rows = toRows(n, this.shape, weight.data!);
    const y = g.values.get(n.outputs[0]!)!.type.shape;
    const all = gathering(n, value(0).type.shape, weight.type.shape, y);
    this.positions = all.positions;
    this.gather = all.gather;
    this.random = seeded(seed);
    this.seen = Array.from({ length: this.shape.groups }, () => []);
  }

  /** The rows of weights of one group. */
  private rowsOf(group: number): Float64Array {
    const size = this.shape.rows * this.shape.inputs;
    return this.rows.subarray(group * size, (group + 1) * size);
  }

  /** Matrices for the moments, made when the first sample comes. */
  private open(): void {
    const { groups, inputs } = this.shape;
    if (this.groups.length > 0) return;
    this.groups = Array.from({ length: groups }, () => new MomentCollector(inputs));
    this.powers = this.groups.map((_, group) => new PowerCollector(this.rowsOf(group), inputs));
  }

  /** Positions of this sample: all, or as many as are taken of each. */
  private *places(): Generator<number> {
    const { positions, vectors } = this;
    if (positions <= vectors) for (let p = 0; p < positions; p++) yield p;
    else for (let i = 0; i < vectors; i++) yield Math.floor(this.random() * positions);
  }

  /** Keeps a few float input vectors, to try ranges on. */
  witness(x: Float64Array | undefined, samples: number): void {
    if (!x) return;
    for (const p of [...this.places()].slice(0, Math.ceil(MOST_WITNESSES / samples)))
      this.seen.forEach((vectors, group) => {
        if (vectors.length >= MOST_WITNESSES) return;
        const vector = new Float32Array(this.shape.inputs);
        this.gather(x, group, p, vector);
        vectors.push(vector);
      });
  }

  /** What `witness` has kept and will keep. */
  witnesses(): readonly Witness[] {
    const { inputs } = this.shape;
    return this.seen.map((vectors, group) => ({ w: this.rowsOf(group), vectors, inputs }));
  }

  get momentBytes(): number {
    return 2 * 8 * this.shape.groups * this.shape.inputs ** 2;
  }

  /** Takes in the float operand of a sample and what is stored of it. */
  take(x: Float64Array, stored: Float64Array): void {
    this.open();
    const [a, b] = [new Float64Array(this.shape.inputs), new Float64Array(this.shape.inputs)];
    for (const p of this.places())
      this.groups.forEach((collector, group) => {
        this.gather(x, group, p, a);
        this.gather(stored, group, p, b);
        collector.add(a, b);
        this.powers[group]!.add(a);
      });
  }

  /** The layer tuned, its moments given up; undefined where no sample reached it. */
  tune(): TunedEntry | undefined {
    const { g, n, shape, current } = this;
    if (this.groups.length === 0) return undefined;
    const now = toRows(n, shape, Float32Array.from(realValues(current.type, current.data!)));
    const power = Float64Array.from(this.powers.flatMap((p) => [...p.power()]));
    const top = topOf(current);
    const found = tuneLayer(this.rows, shape, this.groups, power, now, top);
    [this.groups, this.powers] = [[], []];
    const bias = n.inputs[2] === undefined ? undefined : g.values.get(n.inputs[2])!.data;
    const biases = Array.from({ length: channelsOf(g, n) }, (_, c) => Number(bias?.[c] ?? 0) + found.shift[c]!);
    const tuning = { codes: fromRows(n, shape, found.codes), top, scale: [...found.scale], bias: biases };
    return tunedEntry(tuning, found.before, found.after);
  }
}

/** The greatest code of symmetric weights. */
function topOf({ type }: Value): number {
  if (type.quant?.codes) return type.quant.codes[1];
  return type.dtype === "int4" ? 7 : type.dtype === "int2" ? 1 : 127;
}

/** A tuner for every layer with weights of up to 8 bits that are one constant, and an operand with a name. */
export function planTuners(
  { float, integer }: { readonly float: Graph; readonly integer: Graph },
  options: { readonly vectors?: number; readonly seed?: number },
): readonly LayerTuner[] {
  return [...tunableLayers(float).values()].flatMap((n, at) => {
    const [x, w] = [float.values.get(n.inputs[0]!)!, float.values.get(n.inputs[1]!)!];
    const constants = weightsOf(integer, n.loc.node);
    const [current] = constants;
    const plain = constants.length === 1 && current!.type.quant && current!.data!.length === w.data!.length;
    if (!plain || x.source === undefined || layerShape(n, w.type.shape).inputs > MOST_INPUTS) return [];
    return [new LayerTuner(float, n, current!, options.vectors ?? 64, (options.seed ?? 0) + 7919 * at)];
  });
}
