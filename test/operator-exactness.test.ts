import {
  AccelcError,
  elements,
  type Graph,
  GraphBuilder,
  type Loc,
  type OpAttrs,
  type OpName,
  type Reduction,
  UNARY,
  type UnaryName,
  type ValueId,
} from "@accelc/ir";
import { machinePreset } from "@accelc/machine";
import { INTEGER_PASSES, quantize, runPasses } from "@accelc/passes";
import { describe, expect, it } from "vitest";
import { floatValues } from "../packages/passes/test/float-reference.js";
import { checkExact, random, randomOptions } from "./support/exactness.js";

const COUNT = Number(process.env.ACCELC_GRAPHS ?? 500);
const FIRST = Number(process.env.ACCELC_SEED ?? 1);
const LOC: Loc = { model: "random", node: "n", op: "Op" };
const machine = machinePreset("tandem-32x32");

/** A float graph of two or three non-GEMM operations over tensors of rank 1 to 6. */
class Grower {
  readonly b: GraphBuilder;
  private readonly next: () => number;
  private values = 0;

  constructor(seed: number) {
    this.b = new GraphBuilder(`operators ${seed}`);
    this.next = random(seed * 7919);
  }

  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }
  pick<T>(xs: readonly T[]): T {
    return xs[this.int(0, xs.length - 1)]!;
  }
  shape(v: ValueId): readonly number[] {
    return this.b.type(v).shape;
  }
  node<K extends OpName>(op: K, inputs: readonly ValueId[], attrs: OpAttrs[K]): ValueId {
    const id = `v${this.values++}`;
    return this.b.add(op, inputs, attrs, LOC, { id, source: id });
  }
  input(shape: readonly number[]): ValueId {
    const name = `x${this.values++}`;
    return this.b.input({ name, elementType: "float32" }, { dtype: "float32", shape });
  }

  step(x: ValueId): ValueId {
    const shape = this.shape(x);
    const axis = this.int(0, shape.length - 1);
    const axes = shape.map((_, i) => i).filter((i) => i === axis || this.next() < 0.3);
    const other = () => this.input(shape.map((n) => (this.next() < 0.3 ? 1 : n)));
    const kinds: readonly Reduction[] = ["sum", "mean", "max", "min", "l1", "l2", "sumSquare"];
    const steps: readonly (() => ValueId)[] = [
      () => this.unary(x),
      () => this.unary(x),
      () => this.node(this.pick(["add", "sub", "mul", "minimum", "maximum"] as const), [x, other()], {}),
      () => this.node("reduce", [x], { kind: this.pick(kinds), axes }),
      () => this.node("softmax", [x], { axis, log: this.next() < 0.3 }),
      () => this.node("cumSum", [x], { axis, exclusive: this.next() < 0.5, reverse: this.next() < 0.5 }),
      () => this.node("where", [this.node("compare", [x, other()], { kind: "lt" }), x, other()], {}),
      () => this.node("transpose", [x], { perm: shape.map((_, i) => (i + 1) % shape.length) }),
      () => this.node("reshape", [x], { shape: [elements(shape)] }),
    ];
    return this.pick(steps)();
  }

  private unary(x: ValueId): ValueId {
    const names = (Object.keys(UNARY) as UnaryName[]).filter((n) => !["log", "sqrt", "reciprocal"].includes(n));
    return this.node("unary", [x], { fn: this.pick(names), a: 0.7, b: 0.4 });
  }

  finish(value: ValueId): Graph {
    this.b.output({ name: "y", value, elementType: this.b.type(value).dtype });
    return this.b.finish();
  }
}

function randomOperators(seed: number): Graph {
  const g = new Grower(seed);
  const rank = 1 + (seed % 6);
  const most = rank <= 2 ? 40 : rank <= 4 ? 9 : 4;
  let x = g.input(Array.from({ length: rank }, () => g.int(1, most)));
  for (let i = g.int(1, 3); i > 0; i--) x = g.step(x);
  return g.finish(x);
}

function quantized(g: Graph, seed: number): Graph {
  const next = random(seed);
  const feed = new Map(
    g.inputs.map((p) => [
      p.name,
      Float32Array.from({ length: elements(g.values.get(p.value)!.type.shape) }, () => 4 * next() - 2),
    ]),
  );
  const ranges = new Map<string, { min: number; max: number }>();
  for (const [id, data] of floatValues(g, feed)) {
    const { source, type } = g.values.get(id)!;
    if (source === undefined || type.dtype !== "float32") continue;
    const all = Array.from(data as ArrayLike<number>, Number);
    ranges.set(source, { min: Math.min(...all), max: Math.max(...all) });
  }
  return quantize(g, { ranges }, { precision: "int8", weights: "max" });
}

describe("random operators of rank 1 to 6, quantized", () => {
  it(`emulator == evaluator on ${COUNT} graphs from seed ${FIRST}`, { timeout: 1_200_000 }, () => {
    console.log(`operator exactness: ${COUNT} random graphs, seeds ${FIRST} to ${FIRST + COUNT - 1}`);
    const failures: string[] = [];
    let refused = 0;
    for (let seed = FIRST; seed < FIRST + COUNT && failures.length < 3; seed++) {
      try {
        const integer = runPasses(quantized(randomOperators(seed), seed), INTEGER_PASSES, { machine });
        const { mismatches } = checkExact(integer, seed, machine, randomOptions(seed, machine));
        if (mismatches.length > 0) failures.push(`seed ${seed}: ${mismatches.slice(0, 3).join("; ")}`);
      } catch (e) {
        if (e instanceof AccelcError) refused++;
        else failures.push(`seed ${seed}: ${e instanceof Error ? e.stack?.split("\n").slice(0, 5).join(" | ") : e}`);
      }
    }
    console.log(`operator exactness: ${refused} graphs refused with a reason`);
    expect(failures).toEqual([]);
    expect(refused).toBeLessThan(COUNT / 20);
  });
});
