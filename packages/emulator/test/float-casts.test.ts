import { type MachineDescription, machinePreset } from "@accelc/machine";
import { DLFLOAT16, decode, encode, FP8_152, fp8, type Ties } from "@accelc/numerics";
import { describe, expect, it } from "vitest";
import { BSS, bind, blocks, dae, imm, iter, level, nest, place, program, simd, vec, type Words } from "./build.js";

type Cast = "cast_fp16_fxp32" | "cast_fxp32_fp16" | "cast_fp16_fp8" | "cast_fp8_fp16";

const ROWS = 512;
const OUT = BSS + 0x20000;
const machines = (["even", "up"] as const).map((ties) => ({ ...machinePreset("tandem-32x32"), ties }));
const [EVEN, UP] = machines as [MachineDescription, MachineDescription];

/** The results of a cast of up to 16,384 words, which both engines have to agree on. */
function cast(op: Cast, slot: number, x: readonly number[], machine = EVEN): number[] {
  const words = ROWS * machine.tandem.lanes;
  const bytes = 4 * words;
  const step = { bytes: 128, tile: [[0, ROWS, 128]] } as const;
  const body: Words[] = [
    dae("ld", "VMEM1", { address: BSS, bits: 32, ...step }),
    imm(0, slot),
    iter("VMEM1", 0, 0, 1),
    iter("VMEM2", 0, 0, 1),
    level(0, ROWS, bind(["VMEM2", 0], ["VMEM1", 0], ["IMM", 0])),
    nest(1, 1),
    vec(op, ["VMEM2", 0], ["VMEM1", 0], ["IMM", 0]),
    dae("st", "VMEM2", { address: OUT, bits: 32, ...step }),
  ];
  const session = program({
    words: blocks([simd(...body)]),
    machine,
    bssSize: 0x20000 + bytes,
    inputs: [place("x", "int32", [words], BSS, 32)],
    outputs: [place("y", "int32", [words], OUT, 32)],
  }).session();
  const data = Int32Array.from({ length: words }, (_, i) => x[i] ?? 0);
  const [reference, fast] = (["reference", "fast"] as const).map((engine) => {
    const result = session.run({ x: { type: "int32", shape: [words], data } }, { engine });
    if (engine === "fast") expect(result.stats.fallbacks.size).toBe(0);
    return [...(result.outputs.y.data as Int32Array)].slice(0, x.length);
  });
  expect(fast).toEqual(reference);
  return reference;
}

const QUARTERS = [0, 1, 2, 3];
/** A quarter of all 16-bit codes, as LD leaves them: sign-extended. */
const codes = (quarter: number): number[] =>
  Array.from({ length: 16384 }, (_, i) => ((quarter * 16384 + i) << 16) >> 16);

/** saturate32 of the nearest integer to x 2^shift, ties away from zero, by exact integers. */
function fixedOf(x: number, shift: number): number {
  if (Number.isNaN(x)) return 2 ** 31 - 1;
  const unit = 2n ** 120n;
  const scaled = BigInt(Math.abs(x) * 2 ** 50) * (shift >= 0 ? unit << BigInt(shift) : unit >> BigInt(-shift));
  const one = unit << 50n;
  const rounded = (2n * scaled + one) / (2n * one);
  const signed = x < 0 ? -rounded : rounded;
  return Number(signed > 2n ** 31n - 1n ? 2n ** 31n - 1n : signed < -(2n ** 31n) ? -(2n ** 31n) : signed);
}

describe("float casts", () => {
  it.each([-64, -31, -9, -1, 0, 1, 8, 16, 31, 64])("all DLFloat codes to fixed point, shift %i", (shift) => {
    for (const q of QUARTERS) {
      const x = codes(q);
      expect(cast("cast_fp16_fxp32", shift, x)).toEqual(x.map((c) => fixedOf(decode(DLFLOAT16, c), shift) + 0));
    }
  });

  it.each([-64, -9, -1, 0, 7, 24, 31, 40, 64])("fixed point to DLFloat, shift %i, either rule for ties", (shift) => {
    const near = Array.from({ length: 16384 }, (_, i) => {
      const power = 2 ** (i % 31);
      return Math.trunc(power + Math.floor(i / 62) * (power / 2 ** 10)) * (i % 2 === 0 ? 1 : -1);
    });
    const x = [-(2 ** 31), 2 ** 31 - 1, 0, 1, -1, ...near].slice(0, 16384);
    const ties: readonly (readonly [MachineDescription, Ties])[] = [
      [EVEN, "even"],
      [UP, "up"],
    ];
    for (const [machine, rule] of ties)
      expect(cast("cast_fxp32_fp16", shift, x, machine)).toEqual(x.map((a) => encode(DLFLOAT16, a / 2 ** shift, rule)));
  });

  it.each([0, 7, 11, 15, 30, 31, 32])("all DLFloat codes to FP8 and all FP8 codes back, slot %i", (slot) => {
    const f = slot === 32 ? FP8_152 : fp8(slot);
    for (const q of QUARTERS) {
      const x = codes(q);
      const y = cast("cast_fp16_fp8", slot, x);
      expect(y).toEqual(x.map((c) => encode(f, decode(DLFLOAT16, c), "even", true)));
    }
    const all = Array.from({ length: 512 }, (_, i) => i - 256);
    const back = cast("cast_fp8_fp16", slot, all);
    expect(back).toEqual(all.map((c) => encode(DLFLOAT16, decode(f, c))));
    const kept = (c: number) => !Number.isNaN(decode(f, c)) && decode(f, c) !== 0;
    expect(cast("cast_fp16_fp8", slot, back).filter((_, i) => kept(all[i]))).toEqual(
      all.filter(kept).map((c) => c & 255),
    );
  });
});
