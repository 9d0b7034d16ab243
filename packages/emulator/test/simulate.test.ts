import { type MachineDescription, machinePreset, TANDEM_PIPELINE_STAGES } from "@accelc/machine";
import { describe, expect, it } from "vitest";
import { simulate } from "../src/index.js";
import {
  bind,
  blocks,
  dae,
  iter,
  level,
  nest,
  program,
  saLoadAll,
  saLoop,
  saReduction,
  saStride,
  simd,
  systolic,
  vec,
  type Words,
} from "./build.js";

const LARGE = machinePreset("tandem-32x32");
const run = (words: Words, machine: MachineDescription = LARGE) => simulate(program({ words, machine }));

/** A GEMM of `rows` input rows, `k` blocks of the reduction and one of output, its operands in place. */
const gemm = (rows: number, k: number): Words => [
  ...saLoop(9, k),
  ...saReduction(9),
  ...saLoop(13, rows),
  ...saStride("RD", "WBUF", 9, 1),
  ...saStride("RD", "IBUF", 9, rows),
  ...saStride("RD", "IBUF", 13, 1),
  ...saStride("WR", "OBUF", 13, 1),
];

/** dst VMEM1 from row 64 = VMEM1 + VMEM2 over `rows` rows. */
const add = (rows: number): Words => [
  ...iter("VMEM1", 0, 0, 1),
  ...iter("VMEM2", 0, 0, 1),
  ...iter("VMEM1", 1, rows, 1),
  ...level(0, rows, bind(["VMEM1", 1], ["VMEM1", 0], ["VMEM2", 0])),
  ...nest(1, 1),
  ...vec("add", ["VMEM1", 1], ["VMEM1", 0], ["VMEM2", 0]),
];

describe("cases worked by hand", () => {
  it("GEMM 512x32x32: 512 + 63", () => {
    expect(run(blocks([systolic(gemm(512, 1))])).cycles).toBe(512 + 63);
  });

  it("ADD of 2,048 words: 64 + pipeline depth + its configuration words", () => {
    const region = simd(add(64));
    const r = run(blocks([region]));
    expect(r.cycles).toBe(64 + TANDEM_PIPELINE_STAGES + (region.length - 1));
    expect(r.blocks[0]!.configWords).toBe(region.length - 1);
    expect(r.vectorInstructions).toEqual({ add: 64 });
  });

  it("LD of 4,096 bytes: 100 + 64", () => {
    const words = dae("ld", "VMEM1", { address: 0x1000, bits: 32, bytes: 4096 });
    const r = run(blocks([simd(words)]));
    expect(r.busy.dram).toBe(100 + 64);
    // The region's START and the words up to and including the load's.
    expect(r.cycles).toBe(1 + words.length + 100 + 64);
  });

  it("GEMM 128x512x32 in one tile: 2,111", () => {
    expect(run(blocks([systolic(gemm(128, 16))])).cycles).toBe(2111);
  });

  it("two such tiles whose loads take 3,000 cycles each: 3,000 + 3,000 + 2,111", () => {
    // IBUF 2,048 rows of 32 bytes: 100 + 1,024; WBUF 111 blocks of 1,024 bytes: 100 + 1,776.
    const loads = [
      ...saLoop(0, 2),
      ...saLoadAll("IBUF", 14, 0x1000, 2048),
      ...saStride("LD", "IBUF", 0, 2048 * 32),
      ...saLoadAll("WBUF", 15, 0x1000, 111),
      ...saStride("LD", "WBUF", 0, 111 * 1024),
    ];
    const r = run(blocks([systolic([...loads, ...gemm(128, 16)])]));
    expect(r.busy).toEqual({ dram: 6000, systolic: 2 * 2111, tandem: 0 });
    expect(r.cycles).toBe(3000 + 3000 + 2111);
  });
});
