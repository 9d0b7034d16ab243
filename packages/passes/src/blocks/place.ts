/**
 * Places the tile buffers of a block: operations reuse a dying operand's rows in place, sources of one operation go to
 * different single-ported namespaces, and rows are assigned by lifetime. Per-tile rows are doubled into a window where
 * there is room, so that the next tile's transfers need not wait.
 */
import { CompilerBug, type TileBuffer, type TileDim, type VectorNamespace, type VectorPart } from "@accelc/ir";
import { inPlacePositions, portPairs } from "./ports.js";
import type { DraftBuffer, DraftOp, VectorDraft } from "./vector.js";

type Vmem = "VMEM1" | "VMEM2";

interface Class {
  readonly members: number[];
  obuf: boolean;
  from: number;
  to: number;
}

export interface TileShape {
  readonly dims: readonly TileDim[];
  /** Product of all tile counts. */
  readonly tiles: number;
}

/** Rows of a buffer under a tiling. `lanes` matters to turned and packed buffers only. */
export function bufferRows(
  b: Pick<DraftBuffer, "spans" | "stage" | "form">,
  dims: readonly TileDim[],
  lanes: number,
): number {
  const steps = dims.reduce((n, d, i) => (b.spans[i] ? n * (b.stage === "before" ? d.before.tile : d.tile) : n), 1);
  const packed = Math.ceil(steps / lanes);
  return b.form === "rows" ? steps : b.form === "packed" ? packed : packed * lanes;
}

const isOnce = (b: DraftBuffer, t: TileShape): boolean =>
  t.tiles > 1 && b.origin === "load" && t.dims.every((d, i) => !b.spans[i] || d.count === 1);

const bufferOf = (op: DraftOp, at: number | "dst"): number | undefined => {
  if (at === "dst") return op.dst;
  const s = op.sources[at];
  return s && "buffer" in s ? s.buffer : undefined;
};

/** Merges results with dying operands; every buffer ends up in one class of shared rows. */
function classes(v: VectorDraft, t: TileShape): { readonly of: number[]; readonly list: Class[] } {
  const end = v.ops.length;
  const last = v.buffers.map(() => -1);
  v.ops.forEach((op, k) => {
    for (const s of op.sources) if ("buffer" in s) last[s.buffer] = k;
  });
  for (const s of v.stores) last[s.buffer] = end;
  const def = v.buffers.map(() => -1);
  v.ops.forEach((op, k) => {
    def[op.dst] = k;
  });
  const stored = new Set(v.stores.map((s) => s.buffer));
  const of: number[] = [];
  const list: Class[] = [];
  const open = (b: DraftBuffer) => {
    of[b.id] = list.length;
    list.push({
      members: [b.id],
      obuf: b.origin === "accumulators",
      from: def[b.id]!,
      to: Math.max(def[b.id]!, last[b.id]!),
    });
  };
  for (const b of v.buffers) if (b.origin !== "result") open(b);
  v.ops.forEach((op, k) => {
    const d = v.buffers[op.dst]!;
    const takes = (at: number): boolean => {
      const id = bufferOf(op, at);
      if (id === undefined || op.window) return false;
      const s = v.buffers[id]!;
      const c = list[of[id]!]!;
      const alike = s.stage === d.stage && s.form === d.form && s.spans.every((x, i) => x === d.spans[i]);
      const staysInside = !c.obuf || (!stored.has(op.dst) && last[op.dst]! < end);
      return alike && c.to === k && !isOnce(s, t) && staysInside;
    };
    const at = inPlacePositions(op).find(takes);
    if (at === undefined) return open(d);
    const id = bufferOf(op, at)!;
    const c = list[of[id]!]!;
    of[d.id] = of[id]!;
    c.members.push(d.id);
    c.to = Math.max(k, last[d.id]!);
  });
  return { of, list };
}

/** Adds copies until the classes can be told apart by two namespaces; returns the draft that can. */
function separate(
  v: VectorDraft,
  t: TileShape,
): {
  readonly draft: VectorDraft;
  readonly side: Map<number, 0 | 1>;
  readonly of: number[];
  readonly list: Class[];
  readonly parts: number[][];
} {
  let draft = v;
  for (let attempt = 0; attempt <= 4 * v.ops.length + 4; attempt++) {
    const { of, list } = classes(draft, t);
    const edges = new Map<number, { to: number; op: number; at: number | "dst" }[]>();
    const link = (a: number, b: number, op: number, at: number | "dst") => {
      const e = edges.get(a);
      if (e) e.push({ to: b, op, at });
      else edges.set(a, [{ to: b, op, at }]);
    };
    let clash: { op: number; at: number | "dst" } | undefined;
    draft.ops.forEach((op, k) => {
      for (const [x, y] of portPairs(op)) {
        const [a, b] = [bufferOf(op, x), bufferOf(op, y)];
        if (a === undefined || b === undefined) continue;
        const [ca, cb] = [of[a]!, of[b]!];
        if (list[ca]!.obuf && list[cb]!.obuf) {
          if (a !== b) clash ??= { op: k, at: x };
        } else if (ca === cb) {
          if (a !== b || x === "dst" || y === "dst") clash ??= { op: k, at: x };
        } else if (!list[ca]!.obuf && !list[cb]!.obuf) {
          link(ca, cb, k, y);
          link(cb, ca, k, x);
        }
      }
    });
    const side = new Map<number, 0 | 1>();
    const parts: number[][] = [];
    for (const start of list.keys()) {
      if (list[start]!.obuf || side.has(start) || clash) continue;
      const part = [start];
      side.set(start, 0);
      for (let i = 0; i < part.length && !clash; i++)
        for (const e of edges.get(part[i]!) ?? []) {
          const want = side.get(part[i]!) === 0 ? 1 : 0;
          const have = side.get(e.to);
          if (have === undefined) {
            side.set(e.to, want);
            part.push(e.to);
          } else if (have !== want) clash = { op: e.op, at: e.at === "dst" ? 0 : e.at };
        }
      parts.push(part);
    }
    if (!clash) return { draft, side, of, list, parts };
    draft = withCopy(draft, clash.op, clash.at === "dst" ? 0 : clash.at);
  }
  throw new CompilerBug("blocks", "scratchpad namespaces could not be told apart");
}

