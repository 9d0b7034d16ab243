import { GraphBuilder, type OpAttrs, type OpName, type ValueId } from "@accelc/ir";
import { machinePreset } from "@accelc/machine";
import { describe, expect, it } from "vitest";
import { type BlockBound, lowerBound, planBlocks } from "../src/index.js";

const machine = machinePreset("tandem-32x32");
const loc = { model: "m", node: "n", op: "Op" };
const grid = { scale: [1], zeroPoint: 0, axis: null };

class Draft {
  readonly b = new GraphBuilder("bound");
  input(...shape: number[]): ValueId {
    return this.b.input({ name: "x", elementType: "int8" }, { dtype: "int8", shape, quant: grid });
  }
  weights(...shape: number[]): ValueId {
    const data = new Int8Array(shape.reduce((a, b) => a * b, 1)).fill(1);
    return this.b.constant({ dtype: "int8", shape, quant: grid }, data);
  }
  words(...shape: number[]): ValueId {
    const data = new Int32Array(shape.reduce((a, b) => a * b, 1)).fill(1 << 20);
    return this.b.constant({ dtype: "int32", shape }, data);
  }
  add<K extends OpName>(op: K, inputs: readonly ValueId[], attrs: OpAttrs[K]): ValueId {
    return this.b.add(op, inputs, attrs, loc);
  }
  conv(x: ValueId, w: ValueId, pad: number, groups = 1): ValueId {
    const pads = [pad, pad, pad, pad];
    return this.add("conv", [x, w], { strides: [1, 1], dilations: [1, 1], pads, groups, fill: 0 });
  }
  requantize(acc: ValueId, channels: number): ValueId {
    const scaled = this.add("imul", [acc, this.words(1, channels, 1, 1)], { shift: 28 });
    const relu = this.add("imax", [scaled, this.words()], {});
    return this.b.add("narrow", [relu], { shift: 4, bits: 8 }, loc, { quant: grid });
  }
}

function boundOf(build: (d: Draft) => ValueId): readonly BlockBound[] {
  const d = new Draft();
  const y = build(d);
  d.b.output({ name: "y", value: y, elementType: d.b.type(y).dtype });
  const graph = d.b.finish();
  return lowerBound(graph, planBlocks(graph, machine).program, machine).blocks;
}

describe("lower bound", () => {
  it("of a look-up is the rows that are taken, not the table", () => {
    const blocks = boundOf((d) => {
      const indices = d.b.input({ name: "i", elementType: "int32" }, { dtype: "int32", shape: [3] });
      return d.add("gather", [d.weights(1000, 64), indices], { axis: 0 });
    });
    expect(blocks.reduce((n, b) => n + b.dramBytes, 0)).toBe(3 * 64 + 3 * 4 + 3 * 64);
  });

  it("of a convolution of int4 or int2 is its multiply-accumulates at their rate", () => {
    for (const [bits, perPass] of [
      [4, 64],
      [2, 128],
    ] as const) {
      const blocks = boundOf((d) => {
        const dtype = bits === 4 ? "int4" : "int2";
        const x = d.add("pack", [d.input(1, 128, 14, 14)], { bits });
        const w = d.b.constant({ dtype, shape: [64, 128, 3, 3], quant: grid }, new Int8Array(64 * 128 * 9).fill(1));
        return d.requantize(d.conv(x, w, 1), 64);
      });
      const macs = 64 * 14 * 14 * 128 * 9;
      expect(blocks.at(-1)).toMatchObject({ macs, systolic: macs / (32 * perPass) });
    }
  });

  it("of a convolution is its multiply-accumulates at the peak; requantization with ReLU is two instructions", () => {
    const [b] = boundOf((d) => d.requantize(d.conv(d.input(1, 64, 14, 14), d.weights(64, 64, 3, 3), 1), 64));
    const rows = (64 * 14 * 14) / 32;
    const macs = 64 * 14 * 14 * 64 * 9;
    expect(b).toMatchObject({ macs, systolic: macs / 1024, vectorInstructions: 2 * rows, tandem: 2 * rows });
    expect(b!.cycles).toBe(b!.systolic);
    // Input and output once, weights, and 64 multipliers, the bound of the maximum.
    expect(b!.dramBytes).toBe(2 * 64 * 14 * 14 + 64 * 64 * 9 + 4 * 64);
  });

  it("of a depthwise convolution is a cycle per tap and row", () => {
    const [b] = boundOf((d) => d.requantize(d.conv(d.input(1, 64, 14, 14), d.weights(64, 1, 3, 3), 1, 64), 64));
    expect(b).toMatchObject({ systolic: (9 * 64 * 14 * 14) / 32, macs: 64 * 14 * 14 * 9 });
  });

  it("of a 3x3 maximum is eight instructions, of a division all its cycles", () => {
    const window = { kernel: [3, 3], strides: [2, 2], dilations: [1, 1], pads: [0, 0, 0, 0] };
    const [pool] = boundOf((d) => d.add("iwindow", [d.input(1, 32, 9, 9)], { kind: "max", fill: 0, ...window }));
    expect(pool).toMatchObject({ macs: 0, vectorInstructions: 8 * 16 });
    const [div] = boundOf((d) => {
      const x = d.input(1, 32, 8, 8);
      return d.add("idiv", [x, d.words()], {});
    });
    expect(div).toMatchObject({ vectorInstructions: 64, tandem: 64 * 52 });
  });

  it("of a product bound by its weights is less by what a half of WBUF and of BBUF takes under the block before", () => {
    const blocks = boundOf((d) => {
      const x = d.add("idiv", [d.input(1, 2048), d.words()], {});
      return d.add(
        "matmul",
        [d.b.add("narrow", [x], { shift: 4, bits: 8 }, loc, { quant: grid }), d.weights(2048, 512)],
        {},
      );
    });
    const last = blocks.at(-1)!;
    expect(last.dramBytes).toBe(2048 * 512 + 4 * 512);
    expect(last).toMatchObject({ dram: 2048 * 8 + 32, ahead: (120 * 1024 + 64 * 128) / 64 });
    expect(last.cycles).toBe(last.dram - last.ahead);
  });
});
