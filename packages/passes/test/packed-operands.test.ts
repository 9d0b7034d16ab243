import {
  AccelcError,
  type DType,
  type Graph,
  GraphBuilder,
  graphProblems,
  laneLayout,
  physicalDims,
  physicalElements,
  type ValueId,
} from "@accelc/ir";
import { type MachineDescription, machinePreset } from "@accelc/machine";
import { describe, expect, it } from "vitest";
import { operandForm } from "../src/blocks/operands.js";
import { plainDim, splitLanes } from "../src/blocks/space.js";
import { groupShape, weightImage } from "../src/blocks/weights.js";
import { planBlocks } from "../src/index.js";

const machine = machinePreset("tandem-32x32");
const loc = { model: "m", node: "n", op: "Conv" };
const grid = { scale: [1], zeroPoint: 0, axis: null };
const form = (type: DType, m: MachineDescription = machine) => operandForm(type, m, loc);

class Draft {
  readonly b = new GraphBuilder("packed");
  input(...shape: number[]): ValueId {
    return this.b.input({ name: "x", elementType: "int8" }, { dtype: "int8", shape, quant: grid });
  }
  pack(x: ValueId, bits: 4 | 2 = 4): ValueId {
    return this.b.add("pack", [x], { bits }, loc);
  }
  conv(x: ValueId, oc: number): ValueId {
    const { dtype, shape } = this.b.type(x);
    const w = this.b.constant({ dtype, shape: [oc, shape[1]!, 1, 1], quant: grid }, new Int8Array(oc * shape[1]!));
    const attrs = { strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], groups: 1, fill: 0 };
    return this.b.add("conv", [x, w], attrs, loc);
  }
  narrow(x: ValueId): ValueId {
    return this.b.add("narrow", [x], { shift: 4, bits: 4 }, loc, { quant: grid });
  }
  graph(y: ValueId): Graph {
    this.b.output({ name: "y", value: y, elementType: this.b.type(y).dtype });
    return this.b.finish();
  }
}

function errorOf(run: () => unknown): AccelcError {
  try {
    run();
  } catch (e) {
    if (e instanceof AccelcError) return e;
    throw e;
  }
  throw new Error("no error");
}