function withCopy(v: VectorDraft, at: number, position: number): VectorDraft {
  const op = v.ops[at]!;
  const source = op.sources[position] as { buffer: number };
  const from = v.buffers[source.buffer]!;
  const copy: DraftBuffer = { ...from, id: v.buffers.length, label: `${from.label}'`, origin: "result" };
  const move: DraftOp = { op: "identity", attrs: {}, stage: from.stage, sources: [source], dst: copy.id, loc: op.loc };
  const changed = { ...op, sources: op.sources.map((s, i) => (i === position ? { buffer: copy.id } : s)) };
  return { ...v, buffers: [...v.buffers, copy], ops: [...v.ops.slice(0, at), move, changed, ...v.ops.slice(at + 1)] };
}

/** First-fit rows for intervals that overlap in time. */
function fit(
  wanted: readonly { readonly key: number; readonly rows: number; readonly from: number; readonly to: number }[],
): { rows: Map<number, number>; high: number } {
  const rows = new Map<number, number>();
  const placed: { at: number; rows: number; from: number; to: number }[] = [];
  let high = 0;
  for (const w of [...wanted].sort((a, b) => b.rows - a.rows || a.key - b.key)) {
    const busy = placed.filter((p) => p.from <= w.to && w.from <= p.to).sort((a, b) => a.at - b.at);
    let at = 0;
    for (const p of busy) {
      if (at + w.rows <= p.at) break;
      at = Math.max(at, p.at + p.rows);
    }
    rows.set(w.key, at);
    placed.push({ at, rows: w.rows, from: w.from, to: w.to });
    high = Math.max(high, at + w.rows);
  }
  return { rows, high };
}

/** The vector part with every buffer placed, or undefined where the tile does not fit `vmemRows` rows per namespace. */
export function placeVector(v: VectorDraft, t: TileShape, vmemRows: number, lanes: number): VectorPart | undefined {
  const { draft, side, of, list, parts } = separate(v, t);
  const rowsOf = (c: Class) => Math.max(...c.members.map((m) => bufferRows(draft.buffers[m]!, t.dims, lanes)));
  const once = (c: Class) => c.members.length === 1 && isOnce(draft.buffers[c.members[0]!]!, t);

  const load = [0, 0];
  const flip = new Map<number, boolean>();
  const sizes = parts.map((p) =>
    [0, 1].map((s) => p.reduce((n, c) => n + (side.get(c) === s ? rowsOf(list[c]!) : 0), 0)),
  );
  for (const i of [...parts.keys()].sort((a, b) => Math.max(...sizes[b]!) - Math.max(...sizes[a]!))) {
    const [x, y] = sizes[i] as [number, number];
    const straight = Math.max(load[0]! + x, load[1]! + y);
    const crossed = Math.max(load[0]! + y, load[1]! + x);
    const f = crossed < straight;
    load[0]! += f ? y : x;
    load[1]! += f ? x : y;
    for (const c of parts[i]!) flip.set(c, f);
  }
  const namespaceOf = (c: number): Vmem => ((side.get(c) === 0) !== flip.get(c) ? "VMEM1" : "VMEM2");

  const row = new Map<number, number>();
  const windows: { namespace: Vmem; base: number; rows: number }[] = [];
  for (const namespace of ["VMEM1", "VMEM2"] as const) {
    const mine = [...list.keys()].filter((c) => !list[c]!.obuf && namespaceOf(c) === namespace);
    let base = 0;
    for (const c of mine.filter((c) => once(list[c]!))) {
      row.set(c, base);
      base += rowsOf(list[c]!);
    }
    const perTile = mine.filter((c) => !once(list[c]!));
    const { rows, high } = fit(
      perTile.map((c) => ({ key: c, rows: rowsOf(list[c]!), from: list[c]!.from, to: list[c]!.to })),
    );
    for (const c of perTile) row.set(c, base + rows.get(c)!);
    if (base + high > vmemRows) return undefined;
    if (t.tiles > 1 && high > 0 && base + 2 * high <= vmemRows) windows.push({ namespace, base, rows: high });
  }
  const buffers = draft.buffers.map((b): TileBuffer => {
    const c = of[b.id]!;
    const namespace: VectorNamespace = list[c]!.obuf ? "OBUF" : namespaceOf(c);
    return {
      id: b.id,
      label: b.label,
      stage: b.stage,
      form: b.form,
      spans: b.spans,
      once: isOnce(b, t),
      rows: bufferRows(b, t.dims, lanes),
      namespace,
      row: list[c]!.obuf ? 0 : row.get(c)!,
    };
  });
  return { loads: draft.loads, ops: draft.ops, stores: draft.stores, buffers, windows };
}
