/**
 * Graph invariants, checked after every pass:
 * 1. every value a node reads is a graph input, a constant, or the output of an earlier node;
 * 2. no value has two definitions, and constants hold as many elements as their shape;
 * 3. each output's type is what the operation's row infers (quantization annotations aside);
 * 4. operations belong to the graph's level: a float graph holds no integer operation and vice versa;
 * 5. an integer graph holds no float value, and integer conv and matmul operands carry a scale; int4 and int2 values are
 *    read by conv and matmul only, and no input or output of the graph; minifloats are read by these, by movements and by
 *    conversions;
 * 6. only float constants state a grid, whose scales broadcast to their shape;
 * 7. every graph output names a defined value.
 */
import { CompilerBug } from "./diagnostics.js";
import type { Graph, Node } from "./graph.js";
import { OPS, type OpDef, type OpName } from "./ops.js";
import { broadcastShapes, type CodeGrid, type DType, elements, isFloat, isMinifloat, sameShape } from "./types.js";

export type Level = "float" | "integer";

/** Everything that is wrong with `g`, one sentence each; empty when it is well formed. */
export function graphProblems(g: Graph, level: Level): string[] {
  const problems: string[] = [];
  const defined = new Set<string>(g.inputs.map((p) => p.value));
  for (const [id, v] of g.values) {
    if (id !== v.id) problems.push(`value ${v.id} is stored under ${id}`);
    if (!v.data) continue;
    if (defined.has(id)) problems.push(`input ${id} is also a constant`);
    defined.add(id);
    if (v.data.length !== elements(v.type.shape))
      problems.push(`constant ${id} holds ${v.data.length} elements for [${v.type.shape.join(",")}]`);
    if (v.grid && !(isFloat(v.type.dtype) && fits(v.grid, v.type.shape)))
      problems.push(`constant ${id} states a grid of shape [${v.grid.shape.join(",")}]`);
  }
  for (const n of g.nodes) {
    for (const i of n.inputs) if (!defined.has(i)) problems.push(`${label(n)} reads ${i} before it is defined`);
    for (const o of n.outputs) {
      if (defined.has(o)) problems.push(`${label(n)} defines ${o} again`);
      defined.add(o);
    }
    problems.push(...nodeProblems(g, n, level));
  }
  for (const p of [...g.inputs, ...g.outputs])
    if (isPacked(g.values.get(p.value)?.type.dtype)) problems.push(`${p.name} holds packed codes`);
  for (const o of g.outputs) if (!defined.has(o.value)) problems.push(`output ${o.name} names undefined ${o.value}`);
  return problems;
}

const isPacked = (dtype: DType | undefined): boolean => dtype === "int4" || dtype === "int2";

/** Beside products and movements these alone read codes of minifloats. */
const CONVERSIONS: ReadonlySet<OpName> = new Set(["toFixed", "toFp8", "fromFp8"]);

const fits = (g: CodeGrid, shape: readonly number[]): boolean =>
  sameShape(broadcastShapes(g.shape, shape) ?? [], shape) &&
  g.scale.length === elements(g.shape) &&
  g.zero.length === elements(g.shape);

const label = (n: Node): string => `${n.op} (${n.loc.node})`;

function nodeProblems(g: Graph, n: Node, level: Level): string[] {
  const row = OPS[n.op] as OpDef<never>;
  if (row.level !== "both" && row.level !== level)
    return [`${label(n)} stands in ${level === "float" ? "a float" : "an integer"} graph`];
  const types = n.inputs.map((i) => g.values.get(i)?.type);
  if (types.some((t) => t === undefined)) return [];
  const want = row.infer(types as never, n.attrs as never);
  if (typeof want === "string") return [`${label(n)}: ${want}`];
  const got = g.values.get(n.outputs[0]!)?.type;
  if (!got) return [`${label(n)} defines ${n.outputs[0]}, which has no type`];
  const out: string[] = [];
  if (got.dtype !== want.dtype || !sameShape(got.shape, want.shape))
    out.push(
      `${label(n)} gives ${want.dtype}[${want.shape.join(",")}] but is typed ${got.dtype}[${got.shape.join(",")}]`,
    );
  if (level === "integer") {
    if (isFloat(got.dtype)) out.push(`${label(n)} has the float type ${got.dtype}`);
    if (row.kind === "gemm" && types.slice(0, 2).some((t) => !t!.quant && !isMinifloat(t!.dtype)))
      out.push(`${label(n)} has an operand without scale`);
    if (row.kind !== "gemm" && types.some((t) => isPacked(t!.dtype))) out.push(`${label(n)} reads packed codes`);
    const codes = row.kind === "gemm" || row.kind === "movement" || CONVERSIONS.has(n.op);
    if (!codes && types.some((t) => isMinifloat(t!.dtype))) out.push(`${label(n)} reads minifloat codes`);
  }
  return out;
}

/** Throws a CompilerBug naming `stage` unless `g` is well formed. */
export function verifyGraph(g: Graph, level: Level, stage: string): void {
  const problems = graphProblems(g, level);
  if (problems.length > 0) throw new CompilerBug(stage, problems.slice(0, 10).join("; "));
}
