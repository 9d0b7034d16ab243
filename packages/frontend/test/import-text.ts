import { AccelcError, formatDiagnostic, printGraph } from "@accelc/ir";
import {
  buildModel,
  encodeModel,
  type ImportOptions,
  importModel,
  type ModelText,
  type NewAttribute,
  type NewTensor,
} from "../src/index.js";

export type Options = Omit<ImportOptions, "modelName">;

/** Through bytes, as a file would come. */
export const importText = (m: ModelText, o: Options = {}) =>
  importModel(encodeModel(buildModel(m)), { modelName: "m.onnx", ...o });

/** The printed graph, or the diagnostics that importing ends in. */
export async function outcome(m: ModelText, o: Options = {}): Promise<string> {
  return printed(importText(m, o));
}

export async function printed(g: ReturnType<typeof importText>): Promise<string> {
  try {
    return printGraph(await g);
  } catch (e) {
    if (!(e instanceof AccelcError)) throw e;
    return `${e.diagnostics.map(formatDiagnostic).join("\n")}\n`;
  }
}

/** One node "n" from inputs to outputs "y", "y1", …: a shape is a run-time input, a tensor an initializer, null left out. */
export interface OneNode {
  readonly op: string;
  readonly opset?: number;
  readonly inputs: readonly (readonly number[] | NewTensor | null)[];
  readonly types?: readonly string[];
  readonly attributes?: Readonly<Record<string, NewAttribute>>;
  readonly outputs?: number;
  readonly domain?: string;
}

const NAMES = ["x", "b", "c", "d", "e", "f"];

export function oneNode(n: OneNode): ModelText {
  const isShape = (i: OneNode["inputs"][number]): i is readonly number[] => Array.isArray(i);
  const outputs = Array.from({ length: n.outputs ?? 1 }, (_, i) => (i === 0 ? "y" : `y${i}`));
  return {
    opset: n.opset ?? 13,
    inputs: n.inputs.flatMap((s, i) =>
      isShape(s) ? [{ name: NAMES[i]!, shape: s, type: n.types?.[i] ?? "float32" }] : [],
    ),
    initializers: n.inputs.flatMap((t, i) => (t && !isShape(t) ? [{ ...(t as NewTensor), name: NAMES[i]! }] : [])),
    outputs: outputs.map((name) => ({ name })),
    nodes: [
      {
        op: n.op,
        name: "n",
        inputs: n.inputs.map((t, i) => (t ? NAMES[i]! : "")),
        outputs,
        ...(n.domain ? { domain: n.domain } : {}),
        attributes: n.attributes ?? {},
      },
    ],
  };
}

export const int64 = (...data: (number | bigint)[]): NewTensor => ({ type: "int64", shape: [data.length], data });
export const scalar = (x: number, type = "float32"): NewTensor => ({ type, shape: [], data: [x] });
/** Quarter steps, so that sums are exact. */
export const ramp = (...shape: number[]): NewTensor => ({
  shape,
  data: Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i % 7) / 4 - 0.5),
});
export const i = (x: number): NewAttribute => ({ i: x });
export const f = (x: number): NewAttribute => ({ f: x });
export const s = (x: string): NewAttribute => ({ s: x });
export const ints = (...x: number[]): NewAttribute => ({ ints: x });
