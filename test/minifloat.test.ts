import { allocate, DTYPE_BITS, elements, type Graph, GraphBuilder, type Minifloat, type TensorType } from "@accelc/ir";
import { loadMachine, type MachineDescription, machinePreset } from "@accelc/machine";
import { planBlocks } from "@accelc/passes";
import { describe, expect, it } from "vitest";
import { checkExact, random } from "./support/exactness.js";

const SEED = 20261120;
const loc = { model: "minifloat", node: "sum", op: "Conv" };
const full = machinePreset("tandem-32x32");
/** So small that reductions come in several tiles, kernel rows among them. */
const small = loadMachine({
  extends: "tandem-8x8",
  name: "small",
  buffers: { ibufRows: 160, wbufBlocks: 16, bbufRows: 8, obufRows: 64 },
});

interface Case {
  readonly machine: MachineDescription;
  readonly type: Minifloat;
  readonly shape: readonly [number, number, number, number];
  readonly oc: number;
  readonly kernel: readonly [number, number];
  readonly chunk: number;
  readonly groups?: number;
  readonly pads?: number;
  readonly fill?: number;
  readonly pass?: number;
}

const typeOf = (dtype: Minifloat, shape: readonly number[], exponentBias = 11): TensorType =>
  dtype === "fp8e4m3" ? { dtype, shape, exponentBias } : { dtype, shape };

/** x to minifloats, a convolution, its sums to fixed point. */
function convolution({ machine, type, shape, oc, kernel, chunk, groups = 1, pads = 0, fill = 0, pass }: Case): Graph {
  const next = random(SEED);
  const b = new GraphBuilder("sum");
  const grid = { scale: [1], zeroPoint: 0, axis: null };
  const x = b.input({ name: "x", elementType: "int8" }, { dtype: "int8", shape, quant: grid });
  let y = b.add("toDlfloat", [x], { shift: 5 }, loc);
  if (type !== "dlfloat16") y = b.add("toFp8", [y], { format: type, bias: type === "fp8e4m3" ? 11 : 15 }, loc);
  const codes = (t: TensorType, low: number, high: number) => {
    const data = allocate(t.dtype, elements(t.shape));
    const sign = 2 ** (DTYPE_BITS[t.dtype] - 1);
    for (let i = 0; i < data.length; i++) data[i] = low + Math.floor(next() * (high - low)) + (next() < 0.5 ? sign : 0);
    return b.constant(t, data);
  };
  const wide = type === "dlfloat16";
  const weights = codes(typeOf(type, [oc, shape[1] / groups, ...kernel], 13), wide ? 24 << 9 : 40, wide ? 31 << 9 : 90);
  const bias = codes(typeOf("dlfloat16", [oc]), 28 << 9, 34 << 9);
  const { rows } = machine.array;
  const sum = b.add(
    "conv",
    [y, weights, bias],
    {
      strides: [1, 1],
      dilations: [1, 1],
      pads: [pads, pads, pads, pads],
      groups,
      fill,
      pass: pass ?? (wide ? rows / 2 : rows),
      chunk,
    },
    loc,
  );
  const out = b.add("toFixed", [sum], { shift: 8 }, loc);
  b.output({ name: "y", value: out, elementType: "int32" });
  return b.finish();
}

const gemmOf = (c: Case) => {
  const blocks = planBlocks(convolution(c), c.machine).program.blocks.filter((b) => b.kind === "compute");
  return blocks.flatMap((b) => b.gemm ?? [])[0]!;
};

describe("sums of minifloats", () => {
  const types: readonly Minifloat[] = ["dlfloat16", "fp8e4m3", "fp8e5m2"];
  const shapes = [
    { shape: [2, 40, 6, 5], oc: 11, kernel: [2, 2], pads: 1 },
    { shape: [1, 3, 9, 8], oc: 20, kernel: [4, 4], pads: 0 },
    { shape: [3, 16, 5, 5], oc: 8, kernel: [1, 3], pads: 0 },
    { shape: [1, 16, 7, 4], oc: 16, kernel: [2, 2], pads: 1, groups: 2 },
  ] as const;
  it.each(types.flatMap((type) => shapes.map((s) => ({ type, ...s }))))(
    "$type [$shape], kernel $kernel: the tiles of a small machine keep the order",
    (s) => {
      for (const chunk of [1, 8, 64]) {
        const graph = convolution({ machine: small, chunk, ...s });
        for (const engine of ["fast", "reference"] as const)
          expect(checkExact(graph, SEED, small, {}, engine).mismatches).toEqual([]);
      }
    },
  );

  it("FP16 takes two passes per block of channels, fewer where there are none; kernel rows are tiled by whole parts", () => {
    const shape = [1, 40, 6, 5] as const;
    const base = { machine: small, oc: 8, chunk: 64 } as const;
    expect(gemmOf({ ...base, type: "dlfloat16", shape, kernel: [1, 1] }).operands.passes).toBe(2);
    expect(gemmOf({ ...base, type: "dlfloat16", shape: [1, 3, 9, 8], kernel: [3, 1] }).operands.passes).toBe(1);
    const tall = gemmOf({ ...base, type: "fp8e4m3", shape: [1, 40, 14, 5], kernel: [6, 3] });
    expect([tall.ic.tile, tall.kh.tile < 6, 6 % tall.kh.tile]).toEqual([1, true, 0]);
  });

  const refused: readonly (readonly [what: string, change: Partial<Case>, message: RegExp])[] = [
    ["passes of another machine", { pass: 8 }, /passes of 8; a pass of machine tandem-32x32 has 16/],
    ["chunks that FORMAT cannot say", { chunk: 48 }, /chunks of 48/],
    ["groups to be joined", { groups: 2 }, /2 groups of 20 to 4 channels/],
    ["padding of two bytes", { pads: 1, fill: 0x3e00 }, /padding with code 15872/],
    ["ties that round up", { machine: { ...full, ties: "up" } }, /those of machine tandem-32x32 up/],
    ["a machine without them", { machine: withoutFp16() }, /has no dlfloat16 operands/],
  ];
  it.each(refused)("refuses %s", (_, change, message) => {
    const base = { machine: full, type: "dlfloat16", shape: [1, 40, 6, 5], oc: 8, kernel: [3, 3], chunk: 64 } as const;
    const c: Case = { ...base, ...change };
    expect(() => planBlocks(convolution(c), c.machine)).toThrow(message);
  });
});

function withoutFp16(): MachineDescription {
  return { ...full, array: { ...full.array, formats: { ...full.array.formats, fp16: 0 } } };
}
