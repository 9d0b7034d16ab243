import { decodeModel, type ExternalData, encodeModel, type ModelProto } from "@accelc/frontend";
import { expandQonnx } from "./qonnx.js";

type GraphProto = NonNullable<ModelProto["graph"]>;
type TensorProto = NonNullable<GraphProto["initializer"]>[number];

const EXTERNAL = 1;

function* tensorsOf(graph: GraphProto): Generator<TensorProto> {
  yield* graph.initializer ?? [];
  for (const node of graph.node ?? [])
    for (const a of node.attribute ?? []) {
      if (a.t) yield a.t;
      yield* a.tensors ?? [];
      for (const g of a.g ? [a.g] : (a.graphs ?? [])) yield* tensorsOf(g);
    }
}

/** Puts the bytes of external tensors into the model, for ONNX Runtime has no files here. */
async function inlineExternalData(graph: GraphProto, read: ExternalData | undefined): Promise<void> {
  for (const t of tensorsOf(graph)) {
    if (t.dataLocation !== EXTERNAL) continue;
    const entry = (key: string) => t.externalData?.find((e) => e.key === key)?.value ?? undefined;
    const [location, length] = [entry("location") ?? "", entry("length")];
    if (!read) throw new Error(`the data of ${t.name} is in ${JSON.stringify(location)}, which cannot be read here`);
    const bytes = await read(location, Number(entry("offset") ?? 0), length === undefined ? undefined : Number(length));
    Object.assign(t, { rawData: bytes, dataLocation: 0, externalData: [] });
  }
}

/** Adds the wanted tensors that a node of the main graph defines to the graph's outputs; needs no type information. */
function addOutputs(graph: GraphProto, wanted: ReadonlySet<string> | "all"): void {
  const have = new Set((graph.output ?? []).map((o) => o.name ?? ""));
  const added: { name: string }[] = [];
  for (const node of graph.node ?? []) {
    for (const name of node.output ?? []) {
      if (name === "" || have.has(name) || !(wanted === "all" || wanted.has(name))) continue;
      have.add(name);
      added.push({ name });
    }
  }
  graph.output = [...(graph.output ?? []), ...added];
}

const hasExternal = (graph: GraphProto): boolean => [...tensorsOf(graph)].some((t) => t.dataLocation === EXTERNAL);

export interface Prepared {
  /** A model that needs no other file. */
  readonly model: Uint8Array;
  /** The same model with the wanted tensors among its outputs. */
  readonly exposed: Uint8Array;
  /** The outputs of the model itself. */
  readonly outputs: readonly string[];
}

/** Rewrites the model for ONNX Runtime, operators of QONNX included; the bytes stay as they are where nothing has to change. */
export async function prepare(
  bytes: Uint8Array,
  wanted: readonly string[] | "all",
  read: ExternalData | undefined,
): Promise<Prepared> {
  const proto = decodeModel(bytes);
  const graph = proto.graph;
  if (!graph) return { model: bytes, exposed: bytes, outputs: [] };
  const outputs = (graph.output ?? []).map((o) => o.name ?? "");
  const external = hasExternal(graph);
  if (external) await inlineExternalData(graph, read);
  const expanded = expandQonnx(proto);
  const model = external || expanded ? encodeModel(proto) : bytes;
  if (wanted.length === 0) return { model, exposed: model, outputs };
  addOutputs(graph, wanted === "all" ? wanted : new Set(wanted));
  return { model, exposed: encodeModel(proto), outputs };
}
