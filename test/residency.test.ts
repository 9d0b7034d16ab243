import { measureOn } from "@accelc/compiler";
import { type Graph, GraphBuilder, type Loc, type ValueId } from "@accelc/ir";
import { loadMachine, type MachineDescription, machinePreset } from "@accelc/machine";
import { explain, INTEGER_PASSES, type Plan, planBlocks, runPasses } from "@accelc/passes";
import { describe, expect, it } from "vitest";
import { checkExact, random, randomData } from "./support/exactness.js";

const COUNT = Number(process.env.ACCELC_GRAPHS ?? 120);
const FIRST = Number(process.env.ACCELC_SEED ?? 1);
const loc: Loc = { model: "residency", node: "n", op: "Conv" };
const grid = { scale: [1], zeroPoint: 0, axis: null };

/** Layers one after another, all int8 between them. */
class Net {
  readonly b: GraphBuilder;
  readonly next: () => number;

  constructor(seed: number) {
    this.b = new GraphBuilder(`residency ${seed}`);
    this.next = random(seed);
  }

  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  pick<T>(xs: readonly T[]): T {
    return xs[this.int(0, xs.length - 1)]!;
  }

  input(shape: readonly number[]): ValueId {
    return this.b.input({ name: "x", elementType: "int8" }, { dtype: "int8", shape, quant: grid });
  }

  output(value: ValueId, name: string): void {
    this.b.output({ name, elementType: "int8", value });
  }

  data(dtype: "int8" | "int32", shape: readonly number[], low: number, high: number): ValueId {
    const n = shape.reduce((p, q) => p * q, 1);
    const type = dtype === "int8" ? { dtype, shape, quant: grid } : { dtype, shape };
    return this.b.constant(type, randomData(dtype, n, this.next, low, high));
  }

  narrow(v: ValueId, shift: number): ValueId {
    return this.b.add("narrow", [v], { shift, bits: 8 }, loc, { quant: grid });
  }

  conv(
    x: ValueId,
    oc: number,
    [kernel, strides, dilations, pads, groups]: readonly [number[], number[], number[], number[], number],
    residual?: ValueId,
  ): ValueId {
    const c = this.b.type(x).shape[1]!;
    const w = this.data("int8", [oc, c / groups, ...kernel], -128, 127);
    const bias = this.data("int32", [oc], -9999, 9999);
    const attrs = { strides, dilations, pads, groups, fill: this.int(-128, 127) } as never;
    const sum = this.b.add("conv", [x, w, bias], attrs, loc);
    const scale = this.data("int32", [1, oc, 1, 1], 1 << 16, 1 << 22);
    const scaled = this.b.add("imul", [sum, scale], { shift: this.int(22, 28) }, loc);
    if (!residual) return this.narrow(scaled, this.int(0, 4));
    const factor = this.b.constant({ dtype: "int32", shape: [] }, Int32Array.of(this.int(1, 99)));
    return this.narrow(this.b.add("imacc", [scaled, residual, factor], {}, loc), this.int(0, 4));
  }

  matmul(x: ValueId, n: number): ValueId {
    const k = this.b.type(x).shape.at(-1)!;
    return this.narrow(this.b.add("matmul", [x, this.data("int8", [k, n], -128, 127)], {}, loc), this.int(4, 10));
  }
}

/** Convolutions of any kernel, stride, padding and groups; residuals, pools, chains between them, outputs in the middle. */
function images(seed: number): Graph {
  const net = new Net(seed);
  const { b } = net;
  const channels = () => net.pick([3, 8, 16, 17, 24, 32, 40, 64, 70]);
  let x = net.input([net.pick([1, 1, 1, 2]), channels(), net.int(3, 15), net.int(3, 15)]);
  const depth = net.int(2, 6);
  for (let k = 0; k < depth; k++) {
    const [, c, h, w] = b.type(x).shape as [number, number, number, number];
    const kernel = [h, w].map((size) => net.int(1, Math.min(3, size)));
    const dilations = kernel.map((size, i) => ((size - 1) * 2 < [h, w][i]! ? net.pick([1, 1, 1, 2]) : 1));
    const groups = net.pick([1, 1, 1, c, c % 2 === 0 ? 2 : 1]);
    const oc = groups === 1 ? channels() : groups * net.pick([1, 1, 2]);
    const pads = Array.from({ length: 4 }, (_, i) => net.int(0, kernel[i % 2]! - 1));
    const same = kernel.flatMap((size, i) => ((size - 1) * dilations[i]!) % 2);
    const keeps = same.every((odd) => odd === 0) && net.next() < 0.4;
    const half = kernel.map((size, i) => ((size - 1) * dilations[i]!) / 2);
    const y = keeps
      ? net.conv(x, c, [kernel, [1, 1], dilations, [...half, ...half], net.pick([1, c])], x)
      : net.conv(x, oc, [kernel, [net.int(1, 2), net.int(1, 2)], dilations, pads, groups]);
    if (net.next() < 0.15) net.output(y, `y${k}`);
    x = y;
    const [, , oh, ow] = b.type(x).shape as [number, number, number, number];
    const pool = { kind: "max", kernel: [2, 2], strides: [2, 2], dilations: [1, 1], pads: [0, 0, 0, 0], fill: -128 };
    if (oh >= 4 && ow >= 4 && net.next() < 0.2) x = b.add("iwindow", [x], pool as never, loc);
    else if (net.next() < 0.2) x = net.narrow(b.add("iadd", [x, x], {}, loc), 1);
  }
  net.output(x, "y");
  return b.finish();
}

