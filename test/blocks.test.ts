import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { lower } from "@accelc/compiler";
import { type Block, type DramTensor, type Graph, GraphBuilder, type Loc, printBlocks, verifyBlocks } from "@accelc/ir";
import { formatObject } from "@accelc/isa";
import { machinePreset } from "@accelc/machine";
import { describe, expect, it } from "vitest";
import { random, randomData } from "./support/exactness.js";

const loc = (node: string, op: string): Loc => ({ model: "golden", node, op });
const grid = { scale: [1], zeroPoint: 0, axis: null };
const machine = machinePreset("tandem-32x32");

function golden(name: string, actual: string): void {
  const path = fileURLToPath(new URL(`golden/blocks/${name}`, import.meta.url));
  if (process.env.UPDATE_GOLDEN === "1" && !process.env.CI) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, actual);
  }
  expect(actual, `${path}: UPDATE_GOLDEN=1 to accept`).toBe(existsSync(path) ? readFileSync(path, "utf8") : undefined);
}

const assembly = (g: Graph): string => {
  const text = formatObject(lower(g, machine).object);
  return text
    .split("\n")
    .filter((l) => /^\s+[a-z]/.test(l) || /^\w+:/.test(l))
    .join("\n");
};

/** A convolution with bias, residual add and requantization: the commonest block. */
function residual(): Graph {
  const next = random(1);
  const b = new GraphBuilder("residual");
  const x = b.input({ name: "x", elementType: "int8" }, { dtype: "int8", shape: [1, 64, 14, 14], quant: grid });
  const w = b.constant({ dtype: "int8", shape: [64, 64, 3, 3], quant: grid }, randomData("int8", 36864, next), {
    id: "w",
  });
  const bias = b.constant({ dtype: "int32", shape: [64] }, randomData("int32", 64, next), { id: "bias" });
  const conv = { strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1], groups: 1, fill: 0 };
  const acc = b.add("conv", [x, w, bias], conv, loc("conv", "Conv"), { id: "acc" });
  const m = b.constant({ dtype: "int32", shape: [1, 64, 1, 1] }, randomData("int32", 64, next, 1, 1 << 20), {
    id: "m",
  });
  const scaled = b.add("imul", [acc, m], { shift: 30 }, loc("add", "Add"), { id: "scaled" });
  const r = b.constant({ dtype: "int32", shape: [] }, Int32Array.of(96), { id: "r" });
  const sum = b.add("imacc", [scaled, x, r], {}, loc("add", "Add"), { id: "sum" });
  const y = b.add("narrow", [sum], { shift: 8, bits: 8 }, loc("relu", "Relu"), { id: "y", quant: grid });
  b.output({ name: "y", value: y, elementType: "int8" });
  return b.finish();
}

/** Maximum over the last axis, subtracted: a reduction across lanes that the chain behind it reads. */
function lanes(): Graph {
  const b = new GraphBuilder("lanes");
  const x = b.input({ name: "x", elementType: "int8" }, { dtype: "int8", shape: [12, 40], quant: grid });
  const top = b.add("ireduce", [x], { kind: "max", axes: [1] }, loc("softmax", "Softmax"), { id: "top" });
  const d = b.add("isub", [x, top], {}, loc("softmax", "Softmax"), { id: "d" });
  b.output({ name: "d", value: d, elementType: "int32" });
  return b.finish();
}

/** Two convolutions of int4; the codes between them are needed packed, for the second, and as int8, by its residual. */
function packed(): Graph {
  const next = random(2);
  const b = new GraphBuilder("packed");
  const x = b.input({ name: "x", elementType: "int8" }, { dtype: "int8", shape: [1, 64, 14, 14], quant: grid });
  const weights = (id: string, k: number) =>
    b.constant({ dtype: "int4", shape: [64, 64, k, k], quant: grid }, randomData("int4", 4096 * k * k, next, -8, 7), {
      id,
    });
  const m = b.constant({ dtype: "int32", shape: [] }, Int32Array.of(1 << 20), { id: "m" });
  const one = b.constant({ dtype: "int32", shape: [] }, Int32Array.of(16), { id: "one" });
  const conv = (name: string, from: string, k: number, residual?: string) => {
    const codes = b.add("pack", [from], { bits: 4 }, loc(name, "Conv"), { id: `${from}4` });
    const pads = Array<number>(4).fill((k - 1) / 2);
    const attrs = { strides: [1, 1], dilations: [1, 1], pads, groups: 1, fill: -8 };
    const acc = b.add("conv", [codes, weights(`${name}w`, k)], attrs, loc(name, "Conv"), { id: `${name}acc` });
    let t = b.add("imul", [acc, m], { shift: 24 }, loc(name, "Conv"), { id: `${name}s` });
    if (residual) t = b.add("imacc", [t, residual, one], {}, loc(name, "Add"), { id: `${name}r` });
    return b.add("narrow", [t], { shift: 4, bits: 4 }, loc(name, "Relu"), { id: name, quant: grid });
  };
  const first = conv("a", x, 3);
  b.output({ name: "y", value: conv("b", first, 1, first), elementType: "int8" });
  return b.finish();
}

