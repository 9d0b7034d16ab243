import { AccelcError, type Data } from "@accelc/ir";
import { describe, expect, it } from "vitest";
import { decodeModel, decodeTensor, decodeTensorProto, importProto } from "../src/index.js";
import { hasNodeVectors, NODE_VECTORS, readTar } from "./pack.js";

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

/** Runs a vector with its inputs made constants, so that importing it computes its outputs. */
async function runVector(files: ReadonlyMap<string, Uint8Array>, folder: string): Promise<Outcome> {
  const model = decodeModel(files.get(`${folder}/model.onnx`)!, folder);
  const graph = model.graph!;
  const tensor = (file: string) => {
    const bytes = files.get(`${folder}/test_data_set_0/${file}`);
    return bytes ? decodeTensorProto(bytes) : "no such file";
  };
  graph.initializer ??= [];
  for (const [i, input] of (graph.input ?? []).entries()) {
    const t = tensor(`input_${i}.pb`);
    if (typeof t === "string") return { kind: "refused", why: `input: ${t}` };
    graph.initializer.push(Object.assign(t, { name: input.name }));
  }
  try {
    const g = await importProto(model, { modelName: folder });
    for (const [i, port] of g.outputs.entries()) {
      const v = g.values.get(port.value)!;
      if (!v.data) return { kind: "failed", why: `output ${port.name} is not constant` };
      const stored = tensor(`output_${i}.pb`);
      const want = typeof stored === "string" ? stored : decodeTensor(stored);
      if (typeof want === "string") return { kind: "refused", why: want };
      if (want.shape.join() !== v.type.shape.join())
        return { kind: "failed", why: `shape [${v.type.shape}] instead of [${want.shape}]` };
      const why = difference(v.data, want.data, want.elementType.name);
      if (why) return { kind: "failed", why: `output ${port.name}: ${why}` };
    }
    return { kind: "passed" };
  } catch (e) {
    if (!(e instanceof AccelcError)) throw e;
    return { kind: "refused", why: e.diagnostics.map((d) => `${d.code}: ${d.message}`).join("; ") };
  }
}

describe.skipIf(!hasNodeVectors)("ONNX node vectors", () => {
  it("fold to the expected outputs wherever the operators are supported", async () => {
    const files = readTar(NODE_VECTORS);
    const folders = [...files.keys()].filter((f) => f.endsWith("/model.onnx")).map((f) => f.slice(0, -11));
    expect(folders.length).toBeGreaterThan(1000);
    const failed: string[] = [];
    const refused: string[] = [];
    let passed = 0;
    for (const folder of folders) {
      const r = await runVector(files, folder);
      if (r.kind === "passed") passed++;
      else (r.kind === "failed" ? failed : refused).push(`${folder}: ${r.why}`);
    }
    const known = refused.filter((r) => !r.includes("FE1001"));
    if (process.env.SHOW_REFUSED) console.log(known.join("\n"));
    console.log(`${passed} vectors passed, ${failed.length} failed, ${refused.length} need what is not supported`);
    expect(failed).toEqual([]);
    expect(passed).toBeGreaterThanOrEqual(150);
  });
});
