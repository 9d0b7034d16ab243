import { elements, evaluate, type Graph, GraphBuilder, type IntegerWindowAttrs, windowExtent } from "@accelc/ir";
import { type MachineDescription, machinePreset } from "@accelc/machine";
import fc from "fast-check";
import { expect, it } from "vitest";
import { maxWindowRows, runPasses, splitWindows } from "../src/index.js";

const preset = machinePreset("tandem-32x32");
const machine = (vmemRows: number): MachineDescription => ({ ...preset, tandem: { ...preset.tandem, vmemRows } });

interface Axis {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly pads: readonly [number, number];
}

const axis: fc.Arbitrary<Axis> = fc
  .record({
    size: fc.integer({ min: 1, max: 24 }),
    kernel: fc.integer({ min: 1, max: 24 }),
    stride: fc.integer({ min: 1, max: 4 }),
    dilation: fc.constantFrom(1, 1, 1, 2),
    pads: fc.tuple(fc.nat(3), fc.nat(3)),
    whole: fc.boolean(),
  })
  .map(({ whole, ...a }) => (whole ? { ...a, kernel: a.size + a.pads[0] + a.pads[1], dilation: 1 } : a))
  .filter((a) => windowExtent(a.size, a.kernel, a.stride, a.dilation, a.pads[0] + a.pads[1]) >= 1);

const dtype = fc.constantFrom("int8", "int16", "int32");

function graphOf(
  axes: readonly Axis[],
  kind: IntegerWindowAttrs["kind"],
  fill: number,
  type: "int8" | "int16" | "int32",
): Graph {
  const b = new GraphBuilder("window");
  const shape = [1, 2, ...axes.map((a) => a.size)];
  const x = b.input({ name: "x", elementType: "float32" }, { dtype: type, shape });
  const attrs = {
    kind,
    kernel: axes.map((a) => a.kernel),
    strides: axes.map((a) => a.stride),
    dilations: axes.map((a) => a.dilation),
    pads: [...axes.map((a) => a.pads[0]), ...axes.map((a) => a.pads[1])],
    fill,
  };
  const value = b.add("iwindow", [x], attrs, { model: "m", node: "pool", op: "MaxPool" });
  b.output({ name: "y", value, elementType: "float32" });
  return b.finish();
}

it("keeps every bit of random windows", () => {
  let split = 0;
  fc.assert(
    fc.property(
      fc.array(axis, { minLength: 1, maxLength: 3 }),
      fc.constantFrom("sum", "max", "min"),
      fc.constantFrom(0, -128, 127, 5),
      dtype,
      fc.integer({ min: 4, max: 40 }),
      fc.integer(),
      (axes, kind, fill, type, vmemRows, seed) => {
        const g = graphOf(axes, kind, fill, type as "int8");
        const after = runPasses(g, [splitWindows], { machine: machine(vmemRows) });
        if (after.nodes.length > 1) split++;
        const n = elements(g.values.get("x")!.type.shape);
        const range = type === "int32" ? 2 ** 32 : 256;
        const data = { int8: Int8Array, int16: Int16Array, int32: Int32Array }[type as "int8"].from(
          { length: n } as ArrayLike<number>,
          (_, i) => (Math.imul(seed + i, 0x9e3779b1) % range) | 0,
        );
        const inputs = new Map([["x", data]]);
        const y = (h: Graph) => evaluate(h, inputs).get(h.outputs[0]!.value);
        expect(y(after)).toEqual(y(g));
      },
    ),
    { seed: 77, numRuns: 1500 },
  );
  expect(split).toBeGreaterThan(300);
});

it("leaves no window of a whole undilated plane larger than the limit", () => {
  for (const size of [7, 56, 257, 512, 521, 1021]) {
    const a: Axis = { size, kernel: size, stride: 1, dilation: 1, pads: [0, 0] };
    for (const kind of ["sum", "max", "min"] as const) {
      const g = runPasses(graphOf([a, a], kind, 0, "int8"), [splitWindows], { machine: preset });
      for (const n of g.nodes)
        expect(elements((n.attrs as IntegerWindowAttrs).kernel)).toBeLessThanOrEqual(maxWindowRows(preset));
    }
  }
});
