/** Which buffers of a tile share rows: a result takes over the rows of an operand that dies with it. */
import { inPlacePositions } from "./ports.js";
import { isOnce, type TileShape } from "./rows.js";
import type { DraftBuffer, DraftOp, VectorDraft } from "./vector-builder.js";

/** Buffers on the same rows, alive from one operation to another (-1: loaded ahead of all). */
export interface SharedRows {
  readonly members: readonly number[];
  readonly obuf: boolean;
  readonly from: number;
  readonly to: number;
}

export interface Sharing {
  /** Index into `list` by buffer. */
  readonly of: readonly number[];
  readonly list: readonly SharedRows[];
}

export const bufferAt = (op: DraftOp, at: number | "dst"): number | undefined => {
  if (at === "dst") return op.dst;
  const s = op.sources[at];
  return s && "buffer" in s ? s.buffer : undefined;
};

interface Lifetimes {
  readonly def: readonly number[];
  readonly last: readonly number[];
}

function lifetimes(v: VectorDraft): Lifetimes {
  const def = v.buffers.map(() => -1);
  const last = v.buffers.map(() => -1);
  for (const [k, op] of v.ops.entries()) {
    def[op.dst] = k;
    for (const s of op.sources) if ("buffer" in s) last[s.buffer] = k;
  }
  for (const s of v.stores) last[s.buffer] = v.ops.length;
  return { def, last: last.map((k, i) => Math.max(k, def[i]!)) };
}

const alike = (a: DraftBuffer, b: DraftBuffer): boolean =>
  a.stage === b.stage && a.form === b.form && a.turn === b.turn && a.spans.every((x, i) => x === b.spans[i]);

/** Accumulators stay in OBUF while element-wise operations work on them; what is stored leaves it. */
export function shareRows(v: VectorDraft, t: TileShape): Sharing {
  const { def, last } = lifetimes(v);
  const end = v.ops.length;
  const of: number[] = [];
  const list: SharedRows[] = [];
  const open = (b: DraftBuffer): void => {
    of[b.id] = list.length;
    list.push({ members: [b.id], obuf: b.origin === "accumulators", from: def[b.id]!, to: last[b.id]! });
  };
  for (const b of v.buffers) if (b.origin !== "result") open(b);
  for (const [k, op] of v.ops.entries()) {
    const takes = (at: number): boolean => {
      const id = bufferAt(op, at);
      if (id === undefined || op.window) return false;
      const s = v.buffers[id]!;
      const rows = list[of[id]!]!;
      return alike(s, v.buffers[op.dst]!) && rows.to === k && !isOnce(s, t) && (!rows.obuf || last[op.dst]! < end);
    };
    const free = op.apart ? [] : inPlacePositions(op).filter(takes);
    const at = free.find((p) => list[of[bufferAt(op, p)!]!]!.obuf) ?? free[0];
    if (at === undefined) {
      open(v.buffers[op.dst]!);
      continue;
    }
    const home = of[bufferAt(op, at)!]!;
    const rows = list[home]!;
    of[op.dst] = home;
    list[home] = { ...rows, members: [...rows.members, op.dst], to: last[op.dst]! };
  }
  return { of, list };
}
