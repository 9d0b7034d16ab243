import { NS } from "@accelc/isa";
import type { WindowState } from "../state.js";

/** Rows [from, to) of a namespace as the words name them, before the window. */
export interface Rows {
  readonly ns: number;
  readonly from: number;
  readonly to: number;
}

/** Windows of a region by namespace: rows [base, base + rows) move by `rows` in odd tiles. */
export interface Windows {
  readonly base: readonly number[];
  readonly rows: readonly number[];
}

export const windowsOf = (w: WindowState): Windows => ({ base: [...w.base], rows: [...w.rows] });

/** The rows that are meant in a tile of a parity; a range that reaches across the window's edge is its hull. */
function physical(r: Rows, w: Windows, odd: boolean): Rows {
  const size = w.rows[r.ns];
  const base = w.base[r.ns];
  if (!odd || size === 0 || r.to <= base || r.from >= base + size) return r;
  const inside = r.from >= base && r.to <= base + size;
  return { ns: r.ns, from: inside ? r.from + size : r.from, to: Math.max(r.to, Math.min(r.to, base + size) + size) };
}

/** OBUF turns over with every tile: its rows of tiles of different parity never meet. */
function meets(a: Rows, aOdd: boolean, b: Rows, bOdd: boolean, w: Windows): boolean {
  if (a.ns !== b.ns || (a.ns === NS.OBUF && aOdd !== bOdd)) return false;
  const [x, y] = [physical(a, w, aOdd), physical(b, w, bOdd)];
  return x.from < y.to && y.from < x.to;
}

/** Whether two sets of rows meet in tiles of the same, and of different parity. */
export interface Overlap {
  readonly same: boolean;
  readonly other: boolean;
}

export function overlap(a: readonly Rows[], b: readonly Rows[], w: Windows): Overlap {
  const any = (f: (x: Rows, y: Rows) => boolean) => a.some((x) => b.some((y) => f(x, y)));
  return {
    same: any((x, y) => meets(x, false, y, false, w) || meets(x, true, y, true, w)),
    other: any((x, y) => meets(x, false, y, true, w) || meets(x, true, y, false, w)),
  };
}
