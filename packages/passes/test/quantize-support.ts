import {
  allocate,
  broadcastShapes,
  type Data,
  DTYPE_BITS,
  elements,
  evaluate,
  type Graph,
  GraphBuilder,
  isFloat,
  isMinifloat,
  type Node,
  type OpAttrs,
  type OpName,
  realValues,
  strides,
  type ValueId,
} from "@accelc/ir";
import type { Calibration, Range } from "../src/index.js";

/** Every index below `shape`, row-major. */
function* indices(shape: readonly number[]): Generator<number[]> {
  const own = strides(shape);
  for (let i = 0; i < elements(shape); i++) yield own.map((s, a) => Math.floor(i / s) % shape[a]!);
}

const flat = (index: readonly number[], shape: readonly number[]): number => {
  const own = strides(shape);
  const skip = index.length - shape.length;
  return shape.reduce((sum, n, a) => sum + (n === 1 ? 0 : index[a + skip]!) * own[a]!, 0);
};

interface Tensor {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

const at = (t: Tensor, index: readonly number[]): number => Number(t.data[flat(index, t.shape)]!);

/** One output element of a float node, straight from its definition. */
function element(n: Node, x: readonly Tensor[], o: readonly number[], outShape: readonly number[]): number {
  const [a, b] = x as [Tensor, Tensor];
  const window = (
    kernel: readonly number[],
    attrs: { strides: readonly number[]; dilations: readonly number[]; pads: readonly number[] },
    space: readonly number[],
    p: readonly number[],
  ) =>
    [...indices(kernel)].map((q) => {
      const where = p.map((v, i) => v * attrs.strides[i]! + q[i]! * attrs.dilations[i]! - attrs.pads[i]!);
      return { q, where, inside: where.every((v, i) => v >= 0 && v < space[i]!) };
    });
  switch (n.op) {
    case "add":
      return at(a, o) + at(b, o);
    case "sub":
      return at(a, o) - at(b, o);
    case "mul":
      return at(a, o) * at(b, o);
    case "div":
      return at(a, o) / at(b, o);
    case "relu":
      return Math.max(0, at(a, o));
    case "leakyRelu":
      return at(a, o) < 0 ? n.attrs.alpha * at(a, o) : at(a, o);
    case "clip":
      return Math.min(Math.max(at(a, o), n.attrs.min), n.attrs.max);
    case "identity":
    case "cast":
    case "expand":
      return at(a, o);
    case "batchNorm": {
      const [s, bias, mean, variance] = x.slice(1).map((t) => Number(t.data[o[1]!]!)) as [
        number,
        number,
        number,
        number,
      ];
      return (s * (at(a, o) - mean)) / Math.sqrt(variance + n.attrs.epsilon) + bias;
    }
    case "conv": {
      const [icg, ...kernel] = b.shape.slice(1) as [number, ...number[]];
      const perGroup = b.shape[0]! / n.attrs.groups;
      const [batch, oc, ...p] = o as [number, number, ...number[]];
      let sum = x[2] ? Number(x[2].data[oc]!) : 0;
      for (const { q, where, inside } of window(kernel, n.attrs, a.shape.slice(2), p))
        for (let c = 0; inside && c < icg; c++)
          sum += at(a, [batch, Math.floor(oc / perGroup) * icg + c, ...where]) * at(b, [oc, c, ...q]);
      return sum;
    }
    case "matmul": {
      const [row, column] = o.slice(-2) as [number, number];
      let sum = x[2] ? Number(x[2].data[column]!) : 0;
      for (let k = 0; k < a.shape.at(-1)!; k++)
        sum += at(a, [...o.slice(0, -2), row, k]) * at(b, [...o.slice(0, -2), k, column]);
      return sum;
    }
    case "maxPool":
    case "averagePool": {
      const k = n.attrs.kernel.length;
      const lead = o.slice(0, -k);
      const space = a.shape.slice(-k);
      const taps = window(n.attrs.kernel, n.attrs, space, o.slice(-k));
      const values = taps.filter((t) => t.inside).map((t) => at(a, [...lead, ...t.where]));
      if (n.op === "maxPool") return Math.max(...values);
      const { countedPads } = n.attrs;
      const counted = taps.filter((t) =>
        t.where.every((v, i) => v >= -countedPads[i]! && v < space[i]! + countedPads[k + i]!),
      );
      return values.reduce((s, v) => s + v, 0) / counted.length;
    }
    case "reshape":
      return Number(a.data[flat(o, outShape)]!);
    case "transpose":
      return at(
        a,
        a.shape.map((_, axis) => o[n.attrs.perm.indexOf(axis)]!),
      );
    case "slice":
      return at(
        a,
        o.map((v, i) => n.attrs.starts[i]! + v * n.attrs.steps[i]!),
      );
    case "gather": {
      const { axis } = n.attrs;
      const rank = b.shape.length;
      return at(a, [...o.slice(0, axis), at(b, o.slice(axis, axis + rank)), ...o.slice(axis + rank)]);
    }
    case "pad": {
      const i = o.map((v, axis) => v - n.attrs.pads[axis]!);
      return i.every((v, axis) => v >= 0 && v < a.shape[axis]!) ? at(a, i) : n.attrs.value;
    }
    case "concat": {
      let start = 0;
      for (const t of x) {
        const i = o[n.attrs.axis]! - start;
        if (i < t.shape[n.attrs.axis]!)
          return at(
            t,
            o.map((v, axis) => (axis === n.attrs.axis ? i : v)),
          );
        start += t.shape[n.attrs.axis]!;
      }
      return Number.NaN;
    }
    default:
      throw new Error(`no float meaning for ${n.op}`);
  }
}

/** Values of a float graph in double precision: a second, naive formulation. */
export function evaluateFloat(g: Graph, inputs: ReadonlyMap<ValueId, ArrayLike<number>>): Map<ValueId, Float64Array> {
  const known = new Map<ValueId, ArrayLike<number>>(inputs);
  for (const [id, v] of g.values) if (v.data) known.set(id, Array.from(v.data as Float32Array, Number));
  for (const n of g.nodes) {
    const operands = n.inputs.map((id) => ({ shape: g.values.get(id)!.type.shape, data: known.get(id)! }));
    const { shape } = g.values.get(n.outputs[0]!)!.type;
    known.set(
      n.outputs[0]!,
      Float64Array.from([...indices(shape)], (o) => element(n, operands, o, shape)),
    );
  }
  return known as Map<ValueId, Float64Array>;
}

export function calibrate(g: Graph, samples: readonly ReadonlyMap<ValueId, ArrayLike<number>>[]): Calibration {
  const ranges = new Map<string, Range>();
  for (const s of samples)
    for (const [id, data] of evaluateFloat(g, s)) {
      const v = g.values.get(id)!;
      if (v.data || v.source === undefined) continue;
      const old = ranges.get(v.source);
      const all = Array.from(data);
      ranges.set(v.source, { min: Math.min(...all, old?.min ?? all[0]!), max: Math.max(...all, old?.max ?? all[0]!) });
    }
  return { ranges };
}

/** Does the value of a port stand for floats as binary32 words? */
const hasWords = (g: Graph, id: ValueId): boolean =>
  !g.values.get(id)!.type.quant && [...g.inputs, ...g.outputs].some((p) => p.value === id && isFloat(p.elementType));

/** The codes of real inputs on the integer graph's input grids, or their words; integers as they are. */
export function encode(integer: Graph, inputs: ReadonlyMap<ValueId, ArrayLike<number>>): Map<ValueId, Data> {
  return new Map(
    integer.inputs.map((p) => {
      const { dtype, quant } = integer.values.get(p.value)!.type;
      if (hasWords(integer, p.value))
        return [p.value, new Int32Array(Float32Array.from(inputs.get(p.value)!).buffer) as Data];
      const top = 2 ** (DTYPE_BITS[dtype] - 1);
      const q = (x: number) =>
        quant ? Math.max(-top, Math.min(top - 1, Math.round(x / quant.scale[0]!) + quant.zeroPoint)) : x;
      const data = allocate(dtype, inputs.get(p.value)!.length) as Int32Array;
      data.set(Array.from(inputs.get(p.value)!, q));
      return [p.value, data as Data];
    }),
  );
}

export const decode = (integer: Graph, id: ValueId, data: Data): number[] => {
  const { type } = integer.values.get(id)!;
  const { quant } = type;
  if (isMinifloat(type.dtype)) return [...realValues(type, data)];
  if (hasWords(integer, id)) return [...new Float32Array(Int32Array.from(data as Int32Array).buffer)];
  return Array.from(data as Int32Array, (q) => (quant ? quant.scale[0]! * (q - quant.zeroPoint) : q));
};

/** Signal to noise in dB between what is and what ought to be. */
export function sqnr(want: ArrayLike<number>, got: ArrayLike<number>): number {
  let [signal, noise] = [0, 0];
  for (let i = 0; i < want.length; i++) {
    signal += want[i]! ** 2;
    noise += (want[i]! - got[i]!) ** 2;
  }
  return noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / noise);
}

