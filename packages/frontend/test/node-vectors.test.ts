import { AccelcError, type Data, type Diagnostic } from "@accelc/ir";
import { describe, expect, it } from "vitest";
import {
  type DecodedTensor,
  decodeModel,
  decodeTensor,
  decodeTensorProto,
  importProto,
  type ModelProto,
  type TensorProto,
} from "../src/index.js";
import { groupOf } from "./listed-operators.js";
import { hasNodeVectors, NODE_VECTORS, readTar } from "./pack.js";
import { runGraph } from "./run-graph.js";

type Outcome = { readonly kind: "passed" } | { readonly kind: "refused" | "failed"; readonly why: string };
type Files = ReadonlyMap<string, Uint8Array>;

const numbers = (d: Data): number[] => Array.from(d as ArrayLike<number | bigint>, Number);

/** Graphs compute in float32 what a model computes in 16 bits. */
const TOLERANCE: Readonly<Record<string, number>> = { float16: 1e-3, bfloat16: 1e-2 };

/** Float values differ by at most a part of the largest, integers not at all. */
function difference(got: Data, want: Data, type: string): string | undefined {
  if (got.length !== want.length) return `${got.length} elements for ${want.length}`;
  if (got instanceof BigInt64Array || got instanceof BigUint64Array)
    return got.every((x, i) => x === want[i]) ? undefined : "its integers differ";
  const [a, b] = [numbers(got), numbers(want)];
  const largest = b.reduce((m, y) => (Number.isFinite(y) ? Math.max(m, Math.abs(y)) : m), 0);
  const allowed = got instanceof Float32Array ? (TOLERANCE[type] ?? 1e-4) * largest : 0;
  const bad = a.findIndex(
    (x, i) => !(x === b[i] || Math.abs(x - b[i]!) <= allowed || (Number.isNaN(x) && Number.isNaN(b[i]))),
  );
  return bad < 0 ? undefined : `element ${bad} is ${a[bad]}, not ${b[bad]}`;
}

/** TensorProto.DataType: sequences, optional values and strings are not counted. */
const STRING = 8;

interface Vector {
  readonly folder: string;
  readonly model: ModelProto;
  readonly group: string | undefined;
}

function readVector(files: Files, folder: string): Vector {
  const model = decodeModel(files.get(`${folder}/model.onnx`)!, folder);
  const nodes = model.graph?.node ?? [];
  const operators = nodes.map((n) => (n.domain ? `${n.domain}.` : "") + n.opType);
  const names = nodes.flatMap((n) => [...(n.output ?? []), ...(n.input ?? [])]);
  const ports = [...(model.graph?.input ?? []), ...(model.graph?.output ?? [])];
  const numeric = ports.every(({ type }) => type?.tensorType && type.tensorType.elemType !== STRING);
  return { folder, model, group: numeric ? groupOf(operators, names) : undefined };
}

/** The input that a refusal says must be constant, if that is why. */
function mustBeConstant(d: Diagnostic): string | undefined {
  if (d.code === "FE1003" && /at run time|not constant/.test(d.message)) return /^input (\S+) of/.exec(d.message)?.[1];
  return d.code === "FE2013" ? /^input (\S+) must be/.exec(d.hint)?.[1] : undefined;
}

/**
 * Runs a vector with its inputs made constants, so that importing it computes its outputs, or with all of its inputs left
 * to run time but those that a first attempt names as needed while importing.
 */
