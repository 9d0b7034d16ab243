/**
 * Tells the sources of every instruction apart by namespace: shared rows are the vertices of a graph, rows read together
 * its edges, the two VMEMs its colours. Where two colours do not do, an operand is copied.
 */
import { CompilerBug } from "@accelc/ir";
import { portPairs } from "./ports.js";
import type { TileShape } from "./rows.js";
import { bufferAt, type Sharing, shareRows } from "./sharing.js";
import type { DraftBuffer, DraftOp, VectorDraft } from "./vector-builder.js";

export interface Separation extends Sharing {
  /** The draft with the copies it needed. */
  readonly draft: VectorDraft;
  /** Side of each shared rows within its part. */
  readonly side: ReadonlyMap<number, 0 | 1>;
  /** Connected parts: the sides of one may be exchanged without regard to the others. */
  readonly parts: readonly (readonly number[])[];
}

/** Operand `position` of operation `op` cannot stay where it is. */
interface Clash {
  readonly op: number;
  readonly position: number;
}

interface Edge extends Clash {
  readonly to: number;
}

const operand = (at: number | "dst"): number => (at === "dst" ? 0 : at);

function edgesOf(v: VectorDraft, { of, list }: Sharing): ReadonlyMap<number, readonly Edge[]> | Clash {
  const edges = new Map<number, Edge[]>();
  const link = (from: number, edge: Edge) => {
    const have = edges.get(from);
    if (have) have.push(edge);
    else edges.set(from, [edge]);
  };
  for (const [k, op] of v.ops.entries())
    for (const [x, y] of portPairs(op)) {
      const [a, b] = [bufferAt(op, x), bufferAt(op, y)];
      if (a === undefined || b === undefined || a === b) continue;
      const [p, q] = [of[a]!, of[b]!];
      if (p === q || (list[p]!.obuf && list[q]!.obuf)) return { op: k, position: operand(x) };
      if (list[p]!.obuf || list[q]!.obuf) continue;
      link(p, { to: q, op: k, position: operand(y) });
      link(q, { to: p, op: k, position: operand(x) });
    }
  return edges;
}

/** Two-colours the graph, part by part. */
function colour(
  list: Sharing["list"],
  edges: ReadonlyMap<number, readonly Edge[]>,
): Pick<Separation, "side" | "parts"> | Clash {
  const side = new Map<number, 0 | 1>();
  const parts: number[][] = [];
  for (const start of list.keys()) {
    if (list[start]!.obuf || side.has(start)) continue;
    const part = [start];
    side.set(start, 0);
    for (const at of part)
      for (const e of edges.get(at) ?? []) {
        const want = side.get(at) === 0 ? 1 : 0;
        if (!side.has(e.to)) {
          side.set(e.to, want);
          part.push(e.to);
        } else if (side.get(e.to) !== want) return e;
      }
    parts.push(part);
  }
  return { side, parts };
}

/** The copy is read once; the result gets rows of its own, or it would take over the copy's and keep the conflict. */
function withCopy(v: VectorDraft, { op: at, position }: Clash): VectorDraft {
  const op = v.ops[at]!;
  const source = op.sources[position] as { buffer: number };
  const from = v.buffers[source.buffer]!;
  const copy: DraftBuffer = { ...from, id: v.buffers.length, label: `${from.label}'`, origin: "result" };
  const move: DraftOp = { op: "identity", attrs: {}, stage: from.stage, sources: [source], dst: copy.id, loc: op.loc };
  const changed = { ...op, apart: true, sources: op.sources.map((s, i) => (i === position ? { buffer: copy.id } : s)) };
  return { ...v, buffers: [...v.buffers, copy], ops: [...v.ops.slice(0, at), move, changed, ...v.ops.slice(at + 1)] };
}

export function separate(v: VectorDraft, t: TileShape): Separation {
  let draft = v;
  let last = "";
  for (let attempt = 0; attempt <= 4 * v.ops.length + 4; attempt++) {
    const sharing = shareRows(draft, t);
    const edges = edgesOf(draft, sharing);
    const found = "op" in edges ? edges : colour(sharing.list, edges);
    if (!("op" in found)) return { ...sharing, ...found, draft };
    const op = draft.ops[found.op]!;
    last = `${op.op} into ${draft.buffers[op.dst]!.label}, operand ${found.position}`;
    draft = withCopy(draft, found);
  }
  throw new CompilerBug("blocks", `scratchpad namespaces could not be told apart: ${last}`);
}
