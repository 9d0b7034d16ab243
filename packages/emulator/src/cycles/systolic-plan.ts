import { BUFFER, DIR, type Inst } from "@accelc/isa";
import { systolicTileCycles } from "@accelc/machine";
import { reductionStart } from "../block.js";
import { execute } from "../exec.js";
import { minifloatOperands } from "../minifloat-gemm.js";
import { forEachRun, type OuterTrip, tripProduct } from "../runs.js";
import type { Machine } from "../state.js";
import type { Region } from "../structure.js";
import { FIRST_INNER, FIRST_TRANSFER, perByte, strideIndex } from "../systolic-state.js";
import { resolveTransfer, type Transfer } from "../transfer.js";
import { charge } from "./events.js";
import { planSystolicTransfer, type TransferPlan } from "./transfer-plan.js";

export type SystolicBuffer = "WBUF" | "IBUF" | "OBUF" | "BBUF";

/** DRAM bytes [from, to) that a program cannot change. */
export interface Constants {
  readonly from: number;
  readonly to: number;
}

/** One buffer's transfer, and the tile loops whose advance makes it run again. */
export interface SystolicTransfer extends TransferPlan {
  readonly buffer: SystolicBuffer;
  readonly loops: readonly number[];
  /** Does the transfer of a step touch nothing but constants? */
  readonly within: (constants: Constants, outer: OuterTrip) => boolean;
}

/** What a systolic region does, as far as time and counts go. */
export interface SystolicPlan {
  /** Trip counts of the tile loops 0..6. */
  readonly counts: readonly number[];
  /** Hand-overs, and steps (tiles) of the array before each. */
  readonly tiles: number;
  readonly steps: number;
  /** Trip counts of the loops 7..13. */
  readonly inner: readonly number[];
  /** Rows streamed through the array in one step; weight blocks fetched for them; OBUF rows of a tile. */
  readonly rowsStreamed: number;
  /** Reduction elements a cell of the array takes per cycle. */
  readonly perCell: number;
  readonly weightFetches: number;
  readonly outputs: number;
  readonly stepCycles: number;
  readonly bias: boolean;
  /** In the order WBUF, IBUF, BBUF. */
  readonly loads: readonly SystolicTransfer[];
  readonly store: SystolicTransfer | undefined;
  readonly words: number;
}

const product = (xs: Iterable<number>): number => {
  let n = 1;
  for (const x of xs) n *= x;
  return n;
};

export function planSystolic(m: Machine, insts: readonly Inst[], region: Region): SystolicPlan {
  m.unit = "systolic";
  for (let at = region.start; at < region.end; at++) {
    m.address = at;
    execute(m, insts[at]);
  }
  const s = m.systolic;
  const transferOf = (t: Transfer): SystolicTransfer => {
    const loops = t.tileStrides.flatMap((stride, l) => (stride !== 0 ? [l] : []));
    const packed = t.buffer === BUFFER.IBUF && s.pack !== undefined;
    return { buffer: t.name, loops, within: within(m, t), ...planSystolicTransfer(m, t, packed) };
  };
  const loads = [BUFFER.WBUF, BUFFER.IBUF, BUFFER.BBUF].flatMap((buffer) => {
    const word = s.loads[buffer];
    return word === undefined ? [] : [transferOf(resolveTransfer(m, buffer, word))];
  });
  const store = s.store === undefined ? undefined : transferOf(resolveTransfer(m, BUFFER.OBUF, s.store));
  m.address = region.end - 1;
  const first = reductionStart(m);
  const inner = [...s.counts.subarray(FIRST_INNER, FIRST_TRANSFER)];
  const rowsStreamed = product(inner);
  return {
    counts: [...s.counts.subarray(0, FIRST_INNER)],
    tiles: product(s.counts.subarray(0, first)),
    steps: product(s.counts.subarray(first, FIRST_INNER)),
    inner,
    rowsStreamed,
    perCell: (minifloatOperands(m)?.pass ?? m.rows * perByte(s.format)) / m.rows,
    weightFetches: product(inner.slice(0, lastWeightLoop(m) + 1)),
    outputs: product(inner.filter((_, l) => s.reduction[FIRST_INNER + l] === 0)),
    stepCycles: systolicTileCycles(m.description, rowsStreamed),
    bias: s.loads[BUFFER.BBUF] !== undefined,
    loads,
    store,
    words: region.end - region.start,
  };
}

/** Rows of WBUF and BBUF are units of a run. */
const within =
  (m: Machine, t: Transfer): SystolicTransfer["within"] =>
  (constants, outer) => {
    charge(m, tripProduct(t.loops));
    const base = t.tileStrides.reduce((sum, stride, l) => sum + stride * outer(l), t.base);
    let inside = true;
    forEachRun(t.loops, base, t.units, t.bounds, outer, (address, _, from, to) => {
      const [first, end] = [address + from * t.rowBytes, address + to * t.rowBytes];
      if (to > from && (first < constants.from || end > constants.to)) inside = false;
    });
    return inside;
  };

/** Innermost loop inside a tile that moves the weight block, counted from loop 7; -1 where none does. */
function lastWeightLoop(m: Machine): number {
  const { counts, stride } = m.systolic;
  for (let l = FIRST_TRANSFER - 1; l >= FIRST_INNER; l--)
    if (counts[l] > 1 && stride[strideIndex(DIR.RD, BUFFER.WBUF, l)] !== 0) return l - FIRST_INNER;
  return -1;
}

/** Trips of the tile loops step by step, and which loads they call for. */
export class TileWalk {
  readonly trips: number[];
  private readonly last: (string | undefined)[];

  constructor(private readonly plan: SystolicPlan) {
    this.trips = plan.counts.map(() => 0);
    this.last = plan.loads.map(() => undefined);
  }

  readonly outer: OuterTrip = (loop) => this.trips[loop] ?? 0;

  /** Loads that this step needs and the step before did not leave in place. */
  moved(): readonly SystolicTransfer[] {
    return this.plan.loads.filter((t, i) => {
      const key = t.loops.map((l) => this.trips[l]).join();
      if (key === this.last[i]) return false;
      this.last[i] = key;
      return true;
    });
  }

  advance(): void {
    const { counts } = this.plan;
    for (let l = counts.length - 1; l >= 0; l--) {
      this.trips[l] += 1;
      if (this.trips[l] < counts[l]) return;
      this.trips[l] = 0;
    }
  }
}