/** A convolution of FP8 numbers, its DLFloat sums through fixed point to FP8 again. */
function hfp8(): Graph {
  const next = random(1);
  const b = new GraphBuilder("hfp8");
  const x = b.input({ name: "x", elementType: "int8" }, { dtype: "int8", shape: [1, 40, 8, 8], quant: grid });
  const d = b.add("toDlfloat", [x], { shift: 5 }, loc("conv", "Conv"), { id: "d" });
  const q = b.add("toFp8", [d], { format: "fp8e4m3", bias: 11 }, loc("conv", "Conv"), { id: "q" });
  const w = b.constant(
    { dtype: "fp8e4m3", shape: [32, 40, 3, 3], exponentBias: 14 },
    randomData("fp8e4m3", 11520, next, 0, 255),
    { id: "w" },
  );
  const bias = b.constant({ dtype: "dlfloat16", shape: [32] }, randomData("dlfloat16", 32, next, 28 << 9, 34 << 9), {
    id: "bias",
  });
  const conv = { strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1], groups: 1, fill: 0, pass: 32, chunk: 64 };
  const sum = b.add("conv", [q, w, bias], conv, loc("conv", "Conv"), { id: "sum" });
  const fixed = b.add("toFixed", [sum], { shift: 16 }, loc("relu", "Relu"), { id: "fixed" });
  const relu = b.add(
    "imax",
    [fixed, b.constant({ dtype: "int32", shape: [] }, Int32Array.of(0))],
    {},
    loc("relu", "Relu"),
    {
      id: "relu",
    },
  );
  const f = b.add("toDlfloat", [relu], { shift: 16 }, loc("relu", "Relu"), { id: "f" });
  const y = b.add("toFp8", [f], { format: "fp8e4m3", bias: 11 }, loc("relu", "Relu"), { id: "y" });
  b.output({ name: "y", value: y, elementType: "int8" });
  return b.finish();
}

/** Self-attention with 2 heads of 64 over 64 tokens, and the projection behind it. */
function heads(): Graph {
  const next = random(3);
  const b = new GraphBuilder("heads");
  const x = b.input({ name: "x", elementType: "int8" }, { dtype: "int8", shape: [1, 64, 128], quant: grid });
  const narrowed = (name: string, acc: string) =>
    b.add("narrow", [acc], { shift: 8, bits: 8 }, loc(name, "MatMul"), { id: name, quant: grid });
  const projected = (name: string, from: string) => {
    const w = b.constant({ dtype: "int8", shape: [128, 128], quant: grid }, randomData("int8", 16384, next), {
      id: `${name}w`,
    });
    return narrowed(name, b.add("matmul", [from, w], {}, loc(name, "MatMul"), { id: `${name}acc` }));
  };
  const split = (name: string, perm: readonly number[]) => {
    const at = b.add("reshape", [projected(name, x)], { shape: [1, 64, 2, 64] }, loc(name, "Reshape"));
    return b.add("transpose", [at], { perm }, loc(name, "Transpose"));
  };
  const product = (name: string, left: string, right: string) =>
    narrowed(name, b.add("matmul", [left, right], {}, loc(name, "MatMul"), { id: `${name}acc` }));
  const scores = product("scores", split("q", [0, 2, 1, 3]), split("k", [0, 2, 3, 1]));
  const mixed = product("mixed", scores, split("v", [0, 2, 1, 3]));
  const joined = b.add("transpose", [mixed], { perm: [0, 2, 1, 3] }, loc("join", "Transpose"));
  const flat = b.add("reshape", [joined], { shape: [1, 64, 128] }, loc("join", "Reshape"));
  b.output({ name: "y", value: projected("y", flat), elementType: "int8" });
  return b.finish();
}

describe("blocks and assembly", () => {
  for (const [name, graph] of [
    ["residual", residual()],
    ["lanes", lanes()],
    ["hfp8", hfp8()],
    ["packed", packed()],
    ["heads", heads()],
  ] as const) {
    it(`${name}: blocks`, () => golden(`${name}.blocks`, printBlocks(lower(graph, machine).plan.program)));
    it(`${name}: assembly`, () => golden(`${name}.asm`, assembly(graph)));
  }

  it("attention copies nothing between its products", () => {
    const kinds = lower(heads(), machine).plan.program.blocks.map((b) => b.kind);
    expect(kinds).toEqual(Array<string>(6).fill("compute"));
  });

  it("tensors that leave their storage, overlapping rows and weights beyond their storage are refused", () => {
    const { program } = lower(heads(), machine).plan;
    const { vmemRows } = machine.tandem;
    const strided = program.tensors.find((t) => t.layout.steps)!;
    const withTensor = (change: Partial<DramTensor>) => ({
      ...program,
      tensors: program.tensors.map((t) => (t.id === strided.id ? { ...t, ...change } : t)),
    });
    verifyBlocks(program, vmemRows, "test");
    expect(() => verifyBlocks(withTensor({ offset: 32 }), vmemRows, "test")).toThrow(/ends at byte 8224 of 8192/);
    const steps = strided.layout.steps!.map((s) => Math.min(s, 64));
    const close = withTensor({ layout: { ...strided.layout, steps } });
    expect(() => verifyBlocks(close, vmemRows, "test")).toThrow(/rows overlap along axis/);
    const shift = (b: Block): Block =>
      b.kind === "compute" && b.gemm ? { ...b, gemm: { ...b.gemm, weights: { ...b.gemm.weights, offset: 1024 } } } : b;
    const shifted = { ...program, blocks: program.blocks.map(shift) };
    expect(() => verifyBlocks(shifted, vmemRows, "test")).toThrow(/reads weights up to byte 17408 of 16384/);
  });

  it("a residual block takes three vector instructions, a plain one two", () => {
    const count = (text: string, re: RegExp) => text.split("\n").filter((l) => re.test(l)).length;
    const compute = /^\s+(add|sub|mul|macc|div|max|min|move|cast_\w+) /;
    expect(count(assembly(residual()), compute)).toBe(3);
  });
});
