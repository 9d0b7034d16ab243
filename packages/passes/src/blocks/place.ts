/**
 * Places the tile buffers of a block: operations reuse a dying operand's rows in place, sources of one operation go to
 * different single-ported namespaces, and rows are assigned by lifetime. Per-tile rows are doubled into a window where
 * there is room, so that the next tile's transfers need not wait.
 */
import type { TileBuffer, VectorNamespace, VectorPart } from "@accelc/ir";
import { type Separation, separate } from "./namespaces.js";
import { bufferRows, fitRows, isOnce, type TileShape } from "./rows.js";
import type { SharedRows } from "./sharing.js";
import type { VectorDraft } from "./vector-builder.js";

type Vmem = "VMEM1" | "VMEM2";

interface Sizes {
  readonly rowsOf: (c: number) => number;
  readonly once: (c: number) => boolean;
}

function sizesOf({ draft, list }: Separation, t: TileShape, lanes: number): Sizes {
  const buffers = (s: SharedRows) => s.members.map((m) => draft.buffers[m]!);
  const rows = list.map((s) => Math.max(...buffers(s).map((b) => bufferRows(b, t.dims, lanes))));
  const once = list.map((s) => s.members.length === 1 && isOnce(buffers(s)[0]!, t));
  return { rowsOf: (c) => rows[c]!, once: (c) => once[c]! };
}

/** Rows that one side of a part takes: at each operation, loads ahead of all and stores behind them included, or in all. */
type Taken = (part: readonly number[], which: 0 | 1) => Int32Array;

const takenByTime =
  ({ side, list, draft }: Separation, { rowsOf, once }: Sizes): Taken =>
  (part, which) => {
    const end = draft.ops.length;
    const taken = new Int32Array(end + 2);
    for (const c of part) {
      if (side.get(c) !== which) continue;
      const [from, to] = once(c) ? [-1, end] : [list[c]!.from, list[c]!.to];
      for (let i = from; i <= to; i++) taken[i + 1]! += rowsOf(c);
    }
    return taken;
  };

const takenInAll =
  ({ side }: Separation, { rowsOf }: Sizes): Taken =>
  (part, which) =>
    Int32Array.of(part.reduce((n, c) => n + (side.get(c) === which ? rowsOf(c) : 0), 0));

const plus = (a: Int32Array, b: Int32Array): Int32Array => a.map((x, i) => x + b[i]!);
const peak = (a: Int32Array): number => a.reduce((m, x) => Math.max(m, x), 0);

/** Which VMEM each shared rows go to: the sides of each part, largest first, so that the fuller VMEM stays small. */
function chooseNamespaces({ side, parts }: Separation, taken: Taken): ReadonlyMap<number, Vmem> {
  const out = new Map<number, Vmem>();
  const sides = parts.map((p) => [taken(p, 0), taken(p, 1)] as const);
  const largest = sides.map(([x, y]) => Math.max(peak(x), peak(y)));
  let [first, second] = [taken([], 0), taken([], 1)];
  for (const i of [...parts.keys()].sort((a, b) => largest[b]! - largest[a]!)) {
    const [x, y] = sides[i]!;
    const straight = [plus(first, x), plus(second, y)] as const;
    const other = [plus(first, y), plus(second, x)] as const;
    const crossed = Math.max(...other.map(peak)) < Math.max(...straight.map(peak));
    [first, second] = crossed ? other : straight;
    for (const c of parts[i]!) out.set(c, (side.get(c) === 0) !== crossed ? "VMEM1" : "VMEM2");
  }
  return out;
}

interface Rows {
  readonly namespaces: ReadonlyMap<number, Vmem>;
  readonly row: ReadonlyMap<number, number>;
  readonly windows: readonly { readonly namespace: Vmem; readonly base: number; readonly rows: number }[];
}

/** Rows of each VMEM's buffers, and the windows; undefined where they do not fit. */
function rowsIn(
  s: Separation,
  { rowsOf, once }: Sizes,
  namespaces: ReadonlyMap<number, Vmem>,
  tiles: number,
  vmemRows: number,
): Rows | undefined {
  const row = new Map<number, number>();
  const windows: { namespace: Vmem; base: number; rows: number }[] = [];
  for (const namespace of ["VMEM1", "VMEM2"] as const) {
    const mine = [...s.list.keys()].filter((c) => namespaces.get(c) === namespace);
    let base = 0;
    for (const c of mine.filter(once)) {
      row.set(c, base);
      base += rowsOf(c);
    }
    const perTile = mine.filter((c) => !once(c));
    const { rows, high } = fitRows(perTile.map((c) => ({ ...s.list[c]!, key: c, rows: rowsOf(c) })));
    for (const c of perTile) row.set(c, base + rows.get(c)!);
    if (base + high > vmemRows) return undefined;
    if (tiles > 1 && high > 0 && base + 2 * high <= vmemRows) windows.push({ namespace, base, rows: high });
  }
  return { namespaces, row, windows };
}

/** The vector part with every buffer placed, or undefined where the tile does not fit `vmemRows` rows per namespace. */
export function placeVector(v: VectorDraft, t: TileShape, vmemRows: number, lanes: number): VectorPart | undefined {
  const s = separate(v, t);
  const sizes = sizesOf(s, t, lanes);
  const ways = [takenInAll, takenByTime].map((taken) =>
    rowsIn(s, sizes, chooseNamespaces(s, taken(s, sizes)), t.tiles, vmemRows),
  );
  const fits = ways.filter((w) => w !== undefined);
  const best = fits.find((w) => fits.every((o) => o.windows.length <= w.windows.length));
  if (!best) return undefined;
  const { namespaces, row, windows } = best;
  const buffers = s.draft.buffers.map((b): TileBuffer => {
    const c = s.of[b.id]!;
    const namespace: VectorNamespace = s.list[c]!.obuf ? "OBUF" : namespaces.get(c)!;
    const { id, label, stage, form, spans, turn } = b;
    return {
      id,
      label,
      stage,
      form,
      ...(turn === undefined ? {} : { turn }),
      spans,
      once: isOnce(b, t),
      rows: bufferRows(b, t.dims, lanes),
      namespace,
      row: row.get(c) ?? 0,
    };
  });
  return { loads: s.draft.loads, ops: s.draft.ops, stores: s.draft.stores, buffers, windows, next: null };
}
