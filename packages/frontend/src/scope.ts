import { AccelcError, type Diagnostic, diag, failOn, type Loc, type ValueId } from "@accelc/ir";
import { readAttributes } from "./attributes.js";
import { NodeContext } from "./context.js";
import { isExternal } from "./external.js";
import type { OperatorRow } from "./operators/row.js";
import { OPERATORS, operatorRow } from "./operators/table.js";
import type { GraphProto, NodeProto } from "./proto.js";
import type { ImportState } from "./state.js";
import { type Placed, type Structure, structureOf } from "./structure.js";
import { decodeTensor } from "./tensor.js";

export const normalDomain = (domain: string | null | undefined): string =>
  domain === "ai.onnx" || !domain ? "" : domain;

/** The opset in which a node is to be read; a function's nodes have the function's. */
export type Opsets = (node: NodeProto) => number | undefined;

/** The row of every node; a missing row, and counts of inputs and outputs outside the row's, are problems. */
export function chooseRows(s: Structure, opsets: Opsets) {
  const chosen = new Map<Placed, OperatorRow>();
  const unsupported: Diagnostic[] = [];
  const counts: Diagnostic[] = [];
  for (const p of s.nodes) {
    const domain = normalDomain(p.node.domain);
    const opset = opsets(p.node);
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

/** Parses every node; those that read a tensor of a rejected node are checked for their attributes only. */
export function addNodes(
  s: Structure,
  rows: ReadonlyMap<Placed, OperatorRow>,
  opsets: Opsets,
  state: ImportState,
): Diagnostic[] {
  const problems: Diagnostic[] = [];
  for (const p of s.nodes) {
    const row = rows.get(p);
    if (!row) continue;
    const opset = opsets(p.node)!;
    const attributes = readAttributes(p.node, row.attributes, opset, p.loc);
    problems.push(...attributes.problems);
    const names = [...(p.node.input ?? []), ...p.captured];
    const ready = names.every((name) => name === "" || state.tensors.has(name));
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

/** The constants of a graph inside a node; their data stands in the file. */
function addConstants(g: GraphProto, state: ImportState, loc: Loc): void {
  for (const t of g.initializer ?? []) {
    const tensor = isExternal(t) ? "external data is for the outermost graph only" : decodeTensor(t);
    const name = t.name ?? "";
    if (typeof tensor === "string")
      failOn([diag("FE2007", loc, { tensor: JSON.stringify(name), reason: tensor }, "export the model again")]);
    else state.tensors.set(name, state.builder.constant({ dtype: tensor.dtype, shape: tensor.shape }, tensor.data));
  }
}

/**
 * Adds the operations of a graph inside a node, whose inputs are bound to values; it sees the tensors around it. The
 * values of its outputs.
 */
export function addScope(
  around: ImportState,
  opsets: Opsets,
  g: GraphProto,
  bound: ReadonlyMap<string, ValueId>,
  loc: Loc,
): ValueId[] {
  const tensors = new Map([...around.tensors, ...bound]);
  const { structure, problems } = structureOf(g, loc.model, tensors);
  failOn(problems);
  const state: ImportState = { ...around, tensors, read: structure.read, nested: true };
  addConstants(g, state, loc);
  const rows = chooseRows(structure, opsets);
  failOn([...rows.problems, ...addNodes(structure, rows.chosen, opsets, state)]);
  return (g.output ?? []).map((o) => tensors.get(o.name ?? "")!);
}
