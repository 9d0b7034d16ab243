import { lower } from "@accelc/compiler";
import { type Graph, GraphBuilder, type Loc } from "@accelc/ir";
import { machinePreset } from "@accelc/machine";
import { describe, expect, it } from "vitest";
import { checkExact, random, randomData } from "./support/exactness.js";

const loc: Loc = { model: "kernels", node: "conv", op: "Conv" };
const grid = { scale: [1], zeroPoint: 0, axis: null };

interface Shape {
  readonly channels: readonly [input: number, output: number];
  readonly groups?: number;
  readonly size: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly strides?: readonly [number, number];
  readonly dilations?: readonly [number, number];
  readonly pads?: readonly [number, number, number, number];
  readonly batch?: number;
}

/** A convolution with bias, requantized. */
function convolution(s: Shape, seed: number): Graph {
  const next = random(seed);
  const [ic, oc] = s.channels;
  const { groups = 1, strides = [1, 1], dilations = [1, 1], pads = [0, 0, 0, 0], batch = 1 } = s;
  const b = new GraphBuilder("kernels");
  const type = { dtype: "int8", shape: [batch, ic, ...s.size], quant: grid } as const;
  const x = b.input({ name: "x", elementType: "int8" }, type);
  const shape = [oc, ic / groups, ...s.kernel];
  const count = shape.reduce((n, d) => n * d, 1);
  const w = b.constant({ dtype: "int8", shape, quant: grid }, randomData("int8", count, next, -8, 8), { id: "w" });
  const bias = b.constant({ dtype: "int32", shape: [oc] }, randomData("int32", oc, next), { id: "bias" });
  const attrs = { strides: [...strides], dilations: [...dilations], pads: [...pads], groups, fill: 3 };
  const acc = b.add("conv", [x, w, bias], attrs, loc, { id: "acc" });
  const y = b.add("narrow", [acc], { shift: 8, bits: 8 }, loc, { id: "y", quant: grid });
  b.output({ name: "y", value: y, elementType: "int8" });
  b.output({ name: "acc", value: acc, elementType: "int32" });
  return b.finish();
}

/** A row of FP8 taps, its sum in the order of the graph. */
function floats(width: number): Graph {
  const next = random(3);
  const b = new GraphBuilder("kernels");
  const x = b.input({ name: "x", elementType: "int8" }, { dtype: "int8", shape: [1, 20, 1, width + 6], quant: grid });
  const d = b.add("toDlfloat", [x], { shift: 5 }, loc, { id: "d" });
  const q = b.add("toFp8", [d], { format: "fp8e4m3", bias: 11 }, loc, { id: "q" });
  const shape = [32, 20, 1, width];
  const type = { dtype: "fp8e4m3", shape, exponentBias: 14 } as const;
  const w = b.constant(type, randomData("fp8e4m3", 640 * width, next, 0, 255), { id: "w" });
  const conv = { strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], groups: 1, fill: 0, pass: 32, chunk: 64 };
  const sum = b.add("conv", [q, w], conv, loc, { id: "sum" });
  const y = b.add("toFixed", [sum], { shift: 16 }, loc, { id: "y" });
  b.output({ name: "y", value: y, elementType: "int32" });
  return b.finish();
}

const CASES: { readonly [name: string]: Shape } = {
  "a row of 1024 taps": { channels: [33, 20], size: [1, 1040], kernel: [1, 1024] },
  "a row of 1024 taps, one channel": { channels: [1, 8], size: [1, 1100], kernel: [1, 1024], strides: [1, 3] },
  "padded, strided, ragged": {
    channels: [40, 70],
    size: [1, 400],
    kernel: [1, 151],
    strides: [1, 2],
    pads: [0, 75, 0, 75],
  },
  "dilated rows and columns": {
    channels: [8, 8],
    size: [6, 500],
    kernel: [3, 160],
    dilations: [2, 3],
    pads: [1, 5, 2, 9],
  },
  "groups and a batch": { channels: [24, 40], groups: 2, size: [2, 300], kernel: [2, 131], batch: 2 },
  "31 x 31, many channels": { channels: [96, 64], size: [33, 33], kernel: [31, 31], pads: [1, 1, 1, 1] },
};

function tiledColumns(g: Graph): number {
  const { blocks } = lower(g, machinePreset("tandem-32x32")).plan.program;
  return Math.max(0, ...blocks.map((b) => (b.kind === "compute" && b.gemm ? b.gemm.kw.count : 0)));
}

describe("kernels of which a row does not fit WBUF", () => {
  it.each(Object.entries(CASES))("%s", (_, shape) => {
    for (const name of ["tandem-32x32", "tandem-8x8"])
      expect(checkExact(convolution(shape, 1), 1, machinePreset(name), {}, "fast").mismatches, name).toEqual([]);
  });

  it("tile kernel columns", () => {
    expect(tiledColumns(convolution(CASES["a row of 1024 taps"]!, 1))).toBeGreaterThan(1);
    expect(tiledColumns(convolution(CASES["31 x 31, many channels"]!, 1))).toBe(1);
  });

  it("are exact on the reference engine, in 20 random shapes from seed 1", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const next = random(seed);
      const int = (lo: number, hi: number) => lo + Math.floor(next() * (hi - lo + 1));
      const kernel = [int(1, 2), int(121, 250)] as const;
      const dilations = [1, int(1, 2)] as const;
      const strides = [int(1, 2), int(1, 3)] as const;
      const pads = [0, int(0, 60), 0, int(0, 60)] as const;
      const width = (kernel[1] - 1) * dilations[1] + int(1, 12);
      const shape = {
        channels: [int(1, 40), int(1, 40)],
        size: [kernel[0] + int(0, 2), width],
        kernel,
        dilations,
        strides,
        pads,
        batch: int(1, 2),
      } as const;
      const r = checkExact(convolution(shape, seed), seed, machinePreset("tandem-32x32"), {}, "reference");
      expect(r.mismatches, `seed ${seed}: ${JSON.stringify(shape)}`).toEqual([]);
    }
  });

  it("keep the order of minifloat sums", () => {
    expect(tiledColumns(floats(160))).toBeGreaterThan(1);
    expect(checkExact(floats(160), 1, machinePreset("tandem-32x32"), {}, "fast").mismatches).toEqual([]);
  });
});
