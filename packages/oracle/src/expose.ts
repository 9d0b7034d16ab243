import { decodeModel, type ExternalData, type GraphProto, type ModelProto, type TensorProto } from "@accelc/frontend";
import { expandQonnx } from "./qonnx.js";

const EXTERNAL = 1;

function* attributeTensors(graph: GraphProto): Generator<TensorProto> {
  for (const node of graph.node ?? [])
    for (const a of node.attribute ?? []) {
      if (a.t) yield a.t;
      yield* a.tensors ?? [];
      for (const g of a.g ? [a.g] : (a.graphs ?? [])) {
        yield* g.initializer ?? [];
        yield* attributeTensors(g);
      }
    }
}

/** The tensor with the bytes of its file in it, for ONNX Runtime has no files here. */
async function inlined(t: TensorProto, read: ExternalData | undefined): Promise<TensorProto> {
  if (t.dataLocation !== EXTERNAL) return t;
  const entry = (key: string) => t.externalData?.find((e) => e.key === key)?.value ?? undefined;
  const [location, length] = [entry("location") ?? "", entry("length")];
  if (!read) throw new Error(`the data of ${t.name} is in ${JSON.stringify(location)}, which cannot be read here`);
  const bytes = await read(location, Number(entry("offset") ?? 0), length === undefined ? undefined : Number(length));
  return { ...t, rawData: bytes, dataLocation: 0, externalData: [] };
}

async function inlineInitializers(graph: GraphProto, read: ExternalData | undefined): Promise<TensorProto[]> {
  const out: TensorProto[] = [];
  for (const t of graph.initializer ?? []) out.push(await inlined(t, read));
  return out;
}

/** Tensors that a node of the main graph defines and that are no output yet; needs no type information. */
function missingOutputs(graph: GraphProto, wanted: ReadonlySet<string> | "all"): { name: string }[] {
  const have = new Set((graph.output ?? []).map((o) => o.name ?? ""));
  const added: { name: string }[] = [];
  for (const node of graph.node ?? []) {
    for (const name of node.output ?? []) {
      if (name === "" || have.has(name) || !(wanted === "all" || wanted.has(name))) continue;
      have.add(name);
      added.push({ name });
    }
  }
  return added;
}

export interface Prepared {
  /** A model that needs no other file. */
  readonly model: ModelProto;
  /** The same model with the wanted tensors among its outputs. */
  readonly exposed: ModelProto;
  /** The outputs of the model itself. */
  readonly outputs: readonly string[];
}

/**
 * The model for ONNX Runtime: external data read, operators of QONNX expanded. A decoded model that is given stays as it
 * is, but that external tensors in attributes are read into it.
 */
export async function prepare(
  given: Uint8Array | ModelProto,
  wanted: readonly string[] | "all",
  read: ExternalData | undefined,
): Promise<Prepared> {
  const proto = given instanceof Uint8Array ? decodeModel(given) : given;
  if (!proto.graph) return { model: proto, exposed: proto, outputs: [] };
  const graph: GraphProto = { ...proto.graph, initializer: await inlineInitializers(proto.graph, read) };
  for (const t of attributeTensors(graph)) Object.assign(t, await inlined(t, read));
  const model: ModelProto = { ...proto, graph };
  expandQonnx(model);
  const output = graph.output ?? [];
  const missing = missingOutputs(graph, wanted === "all" ? wanted : new Set(wanted));
  const exposed = missing.length === 0 ? model : { ...model, graph: { ...graph, output: [...output, ...missing] } };
  return { model, exposed, outputs: output.map((o) => o.name ?? "") };
}
