import { AccelcError, type Data } from "@accelc/ir";
import { describe, expect, it } from "vitest";
import {
  buildModel,
  type DecodedTensor,
  decodeModel,
  decodeTensor,
  decodeTensorProto,
  importProto,
  type TensorProto,
} from "../src/index.js";
import { hasNodeVectors, NODE_VECTORS, readTar } from "./pack.js";
import { runGraph } from "./run-graph.js";

type Outcome = { readonly kind: "passed" } | { readonly kind: "refused" | "failed"; readonly why: string };

const numbers = (d: Data): number[] => Array.from(d as ArrayLike<number | bigint>, Number);

/** Graphs compute in float32 what a model computes in 16 bits. */
const TOLERANCE: Readonly<Record<string, number>> = { float16: 1e-3, bfloat16: 1e-2 };

function difference(got: Data, want: Data, type: string): string | undefined {
  const [a, b] = [numbers(got), numbers(want)];
  const relative = TOLERANCE[type] ?? 1e-4;
  if (a.length !== b.length) return `${a.length} elements for ${b.length}`;
  const bad = a.findIndex((x, i) => {
    const y = b[i]!;
    return (
      !Object.is(x, y) && !(Math.abs(x - y) <= 1e-5 + relative * Math.abs(y)) && !(Number.isNaN(x) && Number.isNaN(y))
    );
  });
  return bad < 0 ? undefined : `element ${bad} is ${a[bad]}, not ${b[bad]}`;
}

/**
 * Runs a vector once with its inputs made constants, so that importing it computes its outputs, and once with its float
 * inputs left to run time.
 */
async function runVector(files: ReadonlyMap<string, Uint8Array>, folder: string, constant: boolean): Promise<Outcome> {
  const model = decodeModel(files.get(`${folder}/model.onnx`)!, folder);
  const graph = model.graph!;
  const tensor = (file: string): DecodedTensor | string => {
    const bytes = files.get(`${folder}/test_data_set_0/${file}`);
    const read = bytes ? decodeTensorProto(bytes) : "no such file";
    return typeof read === "string" ? read : decodeTensor(read);
  };
  graph.initializer ??= [];
  const inputs: Record<string, Data> = {};
  for (const [i, { name }] of (graph.input ?? []).entries()) {
    const t = tensor(`input_${i}.pb`);
    if (typeof t === "string") return { kind: "refused", why: `input: ${t}` };
    if (!constant && t.dtype === "float32" && t.shape.length > 0) inputs[name!] = t.data;
    else graph.initializer.push(newInitializer(name!, t));
  }
  try {
    const g = await importProto(model, { modelName: folder });
    const results = runGraph(g, inputs);
    if (constant && g.nodes.length > 0) return { kind: "failed", why: "constants left operations in the graph" };
    for (const [i, port] of g.outputs.entries()) {
      const v = results.get(port.name)!;
      const want = tensor(`output_${i}.pb`);
      if (typeof want === "string") return { kind: "refused", why: want };
      if (want.shape.join() !== v.type.shape.join())
        return { kind: "failed", why: `shape [${v.type.shape}] instead of [${want.shape}]` };
      const why = difference(v.data!, want.data, want.elementType.name);
      if (why) return { kind: "failed", why: `output ${port.name}: ${why}` };
    }
    return { kind: "passed" };
  } catch (e) {
    if (!(e instanceof AccelcError)) throw e;
    return { kind: "refused", why: e.diagnostics.map((d) => `${d.code}: ${d.message}`).join("; ") };
  }
}

const newInitializer = (name: string, t: DecodedTensor): TensorProto =>
  buildModel({
    inputs: [],
    outputs: [],
    nodes: [],
    initializers: [{ name, type: t.dtype, shape: t.shape, data: t.data as ArrayLike<number | bigint> }],
  }).graph!.initializer![0]!;

describe.skipIf(!hasNodeVectors)("ONNX node vectors", () => {
  const files = hasNodeVectors ? readTar(NODE_VECTORS) : new Map<string, Uint8Array>();
  const folders = [...files.keys()].filter((f) => f.endsWith("/model.onnx")).map((f) => f.slice(0, -11));

  it.each([
    ["folded", true, 334],
    ["at run time", false, 267],
  ] as const)("give the expected outputs %s, wherever the operators are supported", async (how, constant, least) => {
    expect(folders.length).toBeGreaterThan(1000);
    const failed: string[] = [];
    const refused: string[] = [];
    let passed = 0;
    for (const folder of folders) {
      const r = await runVector(files, folder, constant);
      if (r.kind === "passed") passed++;
      else (r.kind === "failed" ? failed : refused).push(`${folder}: ${r.why}`);
    }
    if (process.env.SHOW_REFUSED) console.log(refused.filter((r) => !r.includes("FE1001")).join("\n"));
    console.log(
      `${how}: ${passed} vectors passed, ${failed.length} failed, ${refused.length} need what is not supported`,
    );
    expect(failed).toEqual([]);
    expect(passed).toBeGreaterThanOrEqual(least);
  });
});
