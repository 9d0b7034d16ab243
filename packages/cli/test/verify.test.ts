import { compile, quantizeInput } from "@accelc/compiler";
import { buildModel, encodeModel } from "@accelc/frontend";
import type { Graph } from "@accelc/ir";
import { writeElf } from "@accelc/isa";
import { machinePreset } from "@accelc/machine";
import { describe, expect, it } from "vitest";
import { addNoise, decibels, mismatches, newTally, unravel } from "../src/verify/compare.js";
import { verify } from "../src/verify/verify.js";

const wave = (n: number, step: number): number[] => Array.from({ length: n }, (_, i) => Math.sin(i * step) / 2);

const image = (name: string) => ({ name, shape: [1, 3, 3, 3] });
const modelOf = (outputs: readonly string[]): Uint8Array =>
  encodeModel(
    buildModel({
      inputs: [{ name: "x", shape: [1, 2, 5, 5] }],
      outputs: outputs.map(image),
      initializers: [
        { name: "w", shape: [3, 2, 3, 3], data: wave(54, 0.7) },
        { name: "v", shape: [3, 3, 1, 1], data: wave(9, 0.7) },
      ],
      nodes: [
        { op: "Conv", name: "first", inputs: ["x", "w"], outputs: ["c"] },
        { op: "Conv", name: "second", inputs: ["c", "v"], outputs: ["y"] },
      ],
    }),
  );
const data = new Map([
  ["x", { type: "float32" as const, shape: [3, 2, 5, 5], data: Float32Array.from(wave(150, 0.3)) }],
]);

async function verifyWith(tamper: (rodata: Uint8Array) => void, outputs = ["y", "c"]) {
  const bytes = modelOf(outputs);
  const compiled = await compile(bytes, { calibration: Object.fromEntries(data) });
  const rodata = compiled.object.rodata.slice();
  tamper(rodata);
  const elf = writeElf({ ...compiled.object, rodata });
  const machine = machinePreset("tandem-32x32");
  const limit = 2;
  return verify({
    bytes,
    compiled: { ...compiled, elf },
    machine,
    externalData: undefined,
    data,
    limit,
    onSample() {},
  });
}

describe("verify", () => {
  it("agrees on what was compiled, for the samples asked for", async () => {
    const r = await verifyWith(() => {});
    expect(r).toMatchObject({ samples: 2, mismatches: 0, firstDivergence: null });
    expect(r.tensors.map((t) => [t.name, t.node, t.mismatchesIntegerVsEmulator])).toEqual([
      ["x", "", 0],
      ["c", "first", 0],
      ["y", "second", 0],
    ]);
    for (const t of r.tensors) expect(t.sqnrFloatVsInteger).toBeGreaterThan(25);
  });

  it("compares no tensor that never reaches DRAM", async () => {
    const r = await verifyWith(() => {}, ["y"]);
    expect(r).toMatchObject({ mismatches: 0, fused: ["c"] });
    expect(r.tensors.map((t) => [t.name, t.mismatchesIntegerVsEmulator])).toEqual([
      ["x", 0],
      ["c", null],
      ["y", 0],
    ]);
  });

  it("finds the first tensor that a wrong binary spoils", async () => {
    const r = await verifyWith((rodata) => {
      const at = rodata.findIndex((b) => b !== 0);
      rodata[at] = rodata[at]! ^ 0x80;
    });
    expect(r.mismatches).toBeGreaterThan(0);
    expect(r.firstDivergence).toMatchObject({ name: "c", node: "first", block: 0, sample: 0 });
    expect(r.firstDivergence?.index).toHaveLength(4);
  });
});

describe("comparison", () => {
  it("measures noise on the integer tensor's grid, per channel too", () => {
    const tally = newTally();
    const type = { dtype: "int8" as const, shape: [2, 2], quant: { scale: [0.5, 2], zeroPoint: 1, axis: 0 } };
    addNoise(tally, type, Float32Array.of(0.5, 1, 4, 6), Int8Array.of(2, 3, 3, 3));
    expect(tally).toEqual({ signal: 0.25 + 1 + 16 + 36, noise: 4, comparable: true, mismatches: 0 });
    expect(decibels(tally)).toBe(11.24);
    addNoise(tally, type, undefined, Int8Array.of(0));
    expect(decibels(tally)).toBeNull();
    expect(decibels({ ...newTally(), signal: 1 })).toBe(999);
  });

  it("counts differences and finds the first", () => {
    expect(mismatches(Int8Array.of(1, 2, 3), Int32Array.of(1, -2, 4))).toEqual({ count: 2, first: 1 });
    expect(mismatches(BigInt64Array.of(5n), BigInt64Array.of(5n))).toEqual({ count: 0, first: -1 });
    expect(unravel(17, [2, 3, 4])).toEqual([1, 1, 1]);
    expect(unravel(0, [])).toEqual([]);
  });

  it("quantizes inputs with ties to even and saturation", () => {
    const type = { dtype: "int8" as const, shape: [5], quant: { scale: [0.5], zeroPoint: -3, axis: null } };
    const g = { values: new Map([["x", { id: "x", type }]]) } as unknown as Graph;
    const port = { name: "x", value: "x", elementType: "float32" as const };
    const x = { type: "float32" as const, shape: [5], data: Float32Array.of(0.25, 0.75, -0.25, 1000, -1000) };
    expect(quantizeInput(g, port, x)).toEqual(Int8Array.of(-3, -1, -3, 127, -128));
  });
});
