import {
  AccelcError,
  allocate,
  type Diagnostic,
  diag,
  elements,
  failOn,
  type Graph,
  GraphBuilder,
  prune,
  verifyGraph,
} from "@accelc/ir";
import { elementType, portType } from "./element-types.js";
import { type ExternalData, isExternal, readExternal } from "./external.js";
import { inlineFunctions, opsetsOf } from "./functions.js";
import { type BoundInput, bindInputs, type InputOptions } from "./inputs.js";
import { QONNX_DOMAINS } from "./operators/qonnx.js";
import { NEWEST_OPSET, OLDEST_OPSET } from "./operators/table.js";
import { decodeModel, type GraphProto, type ModelProto } from "./proto.js";
import { addNodes, addScope, chooseRows, normalDomain, type Opsets } from "./scope.js";
import type { ImportState } from "./state.js";
import { type Structure, structureOf } from "./structure.js";
import { decodeTensor } from "./tensor.js";

export interface ImportOptions extends InputOptions {
  /** Reads tensors stored beside the model; without it they are FE2008. */
  readonly externalData?: ExternalData;
}

/**
 * Reads an ONNX model as a float graph without constant subgraphs. A value that stands for an ONNX tensor has the tensor's
 * name as `id` and `source`; intermediate values have no source, and ids that no ONNX tensor has.
 *
 * Throws AccelcError and nothing else: FE2001 to FE2015 for the file and its structure, FE1001 to FE1006 for nodes, all
 * problems of a stage at once and unsupported operators first.
 */
export async function importModel(bytes: Uint8Array, options: ImportOptions): Promise<Graph> {
  const model = decodeModel(bytes, options.modelName);
  return importProto(model, options);
}

/** As importModel, from a decoded model. */
export async function importProto(model: ModelProto, options: ImportOptions): Promise<Graph> {
  const at = { model: options.modelName };
  const { graph: g, opsets: inFunctions, problems: calls } = inlineFunctions(model, options.modelName);
  if ((g.output ?? []).length === 0)
    throw new AccelcError([diag("FE2002", at, {}, "check that the file is a complete ONNX model")]);
  const declared = readOpsets(model, options.modelName);
  const opsets: Opsets = (node) => {
    const domain = normalDomain(node.domain);
    return inFunctions.get(node)?.get(domain) ?? declared.get(domain) ?? UNVERSIONED.get(domain);
  };
  failOn(calls);
  const { structure, problems } = structureOf(g, options.modelName);
  failOn(problems);
  const rows = chooseRows(structure, opsets);
  const bound = bindInputs(g, options);
  const unsupported = rows.problems.some((d) => d.code === "FE1001");
  if (bound.problems.length > 0) failOn([...rows.problems, ...bound.problems]);
  const state = newState(g, structure, bound.inputs, opsets);
  const broken = await addInitializers(g, structure, state, options, !unsupported);
  failOn([...rows.problems, ...broken, ...addNodes(structure, rows.chosen, opsets, state)]);
  addOutputs(g, state, options.modelName);
  const graph = prune(state.builder.finish());
  verifyGraph(graph, "float", "import");
  return graph;
}

/** Domains without versions, which exporters do not declare. */
const UNVERSIONED: ReadonlyMap<string, number> = new Map(QONNX_DOMAINS.map((d) => [d, 1]));

function readOpsets(model: ModelProto, modelName: string): ReadonlyMap<string, number> {
  const opsets = opsetsOf(model.opsetImport);
  const version = opsets.get("");
  if (version === undefined || version < OLDEST_OPSET || version > NEWEST_OPSET)
    throw new AccelcError([
      diag(
        "FE2004",
        { model: modelName },
        { opset: version ?? "(not given)", domain: "ai.onnx", range: `${OLDEST_OPSET} to ${NEWEST_OPSET}` },
        "convert the model with onnx.version_converter",
      ),
    ]);
  return opsets;
}

function newState(g: GraphProto, s: Structure, inputs: readonly BoundInput[], opsets: Opsets): ImportState {
  const builder = new GraphBuilder(g.name ?? "");
  const tensors = new Map<string, string>();
  for (const i of inputs) {
    const type = { dtype: i.type.dtype!, shape: i.shape };
    const port = builder.input({ name: i.name, elementType: portType(i.type) }, type);
    tensors.set(i.name, elements(i.shape) === 0 ? builder.constant(type, allocate(type.dtype, 0)) : port);
  }
  return {
    builder,
    tensors,
    elementTypes: new Map(inputs.map((i) => [i.name, i.type])),
    reals: new Map(),
    reserved: s.names,
    read: s.read,
    computed: { elements: 0 },
    nested: false,
    inline: (around, graph, values, loc) => addScope(around, opsets, graph, values, loc),
  };
}

/** Adds the initializers that are read; what cannot be decoded is reported. External data only where `complete`. */
async function addInitializers(
  g: GraphProto,
  s: Structure,
  state: ImportState,
  o: ImportOptions,
  complete: boolean,
): Promise<Diagnostic[]> {
  const at = { model: o.modelName };
  const problems: Diagnostic[] = [];
  for (const t of g.initializer ?? []) {
    const name = t.name ?? "";
    if (!s.read.has(name) || (isExternal(t) && !complete)) continue;
    const external = isExternal(t) ? await readExternal(t, o.externalData) : undefined;
    if (typeof external === "string") {
      problems.push(
        diag("FE2008", at, { tensor: JSON.stringify(name), reason: external }, "keep the data file beside the model"),
      );
      continue;
    }
    const tensor = decodeTensor(t, external);
    if (typeof tensor === "string")
      problems.push(diag("FE2007", at, { tensor: JSON.stringify(name), reason: tensor }, "export the model again"));
    else {
      const type = { dtype: tensor.dtype, shape: tensor.shape };
      state.tensors.set(name, state.builder.constant(type, tensor.data, { id: name, source: name }));
      state.elementTypes.set(name, tensor.elementType);
    }
  }
  for (const sparse of g.sparseInitializer ?? [])
    if (s.read.has(sparse.values?.name ?? ""))
      problems.push(
        diag(
          "FE2007",
          at,
          { tensor: JSON.stringify(sparse.values?.name), reason: "sparse tensors are not supported" },
          "store it densely",
        ),
      );
  return problems;
}

function addOutputs(g: GraphProto, state: ImportState, modelName: string): void {
  for (const o of g.output ?? []) {
    const name = o.name ?? "";
    const value = state.tensors.get(name);
    if (value === undefined)
      throw new AccelcError([
        diag(
          "FE2005",
          { model: modelName },
          { tensor: JSON.stringify(name), op: "the graph's outputs" },
          "export the model again",
        ),
      ]);
    const declared = elementType(o.type?.tensorType?.elemType);
    const own = state.builder.type(value).dtype;
    const fits = declared.dtype === own;
    state.builder.output({ name, value, elementType: fits ? portType(declared) : own });
  }
}
