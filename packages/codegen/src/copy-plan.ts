/**
 * Tiles a copy of a box of elements: which part of every loop lies inside a tile, how long the DRAM runs on both sides
 * are, and whether the permute engine must rearrange words in between. Loops that do not divide are split, so a copy may
 * become several boxes.
 */
import type { CopyLoop } from "@accelc/ir";
import { largestDivisor } from "./runs.js";

export interface CopyBox {
  readonly src: number;
  readonly dst: number;
  readonly loops: readonly CopyLoop[];
}

export interface SidePlan {
  /** Elements per DRAM run. */
  readonly run: number;
  /** Word stride on chip of every loop. */
  readonly words: readonly number[];
  /** Loops that walk runs, outermost first. */
  readonly outer: readonly number[];
  readonly rows: number;
}

export interface CopyPlan {
  readonly box: CopyBox;
  /** Part of every loop inside a tile; divides its extent. */
  readonly inside: readonly number[];
  readonly src: SidePlan;
  readonly dst: SidePlan;
  readonly permute: boolean;
}

export interface CopyLimits {
  readonly lanes: number;
  /** Rows per tile on each side. */
  readonly rows: number;
  /** Elements a DRAM run may have. */
  readonly run: number;
}

type SideName = "src" | "dst";

/** Loops that are contiguous in memory, innermost first. */
function chain(loops: readonly CopyLoop[], side: SideName): number[] {
  const out: number[] = [];
  for (let r = 1; ; ) {
    const next = loops.findIndex((l, i) => l[side] === r && !out.includes(i));
    if (next < 0) return out;
    out.push(next);
    r *= loops[next]!.extent;
  }
}

function plan(
  loops: readonly CopyLoop[],
  inside: readonly number[],
  side: SideName,
  runLoops: readonly number[],
  lanes: number,
): SidePlan {
  const inRun: number[] = [];
  let run = 1;
  for (const i of runLoops) {
    inRun.push(i);
    run *= inside[i]!;
    if (inside[i]! < loops[i]!.extent) break;
  }
  const perRun = Math.ceil(run / lanes);
  const outer = loops.flatMap((l, i) => (!inRun.includes(i) && inside[i]! > 1 && l[side] !== 0 ? [i] : []));
  const words = loops.map((l, i) => (inRun.includes(i) ? l[side] : 0));
  let rows = perRun;
  for (const i of [...outer].reverse()) {
    words[i] = rows * lanes;
    rows *= inside[i]!;
  }
  return { run, words, outer, rows };
}

/** Largest part of loop `i` that keeps the tile feasible; one that divides the loop if that is at least half as large. */
function grow(loops: readonly CopyLoop[], inside: number[], i: number, feasible: () => boolean): void {
  const { extent } = loops[i]!;
  const was = inside[i]!;
  for (let k = 1; k <= extent; k = k < 64 ? k + 1 : Math.ceil(k * 1.2)) {
    const t = Math.ceil(extent / k);
    if (t <= was) break;
    inside[i] = t;
    if (!feasible()) continue;
    const even = largestDivisor(extent, t);
    inside[i] = 2 * even >= t ? even : t;
    return;
  }
  inside[i] = was;
}

/** Plans of the boxes that together carry out `box`. `fill`: nothing is read. */
export function planCopy(box: CopyBox, limits: CopyLimits, fill: boolean): CopyPlan[] {
  const loops = box.loops.filter((l) => l.extent > 1);
  const source = fill ? [] : chain(loops, "src");
  const target = chain(loops, "dst");
  let shared = 0;
  let run = 1;
  while (shared < source.length && source[shared] === target[shared]) run *= loops[source[shared++]!]!.extent;
  const whole = shared === source.length && shared === target.length;
  const direct = fill || whole || run >= limits.lanes;
  const [srcRun, dstRun] = direct && !fill ? [source.slice(0, shared), target.slice(0, shared)] : [source, target];
  const inside = loops.map(() => 1);
  const sides = () =>
    [plan(loops, inside, "src", srcRun, limits.lanes), plan(loops, inside, "dst", dstRun, limits.lanes)] as const;
  const feasible = () => sides().every((s) => s.rows <= limits.rows && s.run <= limits.run);
  const order = [...new Set([...srcRun.slice(0, 1), ...dstRun.slice(0, 1), ...dstRun, ...srcRun, ...loops.keys()])];
  for (const i of order) grow(loops, inside, i, feasible);

  const odd = loops.findIndex((l, i) => l.extent % inside[i]! !== 0);
  if (odd >= 0) return splitBox({ ...box, loops }, odd, inside[odd]!).flatMap((b) => planCopy(b, limits, fill));
  const [src, dst] = sides();
  return [
    { box: { ...box, loops }, inside, src: direct ? directSide(loops, inside, dst) : src, dst, permute: !direct },
  ];
}

/** Without a permutation both sides share rows: loops that the source does not advance are loaded again. */
function directSide(loops: readonly CopyLoop[], inside: readonly number[], dst: SidePlan): SidePlan {
  return {
    ...dst,
    outer: loops.flatMap((_, i) => ((dst.words[i]! === 0 || dst.outer.includes(i)) && inside[i]! > 1 ? [i] : [])),
  };
}

function splitBox(box: CopyBox, i: number, part: number): CopyBox[] {
  const l = box.loops[i]!;
  const main = Math.floor(l.extent / part) * part;
  const withExtent = (extent: number) => box.loops.map((x, k) => (k === i ? { ...x, extent } : x));
  return [
    { ...box, loops: withExtent(main) },
    { src: box.src + main * l.src, dst: box.dst + main * l.dst, loops: withExtent(l.extent - main) },
  ];
}
