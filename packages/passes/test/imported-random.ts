import {
  type CodeGrid,
  type FakeQuantAttrs,
  foldNode,
  type Graph,
  GraphBuilder,
  type OpAttrs,
  type OpName,
  type Rounding,
  type ValueId,
} from "@accelc/ir";
import { Random } from "./random-graph.js";

export interface ImportedOptions {
  /** Scales that are powers of two, so that float arithmetic is exact and ties occur; else any scale. */
  readonly dyadic: boolean;
}

const NEAREST: readonly Rounding[] = ["even", "even", "even", "even", "halfAway", "halfZero", "odd"];
const DIRECTED: readonly Rounding[] = ["floor", "ceil", "zero", "away"];

/** A random graph in which every stored value has a grid of the model's, and its weights one per tensor, axis or block. */
export class ImportedNet {
  readonly b = new GraphBuilder("imported");
  readonly r: Random;
  private count = 0;

  constructor(
    seed: number,
    private readonly options: ImportedOptions,
  ) {
    this.r = new Random(seed);
  }

  add<K extends OpName>(op: K, inputs: readonly ValueId[], attrs: OpAttrs[K]): ValueId {
    const id = `t${this.count++}`;
    return this.b.add(op, inputs, attrs, { model: "m", node: id, op }, { id, source: id });
  }

  shape(x: ValueId): readonly number[] {
    return this.b.type(x).shape;
  }

  scale(near: number): number {
    const power = 2 ** Math.round(Math.log2(near));
    return this.options.dyadic ? power : Math.fround(near * (0.7 + 0.6 * this.r.next()));
  }

  /** Has any grid more than 8 bits? */
  wide = false;

  codes(): readonly [number, number] {
    const bits = this.r.pick([8, 8, 8, 2, 3, 4, 5, 6, 7, 16]);
    const half = 2 ** (bits - 1);
    if (bits > 8) this.wide = true;
    return this.r.pick([
      [-half, half - 1],
      [-half + 1, half - 1],
      [0, 2 * half - 1],
    ] as const);
  }

  grid(top: number): FakeQuantAttrs {
    if (this.r.next() < 0.1)
      return { shape: [], scale: [this.scale(top / 2)], zero: [0], codes: [-1, 1], rounding: "sign" };
    const codes = this.codes();
    const span = codes[1] - codes[0];
    const zero =
      codes[0] === 0
        ? this.r.pick([0, Math.floor(span / 2), this.r.int(0, span)])
        : this.r.pick([0, 0, this.r.int(...codes)]);
    const rounding = this.r.pick(this.options.dyadic ? [...NEAREST, ...DIRECTED] : NEAREST);
    return { shape: [], scale: [this.scale((2 * top) / span)], zero: [zero], codes, rounding };
  }

  quantize(x: ValueId, top = 2): ValueId {
    return this.add("fakeQuant", [x], this.grid(top));
  }

  /** Float data rounded to a grid that it keeps, of one scale, one per index of `axis`, or one per block of it. */
  weights(shape: readonly number[], axis: number, top: number, blocks: boolean): ValueId {
    const bits = this.r.pick([8, 8, 8, 4, 2, 3]);
    const unsigned = this.r.next() < 0.3;
    const codes: CodeGrid["codes"] = unsigned ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
    const along = this.r.pick(blocks ? ["none", "axis", "blocks"] : ["none", "axis"]);
    const own = shape.map((n, i) => (along !== "none" && i === axis ? n : 1));
    const summed = shape.length === 2 ? 0 : 1;
    if (along === "blocks") own[summed] = shape[summed]!;
    const size = own.reduce((p, n) => p * n, 1);
    const zero = unsigned ? this.r.int(0, codes[1]) : 0;
    const list = Array.from({ length: size }, () => this.scale((2 * top) / 2 ** bits));
    // Two blocks along the summed axis, the first half of it and the rest.
    const inner = own.slice(summed + 1).reduce((p, n) => p * n, 1);
    const half = Math.ceil(own[summed]! / 2);
    const scale = list.map((s, i) => {
      if (along !== "blocks") return s;
      const k = Math.floor(i / inner) % own[summed]!;
      return list[i - (k - (k < half ? 0 : half)) * inner]!;
    });
    const grid = { shape: own, scale, zero: scale.map(() => zero), codes };
    const data = this.r.floats(
      shape.reduce((p, n) => p * n, 1),
      1.3 * top,
    );
    const type = { dtype: "float32" as const, shape };
    const folded = foldNode({ op: "fakeQuant", attrs: { ...grid, rounding: "even" } }, [{ id: "w", type, data }])!;
    return this.b.constant(folded.type, folded.data, { id: `w${this.count}`, grid: folded.grid! });
  }

