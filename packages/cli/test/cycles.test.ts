import { machinePreset } from "@accelc/machine";
import { describe, expect, it } from "vitest";
import { meanOf, measureAgreement, worstOf } from "../src/cycles/agreement.js";
import { CASE_CLASSES } from "../src/cycles/cases.js";

describe("simulator and cycle-by-cycle oracle", () => {
  const rows = measureAgreement(machinePreset("tandem-8x8"));

  it("are compared on 60 cases or more, of every class", () => {
    expect(rows.length).toBeGreaterThanOrEqual(60);
    expect(new Set(rows.map((r) => r.kind))).toEqual(new Set(CASE_CLASSES));
  });

  it("are never below the lower bound", () => {
    expect(rows.filter((r) => r.simulated < r.lowerBound)).toEqual([]);
    expect(rows.filter((r) => r.kind !== "movement" && r.lowerBound === 0)).toEqual([]);
  });

  it("agree within 5 % on each and 1 % on average", () => {
    const far = rows.filter((r) => r.difference > 0.05);
    expect(far).toEqual([]);
    expect(meanOf(rows)).toBeLessThanOrEqual(0.01);
    console.log(
      `cycles: ${rows.length} cases, worst ${(100 * worstOf(rows)).toFixed(2)} %, mean ${(100 * meanOf(rows)).toFixed(3)} %`,
    );
  });
});
