import { NS } from "@accelc/isa";
import { overlap, type Rows } from "./rows.js";
import type { SimdPlan, SimdTransfer } from "./simd-plan.js";

/** When the load of a tile may start: two tiles ahead, when the tile before has ended, or where its START stands. */
export type Lead = "ahead" | "behind" | "inOrder";

/** Transfers that an action of the region has to wait for: loads and stores of its tile, and of tiles before. */
export interface Waits {
  readonly loads: readonly number[];
  /** Loads of earlier tiles only, of the same and of the other parity. */
  readonly loadsSame: readonly number[];
  readonly loadsOther: readonly number[];
  readonly stores: readonly number[];
  /** Stores of tiles of the other parity. */
  readonly storesBefore: readonly number[];
}

export interface Hazards {
  /** Per action of the plan; transfers' STARTs included. */
  readonly waits: readonly Waits[];
  /** Per transfer. */
  readonly leads: readonly Lead[];
}

const NONE: Waits = { loads: [], loadsSame: [], loadsOther: [], stores: [], storesBefore: [] };

interface Touch {
  readonly reads: readonly Rows[];
  readonly writes: readonly Rows[];
}

const touchOf = (t: SimdTransfer): Touch =>
  t.store ? { reads: [t.rows], writes: [] } : { reads: t.index ? [t.index] : [], writes: [t.rows] };

/** Rows decide who waits for whom: a load's rows for readers and writers, a store's rows for writers. */
export function findHazards(plan: SimdPlan): Hazards {
  const { actions, transfers, windows } = plan;
  const touches = actions.map((a): Touch | undefined => {
    if (a.kind === "work") return a.work;
    return a.kind === "start" ? touchOf(transfers[a.transfer]) : undefined;
  });
  const all = ({ reads, writes }: Touch) => [...reads, ...writes];
  const meet = (a: readonly Rows[], b: readonly Rows[]) => overlap(a, b, windows);
  const startOf = transfers.map((_, i) => actions.findIndex((a) => a.kind === "start" && a.transfer === i));

  const waits = touches.map((t, at): Waits => {
    if (t === undefined) return NONE;
    const others = transfers.map((x, i) => ({ x, i })).filter(({ i }) => startOf[i] !== at);
    const loads = others.filter(({ x, i }) => !x.store && startOf[i] < at && meet(all(t), [x.rows]).same);
    const every = transfers.map((x, i) => ({ x, i })).filter(({ x }) => !x.store);
    const loadsSame = every.filter((l) => meet(all(t), [l.x.rows]).same && !loads.some(({ i }) => i === l.i));
    const loadsOther = every.filter(({ x }) => meet(all(t), [x.rows]).other);
    const stores = others.filter(({ x }) => x.store && meet(t.writes, [x.rows]).same);
    const before = others.filter(({ x }) => x.store && meet(t.writes, [x.rows]).other);
    const numbers = (list: readonly { readonly i: number }[]) => list.map(({ i }) => i);
    return {
      loads: numbers(loads),
      loadsSame: numbers(loadsSame),
      loadsOther: numbers(loadsOther),
      stores: numbers(stores),
      storesBefore: numbers(before),
    };
  });

  const leads = transfers.map((x, i): Lead => {
    if (x.store || x.once || x.index !== undefined || x.rows.ns === NS.OBUF) return "inOrder";
    const mine = [x.rows];
    const earlier = touches.slice(0, startOf[i]).some((t) => t !== undefined && meet(all(t), mine).same);
    if (earlier) return "inOrder";
    const elsewhere = touches.some((t) => t !== undefined && meet(all(t), mine).other);
    return elsewhere ? "behind" : "ahead";
  });
  return { waits, leads };
}
