import {
  allocate,
  DTYPE_BITS,
  elements,
  type Graph,
  GraphBuilder,
  isMinifloat,
  type Loc,
  type Minifloat,
  type OpAttrs,
  type OpName,
  type ValueId,
} from "@accelc/ir";
import { random, randomData } from "./exactness.js";

const loc: Loc = { model: "random", node: "n", op: "Random" };
const grid = { scale: [1], zeroPoint: 0, axis: null };

export interface RandomGraphOptions {
  readonly steps: number;
  /** Most elements of any value. */
  readonly most?: number;
  /** Rows of the array that sums of minifloats are for; without it there are none. */
  readonly rows?: number;
}

/** Grows an integer graph op by op: odd shapes, strides, groups, channel counts that are no multiple of the lanes. */
class Grower {
  readonly b: GraphBuilder;
  readonly next: () => number;
  private readonly pool: ValueId[] = [];
  /** Values in DLFloat and FP8. */
  private readonly floats: ValueId[] = [];
  /** Packed codes by the value they came from. */
  private readonly packed = new Map<ValueId, ValueId>();

  constructor(
    seed: number,
    private readonly most: number,
  ) {
    this.b = new GraphBuilder(`random ${seed}`);
    this.next = random(seed);
  }

  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }
  chance(p: number): boolean {
    return this.next() < p;
  }
  pick<T>(xs: readonly T[]): T {
    return xs[this.int(0, xs.length - 1)]!;
  }
  shape(v: ValueId): readonly number[] {
    return this.b.type(v).shape;
  }
  dtype(v: ValueId) {
    return this.b.type(v).dtype;
  }
  keep(v: ValueId): ValueId {
    if (elements(this.shape(v)) <= this.most) this.pool.push(v);
    return v;
  }
  size(): number {
    return this.pick([1, 2, 3, 5, 7, 8, 13, 16, 17, 30, 31, 32, 33, 40, 64, 65, 70]);
  }
  node<K extends OpName>(op: K, inputs: readonly ValueId[], attrs: OpAttrs[K]): ValueId {
    return this.b.add(op, inputs, attrs, loc);
  }
  constant(
    dtype: "int8" | "int4" | "int2" | "int32" | Minifloat,
    shape: readonly number[],
    low: number,
    high: number,
    exponentBias?: number,
  ): ValueId {
    const plain = dtype === "int32" || isMinifloat(dtype);
    const type = plain
      ? { dtype, shape, ...(exponentBias === undefined ? {} : { exponentBias }) }
      : { dtype, shape, quant: grid };
    return this.b.constant(type, randomData(dtype, elements(shape), this.next, low, high));
  }

  input(): void {
    const rank = this.pick([4, 4, 4, 2, 3, 1, 5, 6]);
    let shape: number[];
    do {
      shape = Array.from({ length: rank }, (_, i) =>
        i === 1 || (rank < 4 && i === rank - 1) ? this.size() : this.int(1, rank <= 4 ? 14 : 5),
      );
    } while (elements(shape) > this.most / 4);
    const name = `x${this.pool.length}`;
    this.pool.push(this.b.input({ name, elementType: "int8" }, { dtype: "int8", shape, quant: grid }));
  }

  narrow(v: ValueId, shift: number): ValueId {
    return this.b.add("narrow", [v], { shift, bits: 8 }, loc, { quant: grid });
  }

  /** An int8 version of a value, for users that need one. */
  int8(v: ValueId): ValueId {
    return this.dtype(v) === "int8" ? v : this.narrow(v, this.int(0, 12));
  }

  /** An operand of the array, and the range of its codes: int8, or packed anew, or packed for another reader before. */
  operand(v: ValueId): { readonly value: ValueId; readonly low: number; readonly high: number } {
    const range = (value: ValueId) => {
      const half = 2 ** (DTYPE_BITS[this.dtype(value)] - 1);
      return { value, low: -half, high: half - 1 };
    };
    const known = this.packed.get(v);
    if (known !== undefined && this.chance(0.6)) return range(known);
    if (this.chance(0.6)) return range(this.int8(v));
    return range(this.pack(v, this.pick([4, 4, 2] as const)));
  }

  /** `v` cut to codes of `bits` bits, and packed. */
  pack(v: ValueId, bits: 4 | 2): ValueId {
    let codes = v;
    if (bits === 2) {
      const low = this.node("imax", [v, this.constant("int32", [], -2, -2)], {});
      codes = this.node("imin", [low, this.constant("int32", [], 1, 1)], {});
    }
    codes = this.keep(this.b.add("narrow", [codes], { shift: this.int(0, 3), bits: 4 }, loc, { quant: grid }));
    const value = this.node("pack", [codes], { bits });
    this.packed.set(v, value);
    this.packed.set(codes, value);
    return value;
  }

  gemmTail(acc: ValueId, channels: number, channelAxis: number): void {
    const rank = this.shape(acc).length;
    if (this.chance(0.15)) {
      this.keep(acc);
      return;
    }
    const per = Array.from({ length: rank }, (_, i) => (i === channelAxis ? channels : 1));
    const m = this.chance(0.7)
      ? this.constant("int32", per, 1 << 16, 1 << 24)
      : this.constant("int32", [], 1 << 16, 1 << 24);
    let t = this.node("imul", [acc, m], { shift: this.int(24, 36) });
    const same = this.pool.filter((v) => this.dtype(v) === "int8" && this.shape(v).join() === this.shape(acc).join());
    if (same.length > 0 && this.chance(0.7))
      t = this.node("imacc", [t, this.pick(same), this.constant("int32", [], -999, 999)], {});
    if (this.chance(0.2)) t = this.node("imax", [t, this.constant("int32", [], -5, 5)], {});
    this.keep(this.narrow(t, this.int(0, 6)));
  }

  weightType(x: ValueId): "int8" | "int4" | "int2" {
    const dtype = this.dtype(x);
    return dtype === "int4" || dtype === "int2" ? dtype : "int8";
  }

  conv(): void {
    const images = this.pool.filter((v) => this.shape(v).length === 4);
    if (images.length === 0) return;
    const { value: x, low, high } = this.operand(this.pick(images));
    const [, c, h, w] = this.shape(x) as [number, number, number, number];
    const kernel = [this.int(1, Math.min(5, h + 2)), this.int(1, Math.min(5, w + 2))];
    const strides = [this.int(1, 3), this.int(1, 3)];
    const dilations = [this.pick([1, 1, 2]), this.pick([1, 1, 2])];
    const pads = Array.from({ length: 4 }, (_, i) => this.int(0, kernel[i % 2]! - 1));
    const spans = [0, 1].every((i) => (kernel[i]! - 1) * dilations[i]! + 1 <= [h, w][i]! + pads[i]! + pads[i + 2]!);
    if (!spans) return;
    const divisors = Array.from({ length: c }, (_, i) => i + 1).filter((d) => c % d === 0);
    const groups = this.chance(0.6) ? 1 : this.pick(divisors);
    const oc = groups === 1 ? this.size() : groups * this.pick([1, 1, 2, 3]);
    const weight = this.constant(this.weightType(x), [oc, c / groups, ...kernel], low, high);
    const inputs = [x, weight];
    if (this.chance(0.7)) inputs.push(this.constant("int32", [oc], -100000, 100000));
    const acc = this.node("conv", inputs, { strides, dilations, pads, groups, fill: this.int(low, high) });
    this.gemmTail(acc, oc, 1);
  }

  matmul(): void {
    const matrices = this.pool.filter((v) => this.shape(v).length >= 2 && this.shape(v).length <= 4);
    if (matrices.length === 0) return;
    const { value: x, low, high } = this.operand(this.pick(matrices));
    const shape = this.shape(x);
    const k = shape[shape.length - 1]!;
    const n = this.size();
    const batch = this.chance(0.8) ? [] : shape.slice(0, -2).map((b) => (this.chance(0.5) ? 1 : b));
    const inputs = [x, this.constant(this.weightType(x), [...batch, k, n], low, high)];
    if (this.chance(0.5)) inputs.push(this.constant("int32", [n], -100000, 100000));
    this.gemmTail(this.node("matmul", inputs, {}), n, shape.length - 1);
  }

  window(): void {
    const images = this.pool.filter((v) => this.shape(v).length >= 3 && this.shape(v).length <= 5);
    if (images.length === 0) return;
    const x = this.int8(this.pick(images));
    const spatial = this.shape(x).slice(2);
    const kernel = spatial.map((s) => this.int(1, Math.min(4, s)));
    const pads = [...kernel, ...kernel].map((k) => (this.chance(0.5) ? 0 : this.int(0, k - 1)));
    const kind = this.pick(["max", "sum", "min"] as const);
    const strides = spatial.map(() => this.int(1, 3));
    const y = this.node("iwindow", [x], {
      kind,
      kernel,
      strides,
      dilations: spatial.map(() => 1),
      pads,
      fill: this.int(-128, 127),
    });
    this.keep(this.dtype(y) === "int8" ? y : this.narrow(y, this.int(0, 4)));
  }

  elementwise(): void {
    const a = this.pick(this.pool);
    const shape = this.shape(a);
    const partners = this.pool.filter((v) => this.shape(v).join() === shape.join());
    const operand = (): ValueId => {
      const r = this.next();
      if (r < 0.4) return this.pick(partners);
      if (r < 0.6) return this.constant("int32", [], -300, 300);
      const broadcast = shape.map((n) => (this.chance(0.5) ? 1 : n));
      if (r < 0.8) return this.constant("int32", broadcast.slice(this.int(0, broadcast.length - 1)), -300, 300);
      const small = this.pool.filter(
        (v) =>
          this.shape(v).length <= shape.length &&
          this.shape(v).every((n, i) => n === 1 || n === shape[shape.length - this.shape(v).length + i]),
      );
      return this.pick(small);
    };
    const b = operand();
    const op = this.pick([
      "iadd",
      "isub",
      "imul",
      "imax",
      "imin",
      "imacc",
      "icmp",
      "select",
      "iabs",
      "isign",
      "idiv",
      "iand",
      "ior",
      "ishr",
      "inot",
    ] as const);
    let y: ValueId;
    if (op === "imul") y = this.node("imul", [a, b], { shift: this.int(0, 8) });
    else if (op === "imacc") y = this.node("imacc", [a, b, operand()], {});
    else if (op === "icmp")
      y = this.node("icmp", [a, b], { kind: this.pick(["eq", "ne", "gt", "ge", "lt", "le"] as const) });
    else if (op === "select") y = this.node("select", [a, b, operand()], {});
    else if (op === "iabs" || op === "isign" || op === "inot") y = this.node(op, [a], {});
    else y = this.node(op, [a, b], {});
    this.keep(this.chance(0.5) ? this.narrow(y, this.int(0, 6)) : y);
  }

  /** A product of two activations, batched and broadcast. */
  product(): void {
    const matrices = this.pool.filter((v) => this.shape(v).length >= 2 && this.shape(v).length <= 4);
    if (matrices.length === 0) return;
    const a = this.int8(this.pick(matrices));
    const shape = this.shape(a);
    const k = shape[shape.length - 1]!;
    const fits = (v: ValueId): boolean => {
      const s = this.shape(v);
      const batch = s.slice(0, -2);
      const own = shape.slice(0, -2);
      return (
        s.length <= shape.length &&
        s.at(-2) === k &&
        batch.every((n, i) => n === 1 || n === own[own.length - batch.length + i])
      );
    };
    const same = matrices.filter(fits);
    let b: ValueId;
    if (same.length > 0 && this.chance(0.4)) b = this.int8(this.pick(same));
    else if (this.chance(0.3)) {
      const batch = shape.slice(0, -2).map((n) => (this.chance(0.5) ? 1 : n));
      b = this.constant("int8", [...batch, k, this.size()], -128, 127);
    } else {
      const perm = shape.map((_, i) => i);
      [perm[perm.length - 1], perm[perm.length - 2]] = [perm[perm.length - 2]!, perm[perm.length - 1]!];
      b = this.node("transpose", [a], { perm });
    }
    const bits = this.b.value(b).data ? 8 : this.pick([8, 8, 4, 2] as const);
    const inputs = bits === 8 ? [a, b] : [this.pack(a, bits), this.pack(b, bits)];
    if (this.chance(0.5)) inputs.push(this.constant("int32", [this.shape(b).at(-1)!], -100000, 100000));
    const acc = this.node("matmul", inputs, {});
    if (elements(this.shape(acc)) > this.most) return;
    const out = this.shape(acc);
    this.gemmTail(acc, out[out.length - 1]!, out.length - 1);
  }

  /** The axes of `v` in order, but for some that change places. */
  permuted(v: ValueId, perm: readonly number[]): ValueId {
    return this.node("transpose", [v], { perm });
  }

  /** A projection of `x` to `columns`, requantized; now and then only part of a wider one. */
  projection(x: ValueId, columns: number): ValueId {
    const wide = this.chance(0.3) ? columns * this.int(2, 3) : columns;
    const w = this.constant("int8", [this.shape(x).at(-1)!, wide], -128, 127);
    const m = this.constant("int32", [], 1 << 16, 1 << 24);
    const scaled = this.node("imul", [this.node("matmul", [x, w], {}), m], { shift: this.int(24, 34) });
    const y = this.narrow(scaled, this.int(0, 6));
    if (wide === columns) return y;
    const sizes = this.shape(y).map((n, i, s) => (i === s.length - 1 ? columns : n));
    const starts = sizes.map((_, i) => (i === sizes.length - 1 ? columns * this.int(0, wide / columns - 1) : 0));
    return this.node("slice", [y], { starts, steps: sizes.map(() => 1), sizes });
  }

  /** Attention: projections split in heads, products of two activations in any order of axes, heads joined again. */
  heads(lanes: number): void {
    const batch = this.int(1, 2);
    const tokens = this.pick([1, 5, lanes, lanes + 5, 2 * lanes, 40]);
    const [count, size] = [this.int(1, 3), this.pick([lanes, lanes, 2 * lanes, 8, 20])];
    const width = count * size;
    const whole = elements([batch, tokens, width]);
    if (whole > this.most / 4 || batch * count * tokens * tokens > this.most / 2) return;
    const name = `x${this.pool.length}h`;
    const shape = [batch, tokens, this.pick([8, 40])];
    const x = this.b.input({ name, elementType: "int8" }, { dtype: "int8", shape, quant: grid });
    const split = (v: ValueId): ValueId => this.node("reshape", [v], { shape: [batch, tokens, count, size] });
    const left = this.permuted(split(this.projection(x, width)), [0, 2, 1, 3]);
    const keys = this.projection(x, width);
    const right = this.chance(0.5)
      ? this.permuted(split(keys), [0, 2, 3, 1])
      : this.permuted(this.permuted(split(keys), [0, 2, 1, 3]), [0, 1, 3, 2]);
    const scores = this.int8(this.narrow(this.node("matmul", [left, right], {}), this.int(4, 14)));
    const values = this.permuted(split(this.chance(0.2) ? keys : this.projection(x, width)), [0, 2, 1, 3]);
    const mixed = this.narrow(this.node("matmul", [scores, values], {}), this.int(4, 14));
    const joined = this.node("reshape", [this.permuted(mixed, [0, 2, 1, 3])], { shape: [batch, tokens, width] });
    for (const v of [scores, keys, values, mixed]) if (this.chance(0.2)) this.keep(v);
    this.keep(joined);
    if (this.chance(0.6)) this.keep(this.projection(joined, this.size()));
  }

  reduction(): void {
    const x = this.pick(this.pool);
    const shape = this.shape(x);
    if (shape.length === 0) return;
    const axes = shape.map((_, i) => i).filter(() => this.chance(0.4));
    if (axes.length === 0) axes.push(this.int(0, shape.length - 1));
    const kind = this.pick(["sum", "max", "min"] as const);
    const y = this.keep(this.node("ireduce", [x], { kind, axes }));
    if (this.chance(0.6)) {
      const d = this.node("isub", [x, y], {});
      const e = this.keep(this.node("imul", [d, this.constant("int32", [], 1, 99)], { shift: this.int(0, 5) }));
      if (this.chance(0.5)) this.keep(this.node("ireduce", [e], { kind: "sum", axes }));
    }
  }

  /** A gather along the first axis by indices that are computed; negative ones count from the end. */
  lookup(): void {
    const tables = this.pool.filter((v) => this.shape(v).length > 0);
    const lists = this.pool.filter((v) => elements(this.shape(v)) <= 200);
    if (lists.length === 0 || tables.length === 0) return;
    const x = this.pick(tables);
    const n = this.shape(x)[0]!;
    const low = this.node("imax", [this.pick(lists), this.constant("int32", [], -n, -n)], {});
    const indices = this.node("imin", [low, this.constant("int32", [], n - 1, n - 1)], {});
    if ((elements(this.shape(x)) / n) * elements(this.shape(indices)) > this.most) return;
    this.keep(this.node("gather", [x, indices], { axis: 0 }));
  }

  /** A long chain over one shape that keeps coming back to earlier values: what integer functions look like. */
  chain(): void {
    const x = this.pick(this.pool);
    const values = [x];
    const ops = ["iadd", "isub", "imul", "imax", "imin", "icmp", "ishr", "iand", "select", "imacc"] as const;
    for (let i = this.int(4, 14); i > 0; i--) {
      const op = this.pick(ops);
      const a = this.pick(values.slice(-3));
      const b = this.chance(0.3) ? this.constant("int32", [], -300, 300) : this.pick(values);
      const c = this.pick(values);
      if (op === "imul") values.push(this.node("imul", [a, b], { shift: this.int(4, 12) }));
      else if (op === "icmp") values.push(this.node("icmp", [a, b], { kind: "lt" }));
      else if (op === "select" || op === "imacc") values.push(this.node(op, [a, b, c], {}));
      else values.push(this.node(op, [a, b], {}));
    }
    this.keep(values[values.length - 1]!);
  }

  movement(): void {
    const x = this.pick(this.pool);
    const shape = this.shape(x);
    const kind = this.pick(
      shape.length === 0
        ? (["reshape", "expand"] as const)
        : (["transpose", "reshape", "slice", "pad", "concat", "expand", "gather"] as const),
    );
    if (kind === "transpose") {
      const perm = shape.map((_, i) => i);
      for (let i = perm.length - 1; i > 0; i--) {
        const j = this.int(0, i);
        [perm[i], perm[j]] = [perm[j]!, perm[i]!];
      }
      this.keep(this.node("transpose", [x], { perm }));
    } else if (kind === "reshape") {
      let rest = elements(shape);
      const to: number[] = [];
      const rank = this.int(1, 5);
      for (let i = 0; i < rank - 1; i++) {
        const d = this.pick(Array.from({ length: rest }, (_, k) => k + 1).filter((k) => rest % k === 0));
        to.push(d);
        rest /= d;
      }
      to.push(rest);
      this.keep(this.node("reshape", [x], { shape: to }));
    } else if (kind === "slice") {
      const steps = shape.map(() => this.pick([1, 1, 1, 2, -1, 3, -2]));
      const starts: number[] = [];
      const sizes = shape.map((n, i) => {
        const s = steps[i]!;
        const start = s > 0 ? this.int(0, n - 1) : this.int(0, n - 1);
        starts.push(start);
        const room = s > 0 ? Math.floor((n - 1 - start) / s) + 1 : Math.floor(start / -s) + 1;
        return this.int(1, room);
      });
      this.keep(this.node("slice", [x], { starts, steps, sizes }));
    } else if (kind === "pad") {
      const pads = [...shape, ...shape].map(() => (this.chance(0.6) ? 0 : this.int(1, 3)));
      this.keep(this.node("pad", [x], { pads, value: this.int(-128, 127) }));
    } else if (kind === "concat") {
      const axis = this.int(0, shape.length - 1);
      const others = this.pool.filter(
        (v) =>
          this.dtype(v) === this.dtype(x) &&
          this.shape(v).length === shape.length &&
          this.shape(v).every((n, i) => i === axis || n === shape[i]),
      );
      this.keep(
        this.node("concat", [x, this.pick(others), ...(this.chance(0.3) ? [this.pick(others)] : [])], { axis }),
      );
    } else if (kind === "expand") {
      const to = shape.map((n) => (n === 1 && this.chance(0.5) ? this.int(2, 40) : n));
      const lead = this.chance(0.3) ? [this.int(1, 3)] : [];
      if (elements([...lead, ...to]) <= this.most) this.keep(this.node("expand", [x], { shape: [...lead, ...to] }));
    } else {
      const axis = this.int(0, shape.length - 1);
      const indexShape = this.pick([[], [this.int(1, 6)], [2, 3]]);
      const data = randomData("int64", elements(indexShape), this.next, 0, shape[axis]! - 1);
      const indices = this.b.constant({ dtype: "int64", shape: indexShape }, data);
      if ((elements(shape) / shape[axis]!) * data.length <= this.most)
        this.keep(this.node("gather", [x, indices], { axis }));
    }
  }

  dlfloat(v: ValueId): ValueId {
    const { dtype } = this.b.type(v);
    if (dtype === "dlfloat16") return v;
    if (isMinifloat(dtype)) return this.node("fromFp8", [v], {});
    const y = this.node("toDlfloat", [v], { shift: this.int(0, 20) });
    this.floats.push(y);
    return y;
  }

  fp8(v: ValueId): ValueId {
    const format = this.pick(["fp8e4m3", "fp8e4m3", "fp8e5m2"] as const);
    const y = this.node("toFp8", [this.dlfloat(v)], { format, bias: format === "fp8e4m3" ? this.bias() : 15 });
    this.floats.push(y);
    return y;
  }

  bias(): number {
    return this.pick([11, 11, 7, 15, this.int(0, 31)]);
  }

  /** A minifloat operand of the array, made of any value. */
  minifloatOperand(v: ValueId): ValueId {
    const known = this.dtype(v);
    if (isMinifloat(known) && this.chance(0.6)) return v;
    return this.chance(0.5) ? this.dlfloat(v) : this.fp8(v);
  }

  sumOrder(x: ValueId, rows: number): { readonly pass: number; readonly chunk: number } {
    const pass = this.dtype(x) === "dlfloat16" ? rows / 2 : rows;
    return { pass, chunk: this.pick([1, 2, 8, 16, 32, 64, 64, 128, 1024]) };
  }

  /** Any codes, what is no number rarely among them: numbers of moderate size. */
  minifloatConstant(like: ValueId, shape: readonly number[]): ValueId {
    if (this.dtype(like) === "dlfloat16") return this.codes("dlfloat16", shape, 0x7fff, 20 << 9, 36 << 9);
    return this.chance(0.8)
      ? this.codes("fp8e4m3", shape, 0x7f, 0, 0x7f, this.bias())
      : this.codes("fp8e5m2", shape, 0x7f, 10 << 2, 20 << 2);
  }

  codes(dtype: Minifloat, shape: readonly number[], nan: number, low: number, high: number, bias?: number): ValueId {
    const sign = 1 << (DTYPE_BITS[dtype] - 1);
    const some = this.chance(0.1) ? 0.01 : 0;
    const data = allocate(dtype, elements(shape));
    for (let i = 0; i < data.length; i++) {
      const size = this.chance(some) ? nan : this.chance(0.1) ? 0 : this.int(low, high);
      data[i] = size + (this.chance(0.5) ? sign : 0);
    }
    return this.b.constant({ dtype, shape, ...(bias === undefined ? {} : { exponentBias: bias }) }, data);
  }

  minifloatTail(y: ValueId): void {
    if (elements(this.shape(y)) > this.most) return;
    this.floats.push(y);
    const r = this.next();
    if (r < 0.6) this.keep(this.node("toFixed", [y], { shift: this.int(-4, 12) }));
    else if (r < 0.8) this.fp8(y);
  }

  minifloatConv(rows: number): void {
    const images = [...this.pool, ...this.floats].filter((v) => this.shape(v).length === 4);
    if (images.length === 0) return;
    const x = this.minifloatOperand(this.pick(images));
    const [, c, h, w] = this.shape(x) as [number, number, number, number];
    const kernel = [this.int(1, Math.min(4, h + 1)), this.int(1, Math.min(4, w + 1))];
    const pads = Array.from({ length: 4 }, (_, i) => this.int(0, kernel[i % 2]! - 1));
    if (![0, 1].every((i) => kernel[i]! <= [h, w][i]! + pads[i]! + pads[i + 2]!)) return;
    const whole = c % (2 * rows) === 0 && this.chance(0.5);
    const groups = whole ? 2 : 1;
    const oc = whole ? 2 * rows : this.size();
    const inputs = [x, this.minifloatConstant(x, [oc, c / groups, ...kernel])];
    if (this.chance(0.6)) inputs.push(this.codes("dlfloat16", [oc], 0x7fff, 25 << 9, 36 << 9));
    const strides = [this.int(1, 2), this.int(1, 2)];
    const attrs = { strides, dilations: [1, 1], pads, groups, fill: 0, ...this.sumOrder(x, rows) };
    this.minifloatTail(this.node("conv", inputs, attrs));
  }

  /** A product with a constant, or with the transpose of a value of the same kind. */
  minifloatMatmul(rows: number): void {
    const matrices = [...this.pool, ...this.floats].filter(
      (v) => this.shape(v).length >= 2 && this.shape(v).length <= 4,
    );
    if (matrices.length === 0) return;
    const from = this.pick(matrices);
    const x = this.minifloatOperand(from);
    const shape = this.shape(x);
    const k = shape.at(-1)!;
    const perm = shape.map((_, i) => i);
    [perm[perm.length - 1], perm[perm.length - 2]] = [perm.at(-2)!, perm.at(-1)!];
    const batch = this.chance(0.8) ? [] : shape.slice(0, -2).map((b) => (this.chance(0.5) ? 1 : b));
    const right = this.chance(0.3)
      ? this.node("transpose", [x], { perm })
      : this.minifloatConstant(x, [...batch, k, this.size()]);
    const inputs = [x, right];
    if (this.chance(0.4)) inputs.push(this.codes("dlfloat16", [this.shape(right).at(-1)!], 0x7fff, 25 << 9, 36 << 9));
    this.minifloatTail(this.node("matmul", inputs, this.sumOrder(x, rows)));
  }

  /** Codes move like integers of their size. */
  minifloatMovement(): void {
    if (this.floats.length === 0) return;
    const x = this.pick(this.floats);
    const shape = this.shape(x);
    const axis = this.int(0, Math.max(0, shape.length - 1));
    const kinds = ["transpose", "slice", "concat", "pad"] as const;
    const kind = shape.length === 0 ? "reshape" : this.pick(kinds);
    let y: ValueId;
    if (kind === "reshape") y = this.node("reshape", [x], { shape: [1] });
    else if (kind === "transpose") y = this.node("transpose", [x], { perm: shape.map((_, i) => shape.length - 1 - i) });
    else if (kind === "concat") y = this.node("concat", [x, x], { axis });
    else if (kind === "pad")
      y = this.node("pad", [x], { pads: [...shape, ...shape].map(() => this.int(0, 1)), value: 0 });
    else {
      const starts = shape.map((n) => this.int(0, n - 1));
      const sizes = shape.map((n, i) => this.int(1, n - starts[i]!));
      y = this.node("slice", [x], { starts, steps: shape.map(() => 1), sizes });
    }
    if (elements(this.shape(y)) <= this.most) this.floats.push(y);
  }

  minifloat(rows: number): void {
    const r = this.next();
    if (r < 0.45) this.minifloatConv(rows);
    else if (r < 0.75) this.minifloatMatmul(rows);
    else this.minifloatMovement();
  }

  finish(): Graph {
    if (this.floats.length > 0 && this.chance(0.5)) this.pool.push(this.pick(this.floats));
    const outputs = new Set([this.pool[this.pool.length - 1]!, this.pick(this.pool)]);
    let i = 0;
    for (const value of outputs) this.b.output({ name: `y${i++}`, value, elementType: this.dtype(value) });
    return this.b.finish();
  }
}

/** A reproducible integer graph: the same seed and options give the same graph. */
export function randomGraph(seed: number, options: RandomGraphOptions): Graph {
  const g = new Grower(seed, options.most ?? 20000);
  g.input();
  if (g.chance(0.3)) g.input();
  const steps = options.steps;
  for (let i = 0; i < steps; i++) {
    if (options.rows !== undefined && g.chance(0.2)) {
      g.minifloat(options.rows);
      continue;
    }
    if (options.rows !== undefined && g.chance(0.03)) {
      g.heads(options.rows);
      continue;
    }
    const r = g.next();
    if (r < 0.3) g.conv();
    else if (r < 0.4) g.matmul();
    else if (r < 0.48) g.window();
    else if (r < 0.54) g.product();
    else if (r < 0.61) g.reduction();
    else if (r < 0.64) g.lookup();
    else if (r < 0.68) g.chain();
    else if (r < 0.8) g.elementwise();
    else g.movement();
  }
  return g.finish();
}
