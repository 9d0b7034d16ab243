import { assemble, WORKED_EXAMPLE } from "@accelc/isa";
import { machinePreset } from "@accelc/machine";
import { describe, expect, it } from "vitest";
import { loadObject } from "../src/index.js";
import { BSS, bind, blocks, dae, iter, level, nest, objectOf, place, program, simd, vec } from "./build.js";

describe("worked example of the instruction sheet", () => {
  it("adds two vectors of 2,048 words in a two-level nest", () => {
    const machine = machinePreset("tandem-16x16");
    const n = 2048;
    const words = blocks([
      simd(
        dae("ld", "VMEM1", { address: BSS, bits: 32, bytes: 4 * n }),
        dae("ld", "VMEM2", { address: BSS + 4 * n, bits: 32, bytes: 4 * n }),
        iter("VMEM1", 0, 0, 128),
        iter("VMEM1", 1, 0, 1),
        iter("VMEM2", 0, 0, 128),
        iter("VMEM2", 1, 0, 1),
        iter("VMEM1", 2, 128, 128),
        iter("VMEM1", 3, 128, 1),
        level(0, 1, bind(["VMEM1", 2], ["VMEM1", 0], ["VMEM2", 0])),
        level(1, 128, bind(["VMEM1", 3], ["VMEM1", 1], ["VMEM2", 1])),
        nest(2, 1),
        vec("add", ["VMEM1", 1], ["VMEM1", 0], ["VMEM2", 0]),
        dae("st", "VMEM1", { address: BSS + 8 * n, row: 128, bits: 32, bytes: 4 * n }),
      ),
    ]);
    const p = program({
      words,
      machine,
      inputs: [place("a", "int32", [n], BSS, 32), place("b", "int32", [n], BSS + 4 * n, 32)],
      outputs: [place("c", "int32", [n], BSS + 8 * n, 32)],
    });
    const a = Int32Array.from({ length: n }, (_, i) => i * 1000003);
    const b = Int32Array.from({ length: n }, (_, i) => 7 - i);
    const { outputs, stats } = p.run({
      a: { type: "int32", shape: [n], data: a },
      b: { type: "int32", shape: [n], data: b },
    });
    expect(outputs.c.data).toEqual(a.map((x, i) => x + b[i]));
    expect(stats.issues.get("add")).toBe(128);
    expect(stats.dramRead.get("VMEM1")).toBe(4 * n);
    expect(stats.dramWritten.get("VMEM1")).toBe(4 * n);
  });

  it("runs as assembled text", () => {
    const n = 2048;
    const machine = machinePreset("tandem-16x16");
    const object = {
      ...objectOf({
        words: [],
        machine,
        inputs: [place("a", "int32", [n], 0x10000, 32), place("b", "int32", [n], 0x12000, 32)],
        outputs: [place("c", "int32", [n], 0x14000, 32)],
      }),
      // START counts the words behind it, END EXEC included.
      text: assemble(WORKED_EXAMPLE),
      symbols: [],
      bssAddress: 0x10000,
      bssSize: 0x6000,
    };
    const a = Int32Array.from({ length: n }, (_, i) => i * 1048577);
    const tensor = { type: "int32", shape: [n], data: a };
    const { outputs, stats } = loadObject(object).run({ a: tensor, b: tensor });
    expect(outputs.c.data).toEqual(a.map((x) => 2 * x));
    expect(stats).toMatchObject({ blocks: 1, tiles: 1, macs: 0 });
  });
});
