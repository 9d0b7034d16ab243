import { AccelcError, type Diagnostic, diag, failOn, type Graph, GraphBuilder, prune, verifyGraph } from "@accelc/ir";
import { readAttributes } from "./attributes.js";
import { type ImportState, NodeContext } from "./context.js";
import { elementType, portType } from "./element-types.js";
import { type ExternalData, isExternal, readExternal } from "./external.js";
import { type BoundInput, bindInputs, type InputOptions } from "./inputs.js";
import type { OperatorRow } from "./operators/row.js";
import { NEWEST_OPSET, OLDEST_OPSET, OPERATORS, operatorRow } from "./operators/table.js";
import { decodeModel, type GraphProto, type Int64, type ModelProto, toNumber } from "./proto.js";
import { type Placed, type Structure, structureOf } from "./structure.js";
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
  const g = model.graph;
  if (!g || (g.output ?? []).length === 0)
    throw new AccelcError([diag("FE2002", at, {}, "check that the file is a complete ONNX model")]);
  const opsets = readOpsets(model, options.modelName);
  const { structure, problems } = structureOf(g, options.modelName);
  failOn(problems);
  const rows = chooseRows(structure, opsets);
  const bound = bindInputs(g, options);
  const unsupported = rows.problems.some((d) => d.code === "FE1001");
  if (bound.problems.length > 0) failOn([...rows.problems, ...bound.problems]);
  const state = newState(g, structure, bound.inputs);
  const broken = await addInitializers(g, structure, state, options, !unsupported);
  failOn([...rows.problems, ...broken, ...addNodes(structure, rows.chosen, opsets, state)]);
  addOutputs(g, state, options.modelName);
  const graph = prune(state.builder.finish());
  verifyGraph(graph, "float", "import");
  return graph;
}

const normalDomain = (domain: string | null | undefined): string => (domain === "ai.onnx" || !domain ? "" : domain);

function readOpsets(model: ModelProto, modelName: string): ReadonlyMap<string, number> {
  const opsets = new Map<string, number>();
  for (const o of model.opsetImport ?? []) opsets.set(normalDomain(o.domain), toNumber(o.version as Int64));
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

/** The row of every node; a missing row, and counts of inputs and outputs outside the row's, are problems. */
function chooseRows(s: Structure, opsets: ReadonlyMap<string, number>) {
  const chosen = new Map<Placed, OperatorRow>();
  const unsupported: Diagnostic[] = [];
  const counts: Diagnostic[] = [];
  for (const p of s.nodes) {
    const domain = normalDomain(p.node.domain);
    const opset = opsets.get(domain);
    const row = opset === undefined ? undefined : operatorRow(domain, p.loc.op, opset);
    if (!row) {
      const shown = { op: p.loc.op, domain: domain || "ai.onnx", opset: opset ?? "(not given)" };
      unsupported.push(diag("FE1001", p.loc, shown, remedy(domain, p.loc.op)));
      continue;
    }
    const wrong = countProblem(p, row, opset!);
    if (wrong) counts.push(wrong);
    else chosen.set(p, row);
  }
  return { chosen, problems: [...unsupported, ...counts] };
}

function remedy(domain: string, op: string): string {
  const ranges = OPERATORS.filter((r) => r.op === op && r.domain === domain).map((r) => [r.since, r.until] as const);
  if (ranges.length === 0) return "replace it by supported operators; `accelc ops` lists them with their opsets";
  const last = ranges.at(-1)![1];
  return `it is supported in opset ${Math.min(...ranges.map(([since]) => since))} ${last === undefined ? "and later" : `to ${last}`}`;
}

function countProblem(p: Placed, row: OperatorRow, opset: number): Diagnostic | undefined {
  const check = (what: string, count: number, [least, most]: readonly [number, number]) => {
    if (count >= least && count <= most) return undefined;
    const allowed =
      most === least ? least : most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
    return diag("FE1006", p.loc, { op: p.loc.op, count, what, opset, allowed }, "export the model again");
  };
  return (
    check("inputs", p.node.input?.length ?? 0, row.inputs) ?? check("outputs", p.node.output?.length ?? 0, row.outputs)
  );
}

function newState(g: GraphProto, s: Structure, inputs: readonly BoundInput[]): ImportState {
  const builder = new GraphBuilder(g.name ?? "");
  const tensors = new Map<string, string>();
  for (const i of inputs)
    tensors.set(
      i.name,
      builder.input({ name: i.name, elementType: portType(i.type) }, { dtype: i.type.dtype!, shape: i.shape }),
    );
  return { builder, tensors, reserved: s.names, read: s.read, computed: 0 };
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
    else
      state.tensors.set(
        name,
        state.builder.constant({ dtype: tensor.dtype, shape: tensor.shape }, tensor.data, { id: name, source: name }),
      );
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

/** Parses every node; those that read a tensor of a rejected node are checked for their attributes only. */
function addNodes(
  s: Structure,
  rows: ReadonlyMap<Placed, OperatorRow>,
  opsets: ReadonlyMap<string, number>,
  state: ImportState,
): Diagnostic[] {
  const problems: Diagnostic[] = [];
  for (const p of s.nodes) {
    const row = rows.get(p);
    if (!row) continue;
    const opset = opsets.get(row.domain)!;
    const attributes = readAttributes(p.node, row.attributes, opset, p.loc);
    problems.push(...attributes.problems);
    const ready = (p.node.input ?? []).every((name) => name === "" || state.tensors.has(name));
    if (attributes.problems.length > 0 || !ready) continue;
    try {
      row.parse(new NodeContext(state, p.node, p.loc, opset), attributes.values as never);
    } catch (e) {
      if (!(e instanceof AccelcError)) throw e;
      problems.push(...e.diagnostics);
    }
  }
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