/** Deterministic numbers in [−1, 1). */
export function random(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), s | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

/** A float graph under construction, with weights from a seed and every value a source. */
export class Network {
  readonly builder = new GraphBuilder("net");
  private count = 0;
  constructor(private readonly next: () => number) {}

  shape(id: ValueId): readonly number[] {
    return this.builder.type(id).shape;
  }

  input(name: string, shape: readonly number[]): ValueId {
    return this.builder.input({ name, elementType: "float32" }, { dtype: "float32", shape });
  }

  constant(shape: readonly number[], scale = 1, offset = 0, name = "w"): ValueId {
    const data = Float32Array.from({ length: elements(shape) }, () => this.next() * scale + offset);
    return this.builder.constant({ dtype: "float32", shape }, data, { id: name });
  }

  add<K extends OpName>(op: K, inputs: readonly ValueId[], attrs: OpAttrs[K], name?: string): ValueId {
    const id = name ?? `${op}${this.count++}`;
    return this.builder.add(op, inputs, attrs, { model: "net.onnx", node: id, op }, { id, source: id });
  }

  conv(x: ValueId, oc: number, kernel: number, at: Partial<OpAttrs["conv"]> = {}, name?: string): ValueId {
    const rank = this.shape(x).length - 2;
    const groups = at.groups ?? 1;
    const icg = this.shape(x)[1]! / groups;
    const w = this.constant([oc, icg, ...new Array<number>(rank).fill(kernel)], 1 / Math.sqrt(icg * kernel ** rank));
    const b = this.constant([oc], 0.2, 0, "b");
    const all = (v: number, n = rank) => new Array<number>(n).fill(v);
    const attrs = { strides: all(1), dilations: all(1), pads: all(0, 2 * rank), groups, fill: 0, ...at };
    return this.add("conv", [x, w, b], attrs, name);
  }

