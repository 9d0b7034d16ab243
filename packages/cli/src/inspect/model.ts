import { countMacs } from "@accelc/compiler";
import { decodeModel, importProto, type ModelProto, toNumber } from "@accelc/frontend";
import { elements, type Graph, type Port, typeOf } from "@accelc/ir";
import type { InspectOptions } from "../commands/inspect.js";
import { externalDataIn } from "../external-data.js";
import { type Io, pathIn } from "../io.js";
import { grouped, table } from "../text.js";

const port = (g: Graph, p: Port) => ({ name: p.name, type: p.elementType, shape: typeOf(g, p.value).shape });

/** Number of nodes of each operator, most frequent first. */
function operators(proto: ModelProto): Record<string, number> {
  const counts = new Map<string, number>();
  for (const n of proto.graph?.node ?? []) {
    const name = n.domain && n.domain !== "ai.onnx" ? `${n.domain}.${n.opType}` : (n.opType ?? "");
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)));
}

const parameters = (proto: ModelProto): number =>
  (proto.graph?.initializer ?? []).reduce((n, t) => n + elements((t.dims ?? []).map((d) => toNumber(d as number))), 0);

function describe(proto: ModelProto, g: Graph) {
  return {
    kind: "model",
    name: proto.graph?.name ?? "",
    producer: [proto.producerName, proto.producerVersion].filter(Boolean).join(" "),
    opsets: Object.fromEntries(
      (proto.opsetImport ?? []).map((o) => [o.domain || "ai.onnx", toNumber(o.version as number)]),
    ),
    inputs: g.inputs.map((p) => port(g, p)),
    outputs: g.outputs.map((p) => port(g, p)),
    nodes: proto.graph?.node?.length ?? 0,
    operators: operators(proto),
    parameters: parameters(proto),
    macs: countMacs(g),
  };
}

type Description = ReturnType<typeof describe>;

const ports = (title: string, list: Description["inputs"]): string[][] =>
  list.map((p) => [title, `${p.name}  ${p.type}[${p.shape.join(",")}]`]);

const counts = (record: Readonly<Record<string, number>>): string =>
  Object.entries(record)
    .map(([name, n]) => `${name} ${n}`)
    .join(", ");

const show = (d: Description): string =>
  table([
    ["graph", d.name || "(unnamed)"],
    ["producer", d.producer || "(unknown)"],
    ["opsets", counts(d.opsets)],
    ...ports("input", d.inputs),
    ...ports("output", d.outputs),
    ["nodes", `${d.nodes}: ${counts(d.operators)}`],
    ["parameters", grouped(d.parameters)],
    ["MACs", grouped(d.macs)],
  ]);

/** What an ONNX model holds, as text or JSON. Throws AccelcError where it cannot be imported. */
export async function inspectModel(io: Io, file: string, bytes: Uint8Array, options: InspectOptions): Promise<string> {
  const proto = decodeModel(bytes, file);
  const graph = await importProto(proto, {
    modelName: file,
    batch: 1,
    inputShapes: Object.fromEntries(options.inputShape ?? []),
    externalData: externalDataIn(pathIn(io, file)),
  });
  const d = describe(proto, graph);
  return options.json ? `${JSON.stringify(d, null, 2)}\n` : show(d);
}
