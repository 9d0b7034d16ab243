import type { Inst } from "@accelc/isa";
import { burstsOfRun, transferCycles } from "@accelc/machine";
import { type LinearBound, linearize } from "../bounds.js";
import { bytesInside, runShape } from "../dae.js";
import { type DaeConfig, digits, sorted } from "../dae-state.js";
import { forEachRun, type OuterTrip, type TransferLoop, tripProduct } from "../runs.js";
import type { Machine } from "../state.js";
import type { Transfer } from "../transfer.js";
import { charge } from "./events.js";

/** What one execution of a transfer costs: bytes that touch DRAM, bursts of all runs, rows on chip, cycles of the channel. */
export interface TransferCost {
  readonly bytes: number;
  readonly bursts: number;
  readonly rows: number;
  readonly cycles: number;
}

/** Contiguous DRAM bytes of every run that touches memory, in order. */
export type RunBytes = readonly number[];

/** A transfer as the schedule sees it, for any values of its outer loops. */
export interface TransferPlan {
  readonly cost: (outer: OuterTrip) => TransferCost;
  readonly runs: (outer: OuterTrip) => RunBytes;
}

interface Shape {
  readonly loops: readonly TransferLoop[];
  readonly units: number;
  readonly bounds: readonly LinearBound[];
  /** DRAM bytes of units [from, to) of a run. */
  readonly bytes: (from: number, to: number) => number;
  /** Rows on chip of the whole transfer. */
  readonly rows: number;
}

/** @param m at the word that the events of the transfer belong to */
function planOf(m: Machine, s: Shape): TransferPlan {
  const { description: machine, address, block } = m;
  const each = tripProduct(s.loops);
  const runs = (outer: OuterTrip): number[] => {
    const found: number[] = [];
    forEachRun(s.loops, 0, s.units, s.bounds, outer, (_, __, from, to) => {
      const bytes = to > from ? s.bytes(from, to) : 0;
      if (bytes > 0) found.push(bytes);
    });
    return found;
  };
  const known = new Map<string, TransferCost>();
  const cost = (outer: OuterTrip): TransferCost => {
    const key = s.bounds.map((b) => b.outers.reduce((sum, o) => sum + o.factor * outer(o.loop), 0)).join();
    let found = known.get(key);
    if (found === undefined) {
      charge(m, each, { address, block });
      let [bytes, bursts] = [0, 0];
      forEachRun(s.loops, 0, s.units, s.bounds, outer, (_, __, from, to) => {
        const n = to > from ? s.bytes(from, to) : 0;
        if (n <= 0) return;
        bytes += n;
        bursts += burstsOfRun(machine, n);
      });
      found = { bytes, bursts, rows: s.rows, cycles: transferCycles(machine, bursts) };
      known.set(key, found);
    }
    return found;
  };
  return { cost, runs };
}

/** The transfer of a systolic buffer. Under PACK a unit is a byte, else a row. */
export function planSystolicTransfer(m: Machine, t: Transfer, packed: boolean): TransferPlan {
  const unitBytes = packed ? 1 : t.rowBytes;
  const all = tripProduct(t.loops) * t.units;
  return planOf(m, {
    loops: t.loops,
    units: t.units,
    bounds: t.bounds,
    bytes: (from, to) => (to - from) * unitBytes,
    rows: packed ? Math.ceil(all / m.rows) : all,
  });
}

/** The transfer of a sealed descriptor; `cost` takes the digits of the tile number. */
export function planDaeTransfer(m: Machine, inst: Inst<"ld_start" | "st_start">, config: DaeConfig): TransferPlan {
  const run = runShape(m, inst);
  const baseLoops = sorted(config.baseLoops);
  const loops = sorted(config.tileLoops);
  const strideIn = (of: readonly TransferLoop[]) => (id: number) => of.find((l) => l.id === id)?.dram ?? 0;
  const strides = { inner: strideIn(loops), outer: strideIn(baseLoops), run: run.rowBytes };
  return planOf(m, {
    loops,
    units: run.rows,
    bounds: config.padding.bounds.map((b) => linearize(m, b, strides)),
    bytes: (from, to) => bytesInside(run, from, to),
    rows: tripProduct(loops) * run.rows,
  });
}

/** Trips of the base loops of a descriptor in a tile. */
export function tileTrips(config: DaeConfig): (tile: number) => OuterTrip {
  const loops = sorted(config.baseLoops);
  return (tile) => {
    const trips = digits(loops, tile);
    return (loop) => trips.get(loop) ?? 0;
  };
}