  finish(...outputs: readonly ValueId[]): Graph {
    for (const value of outputs) this.builder.output({ name: value, value, elementType: "float32" });
    return this.builder.finish();
  }
}

export const isFloatValue = (g: Graph, id: ValueId): boolean => isFloat(g.values.get(id)!.type.dtype);

const BINARY: { readonly [op: string]: (a: bigint, b: bigint) => bigint } = {
  iadd: (a, b) => a + b,
  isub: (a, b) => a - b,
};

/**
 * Exact check that no addition, product or accumulation of the integer graph leaves int32 on the given inputs: recomputes
 * those nodes with BigInt from the evaluator's operands. Returns the nodes that do.
 */
export function overflows(g: Graph, inputs: ReadonlyMap<ValueId, Data>): string[] {
  const known = evaluate(g, inputs);
  const out: string[] = [];
  const read = (id: ValueId, shape: readonly number[]) => {
    const t = { shape: g.values.get(id)!.type.shape, data: known.get(id) as Int32Array };
    return [...indices(shape)].map((i) => BigInt(at(t, i)));
  };
  const fits = (x: bigint) => x >= -(2n ** 31n) && x < 2n ** 31n;
  for (const n of g.nodes) {
    const { shape } = g.values.get(n.outputs[0]!)!.type;
    const broadcast = n.inputs.every((i) => broadcastShapes(g.values.get(i)!.type.shape, shape));
    if (n.op === "conv" || n.op === "matmul" || n.op === "iwindow") {
      if (isMinifloat(g.values.get(n.outputs[0]!)!.type.dtype)) continue;
      const exact = exactSums(g, n, known);
      const got = known.get(n.outputs[0]!) as Int32Array;
      if (exact?.some((x, i) => x !== got[i])) out.push(`${n.op} ${n.outputs[0]}`);
    } else if (broadcast && (n.op in BINARY || n.op === "imacc" || n.op === "imul")) {
      const x = n.inputs.map((i) => read(i, shape));
      const shift = n.op === "imul" ? n.attrs.shift : 0;
      const values = x[0]!.map((v, i) =>
        n.op === "imacc"
          ? v + x[1]![i]! * x[2]![i]!
          : n.op === "imul"
            ? (v * x[1]![i]!) >> BigInt(shift)
            : BINARY[n.op]!(v, x[1]![i]!),
      );
      // imul saturates by definition; only a sum must not build on a saturated term.
      const summed = g.nodes.some((m) => (m.op === "iadd" || m.op === "imacc") && m.inputs.includes(n.outputs[0]!));
      if ((n.op !== "imul" || summed) && !values.every(fits)) out.push(`${n.op} ${n.outputs[0]}`);
    }
  }
  return out;
}

