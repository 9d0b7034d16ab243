import { type Graph, GraphBuilder, type Loc } from "@accelc/ir";
import { machinePreset } from "@accelc/machine";
import { INTEGER_PASSES, planBlocks, runPasses } from "@accelc/passes";
import { describe, expect, it } from "vitest";
import { checkExact, random, randomData } from "./support/exactness.js";

const COUNT = Number(process.env.ACCELC_GRAPHS ?? 100);
const FIRST = Number(process.env.ACCELC_SEED ?? 1);
const loc: Loc = { model: "packing", node: "n", op: "Conv" };
const grid = { scale: [1], zeroPoint: 0, axis: null };

/** Convolutions of few channels over one image: any kernel, stride, dilation, padding and group count; batches; a pool. */
function packable(seed: number): Graph {
  const next = random(seed);
  const int = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  const pick = <T>(xs: readonly T[]): T => xs[int(0, xs.length - 1)]!;
  const b = new GraphBuilder(`packing ${seed}`);
  const [n, c, h, w] = [int(1, 3), pick([1, 2, 3, 3, 4, 6, 9, 12]), int(3, 40), int(3, 40)];
  const x = b.input({ name: "x", elementType: "int8" }, { dtype: "int8", shape: [n, c, h, w], quant: grid });
  const data = (low: number, high: number, shape: readonly number[], dtype: "int8" | "int32") =>
    b.constant(
      dtype === "int8" ? { dtype, shape, quant: grid } : { dtype, shape },
      randomData(
        dtype,
        shape.reduce((p, q) => p * q, 1),
        next,
        low,
        high,
      ),
    );
  for (let k = int(1, 2); k > 0; k--) {
    const kernel = [int(1, Math.min(7, h)), int(1, Math.min(7, w))];
    const dilations = kernel.map((size, i) => ((size - 1) * 2 + 1 <= [h, w][i]! ? pick([1, 1, 1, 2]) : 1));
    const strides = [int(1, 4), int(1, 4)];
    const pads = Array.from({ length: 4 }, (_, i) => int(0, kernel[i % 2]! - 1));
    const groups = pick([1, 1, 1, c]);
    const oc = groups === 1 ? pick([1, 5, 8, 16, 33]) : groups * int(1, 3);
    const weights = data(-128, 127, [oc, c / groups, ...kernel], "int8");
    const bias = next() < 0.7 ? [data(-9999, 9999, [oc], "int32")] : [];
    const attrs = { strides, dilations, pads, groups, fill: int(-128, 127) };
    const sum = b.add("conv", [x, weights, ...bias], attrs, loc);
    const scale = data(1 << 16, 1 << 22, [1, oc, 1, 1], "int32");
    const scaled = b.add("imul", [sum, scale], { shift: int(20, 28) }, loc);
    let y = b.add("narrow", [scaled], { shift: int(0, 4), bits: 8 }, loc, { quant: grid });
    const [, , oh, ow] = b.type(y).shape as [number, number, number, number];
    if (oh >= 2 && ow >= 2 && next() < 0.3) {
      const pool = { kind: "max", kernel: [2, 2], strides: [2, 2], dilations: [1, 1], pads: [0, 0, 0, 0], fill: 0 };
      y = b.add("iwindow", [y], pool as never, loc);
    }
    b.output({ name: `y${k}`, elementType: "int8", value: y });
  }
  return b.finish();
}

const machines = [machinePreset("tandem-32x32"), machinePreset("tandem-8x8"), machinePreset("tandem-16x16")];
const machineOf = (seed: number) => machines[seed % machines.length]!;

describe("packed windows", () => {
  it(`emulator == evaluator on ${COUNT} graphs from seed ${FIRST}, packed or not`, { timeout: 1_200_000 }, () => {
    console.log(`packing: ${COUNT} random graphs, seeds ${FIRST} to ${FIRST + COUNT - 1}`);
    const failures: string[] = [];
    for (let seed = FIRST; seed < FIRST + COUNT && failures.length < 3; seed++)
      for (const [engine, pack] of [
        ["fast", true],
        ["reference", true],
        ["fast", undefined],
      ] as const) {
        const options = { fuse: seed % 7 !== 0, ...(pack === undefined ? {} : { pack }) };
        const { mismatches } = checkExact(packable(seed), seed, machineOf(seed), options, engine);
        if (mismatches.length > 0) failures.push(`seed ${seed}, ${engine}, pack ${pack}: ${mismatches.join("; ")}`);
      }
    expect(failures).toEqual([]);
  });

  it("are chosen by cost: for a first convolution of 3 channels, not for one of 31", () => {
    const packs = (channels: number): boolean => {
      const b = new GraphBuilder("cost");
      const x = b.input(
        { name: "x", elementType: "int8" },
        { dtype: "int8", shape: [1, channels, 32, 32], quant: grid },
      );
      const shape = [32, channels, 3, 3];
      const w = b.constant({ dtype: "int8", shape, quant: grid }, new Int8Array(288 * channels).fill(1));
      const attrs = { strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1], groups: 1, fill: 0 };
      b.output({ name: "y", elementType: "int32", value: b.add("conv", [x, w], attrs, loc) });
      const machine = machinePreset("tandem-32x32");
      const { program } = planBlocks(runPasses(b.finish(), INTEGER_PASSES, { machine }), machine);
      return program.blocks.some((block) => block.kind === "compute" && block.gemm?.pack);
    };
    expect([packs(3), packs(31)]).toEqual([true, false]);
  });
});
