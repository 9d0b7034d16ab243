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

/** Which VMEM each shared rows go to: the sides of each part, largest first, so that the fuller VMEM stays small. */
function chooseNamespaces({ side, parts }: Separation, { rowsOf }: Sizes): ReadonlyMap<number, Vmem> {
  const out = new Map<number, Vmem>();
  const weights = parts.map((p) => {
    const w = [0, 0];
    for (const c of p) w[side.get(c)!]! += rowsOf(c);
    return w as [number, number];
  });
  let [first, second] = [0, 0];
  for (const i of [...parts.keys()].sort((a, b) => Math.max(...weights[b]!) - Math.max(...weights[a]!))) {
    const [x, y] = weights[i]!;
    const crossed = Math.max(first + y, second + x) < Math.max(first + x, second + y);
    first += crossed ? y : x;
    second += crossed ? x : y;
    for (const c of parts[i]!) out.set(c, (side.get(c) === 0) !== crossed ? "VMEM1" : "VMEM2");
  }
  return out;
}

/** The vector part with every buffer placed, or undefined where the tile does not fit `vmemRows` rows per namespace. */
export function placeVector(v: VectorDraft, t: TileShape, vmemRows: number, lanes: number): VectorPart | undefined {
  const s = separate(v, t);
  const sizes = sizesOf(s, t, lanes);
  const namespaces = chooseNamespaces(s, sizes);
  const row = new Map<number, number>();
  const windows: { namespace: Vmem; base: number; rows: number }[] = [];
  for (const namespace of ["VMEM1", "VMEM2"] as const) {
    const mine = [...s.list.keys()].filter((c) => namespaces.get(c) === namespace);
    let base = 0;
    for (const c of mine.filter(sizes.once)) {
      row.set(c, base);
      base += sizes.rowsOf(c);
    }
    const perTile = mine.filter((c) => !sizes.once(c));
    const { rows, high } = fitRows(perTile.map((c) => ({ ...s.list[c]!, key: c, rows: sizes.rowsOf(c) })));
    for (const c of perTile) row.set(c, base + rows.get(c)!);
    if (base + high > vmemRows) return undefined;
    if (t.tiles > 1 && high > 0 && base + 2 * high <= vmemRows) windows.push({ namespace, base, rows: high });
  }
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
  return { loads: s.draft.loads, ops: s.draft.ops, stores: s.draft.stores, buffers, windows };
}