/** Matrix products of any rank and size, element-wise operations and reductions between them. */
function matrices(seed: number): Graph {
  const net = new Net(seed);
  const { b } = net;
  const width = () => net.pick([8, 16, 20, 32, 33, 64, 96]);
  const lead = net.pick([[5], [17], [40], [2, 9], [3, 2, 5]]);
  let x = net.input([...lead, width()]);
  const depth = net.int(2, 5);
  for (let k = 0; k < depth; k++) {
    x = net.matmul(x, width());
    const axes = [b.type(x).shape.length - 1];
    const behind = net.next();
    if (behind < 0.3) {
      const most = b.add("ireduce", [x], { kind: "max", axes, keepdims: true } as never, loc);
      x = net.narrow(b.add("isub", [x, most], {}, loc), 1);
    } else if (behind < 0.5) x = net.narrow(b.add("iadd", [x, x], {}, loc), 1);
    if (net.next() < 0.15) net.output(x, `y${k}`);
  }
  net.output(x, "y");
  return b.finish();
}

const small = loadMachine({ extends: "tandem-8x8", name: "little-ibuf", buffers: { ibufRows: 256 } });
const machines = [machinePreset("tandem-32x32"), machinePreset("tandem-8x8"), small, machinePreset("tandem-16x16")];

type Planned = Plan & { readonly explained: string };

function planned(graph: Graph, machine: MachineDescription, residency?: boolean): Planned {
  const lowered = runPasses(graph, INTEGER_PASSES, { machine });
  const plan = planBlocks(lowered, machine, {
    measure: measureOn(machine),
    ...(residency === undefined ? {} : { residency }),
  });
  return { ...plan, explained: explain(plan, "memory", lowered, machine) };
}

const cycles = (p: Plan): number => p.costs.reduce((sum, c) => sum + c!.cycles, 0);
const kept = (p: Plan) => p.residencies.filter((r) => r.place === "IBUF");

describe.each([
  ["convolutions", images],
  ["matrix products", matrices],
] as const)("chains of %s", (_, make) => {
  it(`emulator == evaluator on ${COUNT} graphs from seed ${FIRST}, tensors kept on chip or not`, {
    timeout: 1_200_000,
  }, () => {
    const failures: string[] = [];
    let links = 0;
    for (let seed = FIRST; seed < FIRST + COUNT && failures.length < 3; seed++) {
      const machine = machines[seed % machines.length]!;
      const graph = make(seed);
      for (const [engine, residency] of [
        ["fast", true],
        ["reference", true],
        ["fast", false],
      ] as const) {
        const options = { residency, fuse: seed % 7 !== 0 };
        const { mismatches } = checkExact(graph, seed, machine, options, engine);
        if (mismatches.length > 0)
          failures.push(`seed ${seed}, ${engine}, residency ${residency}: ${mismatches.join("; ")}`);
      }
      links += kept(planned(graph, machine, true)).length;
    }
    console.log(`residency: ${COUNT} graphs, seeds ${FIRST} to ${FIRST + COUNT - 1}: ${links} tensors kept on chip`);
    expect(failures).toEqual([]);
    expect(links).toBeGreaterThan(COUNT / 2);
  });
});

describe("what stays on chip", () => {
  const [machine] = machines as [MachineDescription];
  const pair = [[3, 3], [1, 1], [1, 1], [1, 1, 1, 1], 1] as const;
  const chain = (size: number, read = false): Graph => {
    const net = new Net(7);
    const first = net.conv(net.input([1, 32, size, size]), 32, pair as never);
    if (read) net.output(first, "first");
    net.output(net.conv(first, 32, pair as never), "y");
    return net.b.finish();
  };

  it("is chosen by cost, which never grows", () => {
    for (let seed = 1; seed <= 12; seed++) {
      const graph = seed % 3 === 0 ? matrices(seed) : images(seed);
      const on = machines[seed % machines.length]!;
      const [free, off] = [planned(graph, on), planned(graph, on, false)];
      expect(kept(off)).toEqual([]);
      expect(cycles(free)).toBeLessThanOrEqual(cycles(off));
    }
    const [free, off] = [planned(chain(14), machine), planned(chain(14), machine, false)];
    expect(kept(free)).toHaveLength(1);
    expect(cycles(free)).toBeLessThan(cycles(off) - 2 * machine.dram.latencyCycles);
  });

  it("is no tensor in DRAM unless somebody else reads it", () => {
    const values = (p: Plan) => p.program.tensors.map((t) => t.value);
    const [alone, shared] = [planned(chain(14), machine), planned(chain(14, true), machine)];
    const [link] = kept(alone);
    expect(link).toMatchObject({ from: 0, to: 1, shared: false, rows: 16 * 16 });
    const [name] = alone.program.blocks;
    expect(values(alone)).not.toContain(name!.name);
    expect(kept(shared)).toMatchObject([{ from: 0, to: 1, shared: true }]);
    expect(values(shared)).toContain(name!.name);
    expect(alone.explained).toMatch(/reads its input in IBUF, 256 rows from row \d+, where block 0 writes it\n/);
    expect(shared.explained).toMatch(/where block 0 writes it, and to DRAM\n/);
  });

  it("is refused with the rows it needs", () => {
    const text = planned(chain(56), machine).explained;
    expect(text).toMatch(/block 0 .* from DRAM: an input of the network\n/);
    expect(text).toMatch(
      /block 1 .* from DRAM: needs 33\d\d rows of IBUF beside \d+ for its producer's loads, has 2048\n/,
    );
  });
});
