import { describe, expect, it } from "vitest";
import {
  type CodeGrid,
  compactGrid,
  type FakeQuantAttrs,
  foldNode,
  GraphBuilder,
  graphProblems,
  OPS,
  printGraph,
  ROUND,
  type Rounding,
  type Value,
} from "../src/index.js";

const floats = (shape: readonly number[], ...data: number[]): Value => ({
  id: "x",
  type: { dtype: "float32", shape },
  data: Float32Array.from(data),
});
const grid = (scale: number, zero = 0, lo = -8, hi = 7): CodeGrid => ({
  shape: [],
  scale: [scale],
  zero: [zero],
  codes: [lo, hi],
});
const quantize = (x: Value, g: CodeGrid, rounding: Rounding = "even") =>
  foldNode({ op: "fakeQuant", attrs: { ...g, rounding } }, [x])!;

describe("rounding", () => {
  // Columns of QONNX's table of rounding modes, and ties to odd.
  const NUMBERS = [5.5, 2.5, 1.6, 1.1, 1, -1, -1.1, -1.6, -2.5, -5.5];
  const TABLE: Partial<Record<Rounding, readonly number[]>> = {
    even: [6, 2, 2, 1, 1, -1, -1, -2, -2, -6],
    odd: [5, 3, 2, 1, 1, -1, -1, -2, -3, -5],
    ceil: [6, 3, 2, 2, 1, -1, -1, -1, -2, -5],
    floor: [5, 2, 1, 1, 1, -1, -2, -2, -3, -6],
    away: [6, 3, 2, 2, 1, -1, -2, -2, -3, -6],
    zero: [5, 2, 1, 1, 1, -1, -1, -1, -2, -5],
    halfAway: [6, 3, 2, 1, 1, -1, -1, -2, -3, -6],
    halfZero: [5, 2, 2, 1, 1, -1, -1, -2, -2, -5],
    sign: [1, 1, 1, 1, 1, -1, -1, -1, -1, -1],
  };
  for (const [mode, want] of Object.entries(TABLE))
    it(mode, () => expect(NUMBERS.map((x) => ROUND[mode as Rounding](x) + 0)).toEqual(want));
});

describe("fakeQuant on constants", () => {
  it("rounds, adds the zero point, limits, and states the grid", () => {
    const r = quantize(floats([6], -100, -0.75, -0.25, 0.25, 0.75, 100), grid(0.5, 3));
    expect(Array.from(r.data as Float32Array)).toEqual([-5.5, -1, 0, 0, 1, 2]);
    expect(r.grid).toEqual(grid(0.5, 3));
  });

  it("has a scale per index of an axis", () => {
    const attrs = { shape: [2, 1], scale: [1, 0.25], zero: [0, 1], codes: [-8, 7] as const };
    expect(Array.from(quantize(floats([2, 2], 0.4, 20, 0.4, 20), attrs).data as Float32Array)).toEqual([
      0, 7, 0.5, 1.5,
    ]);
  });

  it("refuses scales that do not fit, or are 0", () => {
    const infer = (a: Partial<FakeQuantAttrs>) =>
      OPS.fakeQuant.infer([{ dtype: "float32", shape: [2, 3] }], { ...grid(1), rounding: "even", ...a });
    expect(infer({})).toEqual({ dtype: "float32", shape: [2, 3] });
    expect(infer({ shape: [2], scale: [1, 1], zero: [0, 0] })).toContain("do not broadcast");
    expect(infer({ shape: [3], scale: [1, 1, 1] })).toContain("1 zero points");
    expect(infer({ scale: [0] })).toContain("a scale is 0");
    expect(infer({ codes: [3, 2] })).toContain("codes from 3 to 2");
  });
});

describe("the grid of a constant", () => {
  const perRow = { shape: [2, 1], scale: [1, 0.5], zero: [0, 2], codes: [-8, 7] as const };
  const w: Value = { ...floats([2, 3], 1, 2, 3, 0.5, 1, 1.5), grid: perRow };

  it("moves as the elements do", () => {
    expect(foldNode({ op: "transpose", attrs: { perm: [1, 0] } }, [w])!.grid).toEqual({ ...perRow, shape: [1, 2] });
    expect(foldNode({ op: "reshape", attrs: { shape: [6] } }, [w])!.grid).toEqual({
      shape: [6],
      scale: [1, 1, 1, 0.5, 0.5, 0.5],
      zero: [0, 0, 0, 2, 2, 2],
      codes: [-8, 7],
    });
    expect(foldNode({ op: "slice", attrs: { starts: [1, 0], steps: [1, 1], sizes: [1, 3] } }, [w])!.grid).toEqual({
      shape: [],
      scale: [0.5],
      zero: [2],
      codes: [-8, 7],
    });
  });

  it("is scaled by products and quotients, and lost in sums", () => {
    const by = floats([], 4);
    expect(foldNode({ op: "mul", attrs: {} }, [w, by])!.grid).toEqual({ ...perRow, scale: [4, 2] });
    expect(foldNode({ op: "div", attrs: {} }, [w, by])!.grid).toEqual({ ...perRow, scale: [0.25, 0.125] });
    expect(foldNode({ op: "add", attrs: {} }, [w, by])!.grid).toBeUndefined();
  });

  it("survives a border that it holds", () => {
    const x: Value = { ...floats([2], 0.5, 1), grid: grid(0.5) };
    const pad = (value: number) => foldNode({ op: "pad", attrs: { pads: [1, 0], value } }, [x])!.grid;
    expect(pad(0)).toEqual(grid(0.5));
    expect(pad(0.3)).toBeUndefined();
  });

  it("has as few entries as it needs", () => {
    expect(compactGrid([1, 1, 2, 2], [0, 0, 0, 0], [2, 2], [0, 3])).toEqual({
      shape: [2, 1],
      scale: [1, 2],
      zero: [0, 0],
      codes: [0, 3],
    });
  });

  it("is printed, and checked", () => {
    const b = new GraphBuilder("g");
    b.input({ name: "x", elementType: "float32" }, { dtype: "float32", shape: [2, 3] });
    const c = b.constant(w.type, w.data!, { id: "w", grid: perRow });
    const loc = { model: "m", node: "n", op: "Add" };
    const value = b.add("add", [b.add("fakeQuant", ["x"], { ...perRow, rounding: "floor" }, loc), c], {}, loc);
    b.output({ name: "y", value, elementType: "float32" });
    const g = b.finish();
    expect(printGraph(g)).toContain(
      "const %w : float32[2,3] {scale [1,0.5000000] of [2,1], zero [0,2], codes -8..7} =",
    );
    expect(printGraph(g)).toContain("{scale [1,0.5000000] of [2,1], zero [0,2], codes -8..7, rounding=floor}");
    expect(graphProblems(g, "float")).toEqual([]);
    const bad = {
      ...g,
      values: new Map([...g.values, ["w", { ...g.values.get("w")!, grid: { ...perRow, shape: [2] } }]]),
    };
    expect(graphProblems(bad, "float")).toEqual(["constant w states a grid of shape [2]"]);
  });
});
