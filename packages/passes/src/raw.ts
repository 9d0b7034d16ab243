import { consumersOf, type Graph, isFloat, type Node, OPS, producersOf, type ValueId } from "@accelc/ir";

/** The operands of `n` whose elements its float result holds, as they are or rounded as words; undefined where it computes. */
export function passedOn(g: Graph, n: Node): readonly ValueId[] | undefined {
  const float = (id: ValueId) => isFloat(g.values.get(id)!.type.dtype);
  if (!float(n.outputs[0]!)) return undefined;
  if (n.op === "concat") return n.inputs;
  if (n.op === "where") return n.inputs.slice(1);
  if (n.op === "unary" && n.attrs.fn === "minifloat") return n.inputs;
  const moves = OPS[n.op].kind === "movement" || n.op === "identity" || (n.op === "cast" && float(n.inputs[0]!));
  return moves ? n.inputs.slice(0, 1) : undefined;
}

/**
 * Float values that travel as binary32 words: those tied together by movement, selection and conversion between float types
 * alone, where all come from graph inputs and constants, and lead to graph outputs only. Constants belong to no such class.
 */
export function rawValues(g: Graph): ReadonlySet<ValueId> {
  const producers = producersOf(g);
  const consumers = consumersOf(g);
  const variable = (id: ValueId) => !g.values.get(id)!.data;
  const sources = (id: ValueId): readonly ValueId[] | undefined => {
    const n = producers.get(id);
    return n ? passedOn(g, n) : [];
  };
  const out = new Set<ValueId>();
  const done = new Set<ValueId>();
  const classOf = (start: ValueId): { readonly members: readonly ValueId[]; readonly raw: boolean } => {
    const members = [start];
    let raw = true;
    done.add(start);
    for (const id of members) {
      const from = sources(id);
      const uses = consumers.get(id) ?? [];
      if (!from || !uses.every((n) => passedOn(g, n)?.includes(id))) raw = false;
      const results = uses.flatMap((n) => (passedOn(g, n)?.includes(id) ? n.outputs : []));
      for (const next of [...(from ?? []), ...results])
        if (variable(next) && !done.has(next)) {
          done.add(next);
          members.push(next);
        }
    }
    return { members, raw };
  };
  for (const [id, v] of g.values) {
    if (!isFloat(v.type.dtype) || v.data || done.has(id)) continue;
    const { members, raw } = classOf(id);
    if (raw) for (const m of members) out.add(m);
  }
  return out;
}
