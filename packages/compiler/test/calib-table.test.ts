import { AccelcError } from "@accelc/ir";
import { type Calibration, calibrationFrom, RangeCollector, type RangeMethod, rangeOn } from "@accelc/passes";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CalibTable, fromCalibTable, toCalibTable } from "../src/calib-table.js";

const use = (tensors: readonly string[]) => ({ tensors, file: "t.json" });
const through = (table: CalibTable): unknown => JSON.parse(JSON.stringify(table));

function measured(values: Readonly<Record<string, readonly number[]>>, method: RangeMethod): Calibration {
  const choices = Object.entries(values).map(([name, x]) => {
    const c = new RangeCollector();
    c.add(Float32Array.from(x));
    return [name, { statistics: c.statistics()!, method }] as const;
  });
  return calibrationFrom(new Map(choices));
}

const wave = Array.from({ length: 4000 }, (_, i) => (i === 17 ? 20 : 3 * Math.sin(i) ** 7));

describe("calibration tables", () => {
  it("round-trip ranges without statistics through JSON, sorted by name", () => {
    const ranges = new Map([
      ["b", { min: -1, max: 0.1 }],
      ["a", { min: 0, max: 0 }],
    ]);
    const table = through(toCalibTable({ ranges }, 8)) as CalibTable;
    expect(Object.keys(table.ranges)).toEqual(["a", "b"]);
    expect(fromCalibTable(table, use(["a", "b"])).ranges).toEqual(ranges);
  });

  it("round-trip statistics of any values to the bit", () => {
    const values = fc.array(fc.float({ noNaN: true }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(values, (x) => {
        const c = measured({ x }, { kind: "percentile", p: 99.5 });
        expect(fromCalibTable(through(toCalibTable(c, 8)), use(["x"]))).toEqual(c);
      }),
      { seed: 31, numRuns: 300 },
    );
  });

  it("show the range chosen for their bits, and let it be chosen again for others and by another method", () => {
    const c = measured({ x: wave }, { kind: "mse" });
    const table = through(toCalibTable(c, 8)) as CalibTable;
    const on = (d: Calibration, bits: number) => rangeOn(d, "x", { bits, symmetric: false })!;
    expect(table.ranges.x).toMatchObject({ ...on(c, 8), method: "mse", measured: { max: 20 } });
    const again = fromCalibTable(table, use(["x"]));
    for (const bits of [2, 4, 8, 16]) expect(on(again, bits)).toEqual(on(c, bits));
    expect(on(again, 2).max).toBeLessThan(0.5 * on(again, 16).max);
    const minmax = fromCalibTable(table, { ...use(["x"]), method: { kind: "minmax" } });
    expect(on(minmax, 2).max).toBe(20);
  });

  it("let a range or a method put in by hand win", () => {
    const table = through(toCalibTable(measured({ x: wave, y: wave }, { kind: "mse" }), 8)) as CalibTable;
    const edited = {
      ...table,
      ranges: { x: { ...table.ranges.x, max: 1.5 }, y: { ...table.ranges.y, method: "percentile 99" } },
    };
    const method = { kind: "octav" } as const;
    const c = fromCalibTable(edited, { ...use(["x", "y"]), method });
    for (const bits of [2, 4, 8])
      expect(rangeOn(c, "x", { bits, symmetric: false })).toEqual({ min: table.ranges.x!.min, max: 1.5 });
    expect(c.ranges.get("x")!.max).toBe(1.5);
    expect(fromCalibTable(edited, use(["x", "y"])).choices!.get("y")!.method).toEqual({ kind: "percentile", p: 99 });
  });

  const REFUSED: readonly (readonly [unknown, string])[] = [
    [[], "it is no object with ranges"],
    [{ version: 9, ranges: {} }, "version 9 is unknown"],
    [{ version: 1, ranges: { x: { min: 2, max: 1 } } }, "the range of x is not a min and a max"],
    [{ version: 1, ranges: { x: { min: "0", max: 1 } } }, "the range of x is not a min and a max"],
    [{ version: 1, ranges: { x: 3 } }, "the range of x is not a min and a max"],
    [{ version: 1, ranges: {} }, "it has no range for x"],
    [{ version: 1, ranges: { y: { min: 0, max: 1 } } }, "it has no range for x; the model has no use for y"],
    [{ version: 1, ranges: { x: { min: 0, max: 1 }, y: { min: 0, max: 1 } } }, "the model has no use for y"],
    [
      { version: 1, model: "12", ranges: { x: { min: 0, max: 1 } } },
      "it is of the model with SHA-256 12, and this one has ab",
    ],
    [{ version: 1, ranges: { x: { min: 0, max: 1, method: "best" } } }, 'the method of x is "best"'],
    [{ version: 1, ranges: { x: { min: 0, max: 1, method: "percentile 30" } } }, 'the method of x is "percentile 30"'],
    ...["3:", "3:1,x", "5:1 4:1", "3:0", "99999:1"].map((bins): readonly [unknown, string] => [
      { version: 1, ranges: { x: { min: 0, max: 1, measured: { min: 0, max: 1, chosen: [0, 1], bins } } } },
      "what was measured of x is damaged",
    ]),
  ];
  it.each(REFUSED)("refuses %j", (table, reason) => {
    const read = () => fromCalibTable(table, { ...use(["x"]), model: "ab" });
    expect(read).toThrow(AccelcError);
    expect(read).toThrow(`--calib-table t.json: ${reason}`);
  });

  it("are taken for a model of the same hash although it needs fewer tensors now", () => {
    const table = { version: 1, model: "ab", ranges: { x: { min: 0, max: 1 }, y: { min: 0, max: 1 } } };
    expect(fromCalibTable(table, { ...use(["x"]), model: "ab" }).ranges.get("x")).toEqual({ min: 0, max: 1 });
  });
});
