import { describe, expect, it } from "vitest";
import {
  burstsOfRun,
  issueCycles,
  machinePreset,
  nestCycles,
  permutationCycles,
  systolicTileCycles,
  TANDEM_PIPELINE_STAGES,
  transferCycles,
} from "../src/index.js";

const m = machinePreset("tandem-32x32");

describe("durations of events", () => {
  it("of the array: rows streamed, fill and drain", () => {
    expect(systolicTileCycles(m, 512)).toBe(512 + 63);
    expect(systolicTileCycles(m, 16 * 128)).toBe(2111);
    expect(systolicTileCycles(machinePreset("tandem-8x8"), 10)).toBe(10 + 15);
  });

  it("of nests: one cycle per issue, the deepest pipeline once, DIV and SQRT per issue", () => {
    expect(nestCycles(m, ["add"], 64)).toBe(64 + TANDEM_PIPELINE_STAGES);
    expect(nestCycles(m, ["add", "macc", "nop"], 10)).toBe(30 + TANDEM_PIPELINE_STAGES + 2);
    expect(nestCycles(m, ["div"], 10)).toBe(520 + TANDEM_PIPELINE_STAGES);
    expect([issueCycles(m, "sqrt"), issueCycles(m, "sigmoid"), issueCycles(m, "nop")]).toEqual([9, 1, 1]);
  });

  it("of transfers: runs in bursts, latency once, nothing for nothing", () => {
    expect([1, 64, 65].map((bytes) => burstsOfRun(m, bytes))).toEqual([1, 1, 2]);
    expect(transferCycles(m, burstsOfRun(m, 4096))).toBe(100 + 64);
    expect(transferCycles(m, 3 * burstsOfRun(m, 8))).toBe(100 + 3);
    expect(transferCycles(m, 0)).toBe(0);
    expect(transferCycles(machinePreset("tandem-8x8"), 3)).toBe(100 + 12);
  });

  it("of permutations: rows of the busier side", () => {
    expect(permutationCycles(3, 32)).toBe(32);
  });
});