describe("packed operands", () => {
  it("have 2 and 4 times as many channels in a block", () => {
    expect([form("int8"), form("int4"), form("int2")].map((f) => f.perPass)).toEqual([32, 64, 128]);
    expect(physicalDims([1, 96, 2, 3], laneLayout(1, 2), 32)).toEqual([
      { axis: 0, div: 1, extent: 1, stride: 768 },
      { axis: 1, div: 64, extent: 2, stride: 384 },
      { axis: 2, div: 1, extent: 2, stride: 192 },
      { axis: 3, div: 1, extent: 3, stride: 64 },
      { axis: 1, div: 1, extent: 64, stride: 1 },
    ]);
    expect(physicalElements([1, 96, 2, 3], laneLayout(1, 4), 32)).toBe(128 * 6);
  });

  it("have weights of neighbouring channels in a byte, low bits first", () => {
    const data = Int8Array.of(1, -2, 3, -4, 5, -6);
    const source = { data, strides: [3, 1] as const, oc: 2, icg: 3, groups: 1, kh: 1, kw: 1 };
    const image = weightImage(source, groupShape(1, 3, 2, 32, 64), 32, form("int4"));
    expect(image.length).toBe(1024);
    // Byte 0 of column m: channels 0 and 1; byte 1: channel 2.
    expect([...image.subarray(0, 3)]).toEqual([0xe1, 0x5c, 0]);
    expect([...image.subarray(32, 35)]).toEqual([0x03, 0x0a, 0]);
    const codes = { ...source, data: Int8Array.of(1, -2, -1, 0, 1, 1) };
    expect([...weightImage(codes, groupShape(1, 3, 2, 32, 128), 32, form("int2")).subarray(0, 2)]).toEqual([
      0x39, 0x14,
    ]);
  });

  it("join channel groups to blocks of inputs and of outputs", () => {
    expect(groupShape(128, 1, 1, 32, 64)).toEqual({ groups: 2, icBlocks: 1, ocBlocks: 2, joined: 64 });
    expect(groupShape(4, 32, 32, 32, 64)).toEqual({ groups: 2, icBlocks: 1, ocBlocks: 2, joined: 2 });
    expect(groupShape(3, 32, 32, 32, 64)).toEqual({ groups: 1, icBlocks: 2, ocBlocks: 3, joined: 3 });
  });

  it("split a space where its blocks of lanes divide, or are fewer than a wide block has", () => {
    const split = (blocks: number, factor: number) => {
      const dims = [plainDim("n", 0, 1), plainDim("oc", 1, blocks), plainDim("h", 2, 5)];
      return splitLanes({ before: [1, 32 * blocks, 5], layout: laneLayout(1), dims }, factor, 8)?.dims.map(
        (d) => d.extent,
      );
    };
    expect(split(4, 2)).toEqual([1, 2, 5, 2]);
    expect(split(3, 2)).toBeUndefined();
    expect(split(3, 4)).toEqual([1, 1, 5, 3]);
    expect(split(1, 2)).toEqual([1, 1, 5, 1]);
  });

  it("are stored by the block that computes them, without a copy or an instruction", () => {
    const d = new Draft();
    const first = d.narrow(d.conv(d.input(1, 64, 8, 8), 64));
    const { program } = planBlocks(d.graph(d.narrow(d.conv(d.pack(first), 64))), machine);
    expect(program.blocks.map((b) => (b.kind === "compute" ? [b.gemm !== null, b.vector.ops.length] : b.kind))).toEqual(
      [
        [true, 1],
        [true, 1],
      ],
    );
  });

  it("are packed by blocks of their own where the producer cannot", () => {
    const d = new Draft();
    const first = d.narrow(d.conv(d.input(1, 64, 8, 8), 96));
    const { program } = planBlocks(d.graph(d.conv(d.pack(first), 64)), machine);
    expect(program.blocks.map((b) => b.kind === "compute" && b.vector.ops.length)).toEqual([1, 0, 0, 0]);
  });

  it("are refused where the machine lacks the format", () => {
    const { array } = machine;
    const without = { ...machine, name: "plain", array: { ...array, formats: { ...array.formats, int4: 0 } } };
    const d = new Draft();
    const e = errorOf(() => planBlocks(d.graph(d.conv(d.pack(d.input(1, 64, 8, 8)), 64)), without));
    expect(e.code).toBe("CG1002");
    expect(e.message).toBe("Conv cannot be lowered: the array of machine plain has no int4 operands");
  });

  it("are brought in weight order ahead of packing, as the right operand of a product of activations", () => {
    const d = new Draft();
    const x = d.pack(d.input(70, 70));
    const { program } = planBlocks(d.graph(d.b.add("matmul", [x, x], {}, loc)), machine);
    const [codes, weights] = program.tensors.filter((t) => t.layout.inner);
    expect(codes).toMatchObject({ bits: 8, shape: [70, 128], layout: { lane: 0, inner: { axis: 1, extent: 2 } } });
    expect(weights).toMatchObject({ bits: 4, shape: [70, 128] });
    expect(physicalDims([70, 128], weights!.layout, 32)).toEqual([
      { axis: 0, div: 32, extent: 3, stride: 4096 },
      { axis: 1, div: 2, extent: 64, stride: 64 },
      { axis: 0, div: 1, extent: 32, stride: 2 },
      { axis: 1, div: 1, extent: 2, stride: 1 },
    ]);
  });

  it("are no input or output of a graph", () => {
    const d = new Draft();
    expect(graphProblems(d.graph(d.pack(d.input(4, 4))), "integer")).toContain("y holds packed codes");
  });
});