async function runVector(files: Files, v: Vector, constant: boolean): Promise<Outcome> {
  const graph = v.model.graph!;
  const given: { name: string; proto: TensorProto; tensor: DecodedTensor }[] = [];
  for (const [i, { name }] of (graph.input ?? []).entries()) {
    const read = readTensor(files, `${v.folder}/test_data_set_0/input_${i}.pb`);
    if (typeof read === "string") return { kind: "refused", why: `input: ${read}` };
    given.push({ name: name!, ...read });
  }
  const own = graph.initializer ?? [];
  const fixed = new Set(constant ? given.map((t) => t.name) : []);
  for (;;) {
    const initializer = [...own, ...given.filter((t) => fixed.has(t.name)).map((t) => ({ ...t.proto, name: t.name }))];
    const inputs = given.filter((t) => !fixed.has(t.name)).map((t) => [t.name, t.tensor.data] as const);
    try {
      const g = await importProto({ ...v.model, graph: { ...graph, initializer } }, { modelName: v.folder });
      if (constant && g.nodes.length > 0) return { kind: "failed", why: "constants left operations in the graph" };
      return compared(files, v, runGraph(g, Object.fromEntries(inputs)));
    } catch (e) {
      if (!(e instanceof AccelcError)) return { kind: "failed", why: String(e) };
      const more = e.diagnostics.flatMap((d) => mustBeConstant(d) ?? []).filter((n) => inputs.some(([i]) => i === n));
      if (more.length === 0)
        return { kind: "refused", why: e.diagnostics.map((d) => `${d.code}: ${d.message}`).join("; ") };
      for (const n of more) fixed.add(n);
    }
  }
}

function readTensor(files: Files, file: string): { proto: TensorProto; tensor: DecodedTensor } | string {
  const bytes = files.get(file);
  const proto = bytes ? decodeTensorProto(bytes) : "no such file";
  if (typeof proto === "string") return proto;
  const tensor = decodeTensor(proto);
  return typeof tensor === "string" ? tensor : { proto, tensor };
}

function compared(files: Files, v: Vector, results: ReturnType<typeof runGraph>): Outcome {
  for (const [i, port] of (v.model.graph!.output ?? []).entries()) {
    const got = results.get(port.name!)!;
    const want = readTensor(files, `${v.folder}/test_data_set_0/output_${i}.pb`);
    if (typeof want === "string") return { kind: "refused", why: want };
    const { shape, data, elementType } = want.tensor;
    if (shape.join() !== got.type.shape.join())
      return { kind: "failed", why: `shape [${got.type.shape}] instead of [${shape}]` };
    const why = difference(got.data!, data, elementType.name);
    if (why) return { kind: "failed", why: `output ${port.name}: ${why}` };
  }
  return { kind: "passed" };
}

describe.skipIf(!hasNodeVectors)("ONNX node vectors", () => {
  const files = hasNodeVectors ? readTar(NODE_VECTORS) : new Map<string, Uint8Array>();
  const vectors = [...files.keys()]
    .filter((f) => f.endsWith("/model.onnx"))
    .map((f) => readVector(files, f.slice(0, -"/model.onnx".length)));

  it.each([
    ["folded", true, 0.99],
    ["at run time", false, 0.97],
  ] as const)("give the expected outputs %s, where their operators are listed", async (how, constant, least) => {
    expect(vectors.length).toBeGreaterThan(1000);
    const table = new Map<string, { passed: number; total: number }>();
    const [failed, refused]: [string[], string[]] = [[], []];
    for (const v of vectors) {
      const r = await runVector(files, v, constant);
      const entry = table.get(v.group ?? "not listed") ?? { passed: 0, total: 0 };
      table.set(v.group ?? "not listed", entry);
      entry.total++;
      if (r.kind === "passed") entry.passed++;
      else if (r.kind === "failed") failed.push(`${v.folder}: ${r.why}`);
      else if (v.group !== undefined || process.env.SHOW_REFUSED) refused.push(`${v.folder}: ${r.why}`);
    }
    const listed = [...table].filter(([group]) => group !== "not listed").map(([, e]) => e);
    const sum = (f: (e: { passed: number; total: number }) => number) => listed.reduce((s, e) => s + f(e), 0);
    const lines = [...table].map(([group, e]) => `  ${group}: ${e.passed} of ${e.total}`);
    console.log([`${how}: ${sum((e) => e.passed)} of ${sum((e) => e.total)} listed`, ...lines, ...refused].join("\n"));
    expect(failed).toEqual([]);
    expect(sum((e) => e.passed) / sum((e) => e.total)).toBeGreaterThanOrEqual(least);
  });
});
