import { GraphBuilder, type Loc } from "@accelc/ir";
import { describe, expect, it } from "vitest";
import { checkExact, random, randomData } from "./support/exactness.js";

const loc: Loc = { model: "test", node: "n", op: "Test" };
const q = { scale: [1], zeroPoint: 0, axis: null };

describe("one block at a time", () => {
  it("convolution with bias", () => {
    const next = random(1);
    const b = new GraphBuilder("conv");
    const x = b.input({ name: "x", elementType: "int8" }, { dtype: "int8", shape: [1, 3, 9, 11], quant: q });
    const w = b.constant({ dtype: "int8", shape: [5, 3, 3, 3], quant: q }, randomData("int8", 135, next));
    const bias = b.constant({ dtype: "int32", shape: [5] }, randomData("int32", 5, next, -1000, 1000));
    const y = b.add(
      "conv",
      [x, w, bias],
      { strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1], groups: 1, fill: 7 },
      loc,
      { id: "acc" },
    );
    b.output({ name: "y", value: y, elementType: "int32" });
    expect(checkExact(b.finish(), 2).mismatches).toEqual([]);
  });
  it("requantized convolution with residual and pooling", () => {
    const next = random(3);
    const b = new GraphBuilder("res");
    const x = b.input({ name: "x", elementType: "int8" }, { dtype: "int8", shape: [1, 40, 12, 12], quant: q });
    const w = b.constant({ dtype: "int8", shape: [40, 40, 3, 3], quant: q }, randomData("int8", 40 * 40 * 9, next));
    const acc = b.add(
      "conv",
      [x, w],
      { strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1], groups: 1, fill: 0 },
      loc,
    );
    const m = b.constant({ dtype: "int32", shape: [1, 40, 1, 1] }, randomData("int32", 40, next, 1 << 20, 1 << 24));
    const t = b.add("imul", [acc, m], { shift: 30 }, loc);
    const r = b.constant({ dtype: "int32", shape: [] }, Int32Array.of(77));
    const u = b.add("imacc", [t, x, r], {}, loc);
    const y = b.add("narrow", [u], { shift: 4, bits: 8 }, loc, { quant: q });
    const p = b.add(
      "iwindow",
      [y],
      { kind: "max", kernel: [2, 2], strides: [2, 2], dilations: [1, 1], pads: [0, 0, 0, 0], fill: -128 },
      loc,
    );
    b.output({ name: "p", value: p, elementType: "int8" });
    for (const fuse of [true, false]) expect(checkExact(b.finish(), 4, undefined, { fuse }).mismatches).toEqual([]);
  });
  it("matmul, movement", () => {
    const next = random(5);
    const b = new GraphBuilder("mm");
    const x = b.input({ name: "x", elementType: "int8" }, { dtype: "int8", shape: [2, 7, 70], quant: q });
    const w = b.constant({ dtype: "int8", shape: [70, 45], quant: q }, randomData("int8", 70 * 45, next));
    const acc = b.add("matmul", [x, w], {}, loc);
    const y = b.add("narrow", [acc], { shift: 6, bits: 8 }, loc, { quant: q });
    const t = b.add("transpose", [y], { perm: [2, 0, 1] }, loc);
    const r = b.add("reshape", [t], { shape: [3, 210] }, loc);
    const s = b.add("slice", [r], { starts: [2, 5], steps: [-1, 3], sizes: [3, 60] }, loc);
    const c = b.add("concat", [s, s], { axis: 1 }, loc);
    const d = b.add("pad", [c], { pads: [1, 2, 0, 3], value: -5 }, loc);
    b.output({ name: "d", value: d, elementType: "int8" });
    expect(checkExact(b.finish(), 6).mismatches).toEqual([]);
  });
});
