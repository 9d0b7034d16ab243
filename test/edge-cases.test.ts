import { compile } from "@accelc/compiler";
import { load } from "@accelc/emulator";
import { buildModel, encodeModel, type NewAttribute, type NewTensor } from "@accelc/frontend";
import { elements } from "@accelc/ir";
import { describe, expect, it } from "vitest";

/** docs/edge-cases.md states what these tests hold. */
interface Input {
  readonly type?: string;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface Spec {
  readonly inputs: Readonly<Record<string, Input>>;
  readonly initializers?: readonly (NewTensor & { readonly name: string })[];
  readonly attributes?: Readonly<Record<string, NewAttribute>>;
  readonly operands: readonly string[];
  readonly opset?: number;
}

const typed = (t: Input) => (t.type === "int64" ? BigInt64Array.from(t.data, BigInt) : Float32Array.from(t.data));

/** Compiles a model of one node, with its inputs as calibration, and runs it. */
async function run(op: string, spec: Spec, feeds: Readonly<Record<string, Input>> = spec.inputs) {
  const graph = {
    opset: spec.opset ?? 17,
    inputs: Object.entries(spec.inputs).map(([name, t]) => ({ name, type: t.type ?? "float32", shape: t.shape })),
    outputs: [{ name: "y" }],
    initializers: spec.initializers ?? [],
    nodes: [
      {
        op,
        name: "node",
        inputs: spec.operands,
        outputs: ["y"],
        ...(spec.attributes ? { attributes: spec.attributes } : {}),
      },
    ],
  };
  const host = (from: Readonly<Record<string, Input>>) =>
    Object.fromEntries(
      Object.entries(from).map(([name, t]) => [name, { type: t.type ?? "float32", shape: t.shape, data: typed(t) }]),
    );
  const bytes = encodeModel(buildModel(graph as never));
  const { elf } = await compile(bytes, { modelName: "edge.onnx", calibration: host(spec.inputs) } as never);
  const { y } = load(elf).run(host(feeds) as never).outputs;
  return { shape: y!.shape, data: Array.from(y!.data as ArrayLike<number | bigint>, Number) };
}

const x = (shape: readonly number[], data?: readonly number[]): Input => ({
  shape,
  data: data ?? Array.from({ length: elements(shape) }, (_, i) => (i % 7) - 3),
});

describe("what the model gets wrong is named at its node", () => {
  it("shapes that do not broadcast", () =>
    expect(run("Add", { inputs: { a: x([2, 3]), b: x([4]) }, operands: ["a", "b"] })).rejects.toMatchObject({
      code: "FE2012",
      location: { node: "node", op: "Add" },
      message: "shapes do not agree: shapes [2,3] and [4] do not broadcast",
    }));

  it("axes out of range", () =>
    expect(
      run("Softmax", { inputs: { a: x([2, 3]) }, operands: ["a"], attributes: { axis: { i: 5 } } }),
    ).rejects.toMatchObject({ code: "FE1002", location: { node: "node" } }));

  it("constant indices out of range", () =>
    expect(
      run("Gather", {
        inputs: { a: x([4, 3]) },
        initializers: [{ name: "i", type: "int64", shape: [1], data: [9n] }],
        operands: ["a", "i"],
      }),
    ).rejects.toMatchObject({ code: "FE1003", location: { node: "node" } }));
});

describe("degenerate shapes", () => {
  it("rank 0", async () => {
    const y = await run("Relu", { inputs: { a: x([], [2]) }, operands: ["a"] });
    expect(y.shape).toEqual([]);
    expect(y.data[0]).toBeCloseTo(2, 3);
  });

  it("zero extents give zero extents", async () => {
    const y = await run("Relu", { inputs: { a: x([2, 0], []) }, operands: ["a"] });
    expect(y).toEqual({ shape: [2, 0], data: [] });
  });
});

describe("values at the edge", () => {
  it("a computed index beyond the table traps", async () => {
    const spec = {
      inputs: { a: x([4, 3]), i: { type: "int64", shape: [2], data: [0, 3] } },
      operands: ["a", "i"],
    };
    expect((await run("Gather", spec)).data).toHaveLength(6);
    const beyond = { ...spec.inputs, i: { type: "int64", shape: [2], data: [0, 4] } };
    await expect(run("Gather", spec, beyond)).rejects.toMatchObject({ code: "EM2026" });
  });

  it("negative indices count from the end", async () => {
    const spec = {
      inputs: { a: x([4, 1], [10, 20, 30, 40]), i: { type: "int64", shape: [2], data: [-1, -4] } },
      operands: ["a", "i"],
    };
    const { data } = await run("Gather", spec);
    expect(data[0]).toBeCloseTo(40, 2);
    expect(data[1]).toBeCloseTo(10, 2);
  });

  it("division by zero saturates by the sign of the dividend", async () => {
    const seen = { a: x([4], [1, -1, 0.5, 2]), b: x([4], [1, 1, 1, 2]) };
    const { data } = await run("Div", { inputs: seen, operands: ["a", "b"] }, { ...seen, b: x([4], [0, 0, 1, 2]) });
    expect(data[0]).toBeGreaterThan(1.5);
    expect(data[1]).toBeLessThan(-1);
    expect(data[2]).toBeCloseTo(0.5, 1);
    expect(data.every(Number.isFinite)).toBe(true);
  });

  it("a result beyond its fixed-point range saturates, it never wraps", async () => {
    const seen = { a: x([3], [0, 1, 2]) };
    const { data } = await run("Exp", { inputs: seen, operands: ["a"] }, { a: x([3], [0, 1, 60]) });
    expect(data[2]).toBeGreaterThan(7);
    expect(Number.isFinite(data[2]!)).toBe(true);
    expect(data[0]).toBeCloseTo(1, 2);
  });
});

describe("quantizers", () => {
  const quantize = (scale: number, data: readonly number[], zero = { type: "int8", value: 0 }) =>
    run("QuantizeLinear", {
      inputs: { x: { shape: [data.length], data } },
      initializers: [
        { name: "s", shape: [], data: [scale] },
        { name: "z", type: zero.type, shape: [], data: [zero.value] },
      ],
      operands: ["x", "s", "z"],
      opset: 21,
    });

  it("a scale of 0, or negative, is FE1003", async () => {
    await expect(quantize(0, [1])).rejects.toMatchObject({ code: "FE1003" });
    await expect(quantize(-1, [1])).rejects.toMatchObject({ code: "FE1003" });
  });

  it("ties go where the quantizer says: to even, before the zero point", async () => {
    const { data } = await quantize(2, [1, 3, 5, -1, -3], { type: "uint8", value: 7 });
    expect(data).toEqual([7, 9, 9, 7, 5]);
  });

  it("narrow types have limits of their own", async () => {
    const { data } = await quantize(1, [-100, -8, 3, 7, 100], { type: "int4", value: 0 });
    expect(data).toEqual([-8, -8, 3, 7, 7]);
  });
});