/** GEMM and window sums in double precision, exact below 2^53. */
function exactSums(g: Graph, n: Node, known: ReadonlyMap<ValueId, Data>): number[] | undefined {
  if (n.op === "iwindow" && n.attrs.kind !== "sum") return undefined;
  const x = n.inputs.map((id) => ({ shape: g.values.get(id)!.type.shape, data: known.get(id) as Int32Array }));
  const { shape } = g.values.get(n.outputs[0]!)!.type;
  if (n.op === "matmul") return [...indices(shape)].map((o) => element(n, x, o, shape));
  if (n.op !== "conv" && n.op !== "iwindow") return undefined;
  const k = n.attrs.strides.length;
  const [lead, pads] = [x[0]!.shape.length - k, n.attrs.pads];
  const grown = x[0]!.shape.map((d, i) => (i < lead ? d : d + pads[i - lead]! + pads[i - lead + k]!));
  const data = [...indices(grown)].map((i) => {
    const w = i.map((v, axis) => (axis < lead ? v : v - pads[axis - lead]!));
    return w.every((v, axis) => v >= 0 && v < x[0]!.shape[axis]!) ? at(x[0]!, w) : n.attrs.fill;
  });
  const padless = { ...n.attrs, pads: pads.map(() => 0), countedPads: pads.map(() => 0) };
  const plain = { shape: grown, data };
  if (n.op === "conv")
    return [...indices(shape)].map((o) =>
      element({ ...n, attrs: { ...n.attrs, pads: padless.pads } }, [plain, ...x.slice(1)], o, shape),
    );
  const taps = elements(n.attrs.kernel);
  const mean = { ...n, op: "averagePool", attrs: { ...padless, kernel: n.attrs.kernel } } as Node;
  return [...indices(shape)].map((o) => Math.round(element(mean, [plain], o, shape) * taps));
}

/** Samples of a float graph's inputs, in [−1, 1]. */
export function samples(g: Graph, seed: number, count = 3) {
  const next = random(seed);
  return Array.from({ length: count }, () => {
    const one = (id: ValueId) => Float64Array.from({ length: elements(g.values.get(id)!.type.shape) }, next);
    return new Map(g.inputs.map((p) => [p.value, one(p.value)]));
  });
}

/** dB of each output on a calibration sample. */
export function quality(g: Graph, q: Graph, seed: number): number[] {
  const x = samples(g, seed)[0]!;
  const want = evaluateFloat(g, x);
  const got = evaluate(q, encode(q, x));
  return g.outputs.map((o, i) => {
    const { value } = q.outputs[i]!;
    return sqnr(want.get(o.value)!, decode(q, value, got.get(value)!));
  });
}
