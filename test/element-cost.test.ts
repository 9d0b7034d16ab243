import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { compile } from "@accelc/compiler";
import { load } from "@accelc/emulator";
import { buildModel, encodeModel, type NewAttribute } from "@accelc/frontend";
import { elements } from "@accelc/ir";
import { ELEMENT_COST } from "accelc";
import { describe, expect, it } from "vitest";
import { random } from "./support/exactness.js";

const TABLE = fileURLToPath(new URL("../packages/cli/src/element-cost-table.ts", import.meta.url));
const update = process.env.UPDATE_GOLDEN === "1" && !process.env.CI;

interface Case {
  /** ONNX operator, or a name for a pattern of several. */
  readonly op: string;
  readonly shape?: readonly number[];
  /** Operands beside x: constants by shape, or "x2" for a second activation. */
  readonly operands?: readonly (readonly number[] | "x2")[];
  readonly attributes?: Readonly<Record<string, NewAttribute>>;
  readonly nodes?: readonly {
    readonly op: string;
    readonly inputs: readonly string[];
    readonly attributes?: Readonly<Record<string, NewAttribute>>;
  }[];
  /** Keeps the input in the domain: positive where the function needs it. */
  readonly positive?: boolean;
}

const IMAGE = [1, 64, 16, 16];
const TOKENS = [1, 32, 256];
const ints = (...v: number[]): NewAttribute => ({ ints: v });
const k3: Record<string, NewAttribute> = { kernel_shape: ints(3, 3), pads: ints(1, 1, 1, 1) };

const CASES: readonly Case[] = [
  ...["Relu", "LeakyRelu", "Sigmoid", "Tanh", "Exp", "Erf", "Gelu", "HardSigmoid", "HardSwish", "Mish", "Softplus"].map(
    (op) => ({ op }),
  ),
  ...["Softsign", "Elu", "Selu", "Celu", "Abs", "Neg", "Floor", "Ceil", "Round", "Sign", "Sin", "Cos"].map((op) => ({
    op,
  })),
  ...["Log", "Sqrt", "Reciprocal"].map((op) => ({ op, positive: true })),
  ...["Add", "Sub", "Mul", "Min", "Max"].map((op) => ({ op, operands: ["x2" as const] })),
  { op: "Div", operands: ["x2"], positive: true },
  { op: "Softmax", shape: TOKENS, attributes: { axis: { i: -1 } } },
  { op: "LogSoftmax", shape: TOKENS, attributes: { axis: { i: -1 } } },
  { op: "LayerNormalization", shape: TOKENS, operands: [[256], [256]] },
  { op: "RMSNormalization", shape: TOKENS, operands: [[256]] },
  { op: "MaxPool", attributes: k3 },
  { op: "AveragePool", attributes: k3 },
  { op: "Conv", operands: [[64, 64, 3, 3], [64]], attributes: k3 },
  {
    op: "depthwise Conv 3x3",
    nodes: [{ op: "Conv", inputs: ["x", "w"], attributes: { ...k3, group: { i: 64 } } }],
    operands: [[64, 1, 3, 3]],
  },
  {
    op: "Conv, Add of a residual, Relu",
    operands: [[64, 64, 3, 3]],
    nodes: [
      { op: "Conv", inputs: ["x", "w"], attributes: k3 },
      { op: "Add", inputs: ["n0", "x"] },
      { op: "Relu", inputs: ["n1"] },
      { op: "Conv", inputs: ["n2", "w"], attributes: k3 },
    ],
  },
];

const OPSET: Readonly<Record<string, number>> = { Gelu: 20, Mish: 18, RMSNormalization: 23 };

/** Vector instructions that the Tandem Processor issues, per vector of output elements. */
async function measure(c: Case): Promise<number> {
  const shape = c.shape ?? IMAGE;
  const next = random(7);
  const names = (c.operands ?? []).map((o, i) => (o === "x2" ? "x2" : `w${i === 0 ? "" : i}`));
  const initializers = (c.operands ?? []).flatMap((o, i) =>
    o === "x2" ? [] : [{ name: names[i]!, shape: o, data: Array.from({ length: elements(o) }, () => next() * 0.2) }],
  );
  const single = [{ op: c.op, inputs: ["x", ...names], ...(c.attributes ? { attributes: c.attributes } : {}) }];
  const list = c.nodes ?? single;
  const nodes = list.map((n, i) => ({ ...n, name: `node${i}`, outputs: [i === list.length - 1 ? "y" : `n${i}`] }));
  const inputs = ["x", ...names.filter((n) => n === "x2")].map((name) => ({ name, shape }));
  const graph = { inputs, outputs: [{ name: "y" }], initializers, nodes };
  const opset = OPSET[c.op] ?? 17;
  const model = encodeModel(buildModel({ opset, ...graph } as never));
  const data = () =>
    Float32Array.from({ length: elements(shape) }, () => (c.positive ? 0.5 + 3 * next() : 6 * next() - 3));
  const calibration = Object.fromEntries(inputs.map((p) => [p.name, { type: "float32", shape, data: data() }]));
  const { elf } = await compile(model, { modelName: `${c.op}.onnx`, calibration } as never);
  const { stats, outputs } = load(elf).run(calibration as never);
  const issued = [...stats.issues.values()].reduce((a, b) => a + b, 0);
  return Math.round((issued * 32 * 10) / elements(outputs.y!.shape)) / 10;
}

describe("Tandem instructions per output element", () => {
  it("are those of the table in the documents", { timeout: 600_000 }, async () => {
    const found: Record<string, number> = {};
    for (const c of CASES) found[c.op] = await measure(c);
    if (update) {
      const rows = Object.entries(found).map(([op, n]) => `  ${/^\w+$/.test(op) ? op : JSON.stringify(op)}: ${n},`);
      const head =
        "/** Vector instructions per vector of output elements, everything included. Written by test/element-cost.test.ts. */";
      writeFileSync(TABLE, `${head}\nexport const ELEMENT_COST = {\n${rows.join("\n")}\n} as const;\n`);
    } else expect(found, "UPDATE_GOLDEN=1 to accept").toEqual(ELEMENT_COST);
  });
});