  floats(shape: readonly number[], scale: number): ValueId {
    const step = this.options.dyadic ? 2 ** -8 : 0;
    const data = this.r.floats(
      shape.reduce((p, n) => p * n, 1),
      scale,
    );
    return this.b.constant({ dtype: "float32", shape }, step ? data.map((x) => Math.round(x / step) * step) : data, {
      id: `c${this.count}`,
    });
  }
}

function conv(net: ImportedNet, x: ValueId): ValueId {
  const { r } = net;
  const channels = net.shape(x)[1]!;
  const groups = r.pick([1, 1, channels]);
  const out = groups * r.int(1, 4);
  const k = Math.min(...net.shape(x).slice(2)) >= 3 ? r.pick([1, 3]) : 1;
  const w = net.weights([out, channels / groups, k, k], 0, 0.5, groups === 1);
  const bias = r.pick([[], [net.floats([out], 0.5)]]);
  const pads = new Array<number>(4).fill(0);
  const y = net.add("conv", [x, w, ...bias], { strides: [1, 1], dilations: [1, 1], pads, groups, fill: 0 });
  return r.pick([() => y, () => net.add("relu", [y], {}), () => net.add("clip", [y], { min: 0, max: 1.5 })])();
}

function matmul(net: ImportedNet, x: ValueId): ValueId {
  const flat = net.add("reshape", [x], { shape: [1, net.shape(x).reduce((p, n) => p * n, 1)] });
  const [rows, columns] = [net.shape(flat)[1]!, net.r.int(2, 9)];
  const y = net.add("matmul", [flat, net.weights([rows, columns], 1, 0.4, true)], {});
  return net.add("reshape", [net.quantize(y, 3)], { shape: [1, columns, 1, 1] });
}

/** Sums of products of 16-bit codes leave int32: what directed rounding does next to an integer is not proven there. */
function product(net: ImportedNet, x: ValueId): ValueId {
  if (net.wide) return window(net, x, "maxPool");
  const [n, c, h, w] = net.shape(x) as [number, number, number, number];
  const turned = net.add("transpose", [x], { perm: [0, 1, 3, 2] });
  const y = net.quantize(net.add("matmul", [x, turned], {}), 6);
  return h === w
    ? y
    : net.add("slice", [y], { starts: [0, 0, 0, 0], steps: [1, 1, 1, 1], sizes: [n, c, h, Math.min(h, w)] });
}

function residual(net: ImportedNet, x: ValueId): ValueId {
  const k = net.shape(x)[1]!;
  const w = net.weights([k, k, 1, 1], 0, 0.5, true);
  const y = net.add("conv", [x, w], { strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], groups: 1, fill: 0 });
  return net.add(
    "add",
    net.r.pick([
      [x, y],
      [y, net.quantize(x)],
    ]),
    {},
  );
}

function window(net: ImportedNet, x: ValueId, op: "maxPool" | "averagePool"): ValueId {
  const [h, w] = net.shape(x).slice(2) as [number, number];
  const kernel = [Math.min(2, h), Math.min(2, w)];
  const a = { kernel, strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0] };
  return op === "maxPool" ? net.add(op, [x], a) : net.add(op, [x], { ...a, countedPads: [0, 0, 0, 0] });
}

/** A graph of a few layers, quantized throughout. */
export function importedGraph(seed: number, options: ImportedOptions): Graph {
  const net = new ImportedNet(seed, options);
  const { r } = net;
  const raw = net.b.input(
    { name: "x", elementType: "float32" },
    { dtype: "float32", shape: [1, r.int(1, 4), r.int(3, 6), r.int(3, 6)] },
  );
  const affine = r.next() < 0.3;
  const ready = affine ? net.add("sub", [net.add("mul", [raw, net.floats([1], 2)], {}), net.floats([1], 1)], {}) : raw;
  let x = net.add("fakeQuant", [ready], { ...net.grid(2), ...(r.next() < 0.7 ? { rounding: "even" as const } : {}) });
  for (let layer = r.int(1, 4); layer > 0; layer--) {
    const y = r.pick([
      conv,
      conv,
      conv,
      residual,
      matmul,
      product,
      (_: ImportedNet, v: ValueId) => window(net, v, "averagePool"),
      (_: ImportedNet, v: ValueId) => window(net, v, "maxPool"),
    ])(net, x);
    x = net.quantize(y, 3);
  }
  const out = r.next() < 0.3 ? conv(net, x) : x;
  net.b.output({ name: "y", value: out, elementType: "float32" });
  return net.b.finish();
}
