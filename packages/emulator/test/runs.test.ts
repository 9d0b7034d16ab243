import { describe, expect, it } from "vitest";
import type { LinearBound } from "../src/bounds.js";
import { forEachRun } from "../src/runs.js";

/** A bound on the run's own units, which begins at `low`, and one on the trips of loop 14. */
const units = (low: number): LinearBound => ({ low, high: low + 3, outers: [], inners: [], perUnit: 1 });
const trips = (high: number): LinearBound => ({
  low: 0,
  high,
  outers: [],
  inners: [{ loop: 14, factor: 1 }],
  perUnit: 0,
});

describe("runs of a transfer", () => {
  it("touch nothing where two bounds leave them out, in either order", () => {
    const loops = [{ id: 14, count: 2, dram: 100, chip: 1 }];
    for (const bounds of [
      [units(50), trips(1)],
      [trips(1), units(50)],
    ]) {
      const touched: number[] = [];
      forEachRun(
        loops,
        0,
        3,
        bounds,
        () => 0,
        (_, __, from, to) => touched.push(to - from),
      );
      expect(touched).toEqual([0, 0]);
    }
  });

  it("are cut off where a bound begins inside them", () => {
    const seen: (readonly [number, number])[] = [];
    forEachRun(
      [],
      0,
      3,
      [units(2)],
      () => 0,
      (_, __, from, to) => seen.push([from, to]),
    );
    expect(seen).toEqual([[2, 3]]);
  });
});
