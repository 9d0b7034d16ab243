/** The systolic region of a compute block: loops, strides and transfers of the GEMM unit. */
import type { BlockProgram, ComputeBlock, GemmPart, ReductionDim } from "@accelc/ir";
import { BUFFER, DIR, REDUCTION, UNIT } from "@accelc/isa";
import type { Emitter } from "./emit.js";
import {
  emitTileSteps,
  partsOf,
  type ReductionKey,
  type SystolicContext,
  systolicContext,
} from "./systolic-context.js";
import { channelLoops, emitFormat } from "./systolic-format.js";
import { emitInput } from "./systolic-input.js";
import { emitLoad, tiledDim } from "./systolic-load.js";
import { emitStrides, INNER } from "./systolic-words.js";
import { tensorAddress } from "./tensors.js";

const OUTER: { readonly [K in ReductionKey]: number } = {
  ic: REDUCTION.OUTER_IC,
  kh: REDUCTION.OUTER_KH,
  kw: REDUCTION.OUTER_KW,
};

export function emitSystolicRegion(e: Emitter, p: BlockProgram, b: ComputeBlock, g: GemmPart): void {
  const c = systolicContext(e, p, b, g);
  e.beginRegion(UNIT.SYSTOLIC, b.id % 32);
  emitFormat(e, g.operands);
  emitTileLoops(c);
  emitInnerLoops(c);
  emitWeightReads(c);
  emitBiasReads(c);
  emitSumWrites(c);
  emitInput(c);
  emitWeights(c);
  emitBias(c);
  e.endRegion();
}

function emitTileLoops({ e, b, g, tileLoop }: SystolicContext): void {
  for (const [key, loop] of tileLoop) {
    const { count } = typeof key === "number" ? b.dims[key]! : g[key];
    e.emit({ op: "sa_loop", loop, count_minus_1: count - 1 });
    if (typeof key !== "number") e.emit({ op: "sa_reduction", loop, kind: OUTER[key] });
  }
}

const hasParts = (g: GemmPart): boolean => g.roles.part >= 0;

/** Several passes of a block of channels take the loop of the batch, of which a tile then holds one. */
const lendsBatch = (g: GemmPart): boolean => g.operands.passes > 1;

/** The loops inside a tile, and which of them are the reduction. */
function emitInnerLoops(c: SystolicContext): void {
  const { e, b, g } = c;
  const extent = (role: keyof GemmPart["roles"]): number => b.dims[g.roles[role]]!.before.tile;
  const channels = channelLoops(g);
  const trips: readonly (readonly [loop: number, count: number])[] = [
    [INNER.oc, extent("oc")],
    ...(lendsBatch(g) ? [] : [[INNER.batch, hasParts(g) ? partsOf(c) : extent("batch")] as const]),
    ...channels.map(({ loop, trips }) => [loop, trips] as const),
    [INNER.kh, g.kh.tile],
    [INNER.kw, g.kw.tile],
    [INNER.h, extent("h")],
    [INNER.w, extent("w")],
  ];
  for (const [loop, count] of trips) if (count > 1) e.emit({ op: "sa_loop", loop, count_minus_1: count - 1 });
  for (const { loop } of channels) e.emit({ op: "sa_reduction", loop, kind: REDUCTION.INNER_IC });
  e.emit({ op: "sa_reduction", loop: INNER.kh, kind: REDUCTION.INNER_KH });
  e.emit({ op: "sa_reduction", loop: INNER.kw, kind: REDUCTION.INNER_KW });
}

function emitWeightReads(c: SystolicContext): void {
  const { e, g } = c;
  const taps = g.kh.tile * g.kw.tile;
  emitStrides(e, DIR.RD, BUFFER.WBUF, [
    [INNER.oc, partsOf(c) * g.ic.tile * g.operands.passes * taps],
    ...(hasParts(g) ? [[INNER.batch, g.ic.tile * taps] as const] : []),
    ...channelLoops(g).map(({ loop, inside }) => [loop, inside * taps] as const),
    [INNER.kh, g.kw.tile],
    [INNER.kw, 1],
  ]);
}

function emitBiasReads(c: SystolicContext): void {
  emitStrides(c.e, DIR.RD, BUFFER.BBUF, [
    [INNER.oc, partsOf(c)],
    ...(hasParts(c.g) ? [[INNER.batch, 1] as const] : []),
  ]);
}

/** The loop inside a tile that walks a dimension of the block. */
function innerLoop(g: GemmPart, dim: number): number | undefined {
  const { part, batch, oc, h, w } = g.roles;
  if (dim === (hasParts(g) ? part : batch)) return lendsBatch(g) ? undefined : INNER.batch;
  return dim === oc ? INNER.oc : dim === h ? INNER.h : dim === w ? INNER.w : undefined;
}

/** Sums lie in OBUF in the order of the block's dimensions. */
function emitSumWrites({ e, b, g }: SystolicContext): void {
  const strides: [loop: number, rows: number][] = [];
  let rows = 1;
  for (let i = b.dims.length - 1; i >= 0; i--) {
    const loop = innerLoop(g, i);
    if (loop !== undefined) strides.push([loop, rows]);
    rows *= b.dims[i]!.before.tile;
  }
  emitStrides(e, DIR.WR, BUFFER.OBUF, strides);
}

/** Output blocks as the array walks them: ahead of what a reduction makes of them. */
function ocDim({ b, g }: SystolicContext): ReductionDim {
  const { before, count } = b.dims[g.roles.oc]!;
  return { extent: before.extent, tile: before.tile, count };
}

function emitWeights(c: SystolicContext): void {
  const { p, g } = c;
  const { oc, part } = g.roles;
  const block = p.lanes * p.lanes;
  const pass = g.kh.extent * g.kw.extent * block;
  const s = g.weights.strides;
  s.forEach((stride, i) => {
    if (i !== oc) emitTileSteps(c, DIR.LD, BUFFER.WBUF, i, stride);
  });
  const dims = [
    tiledDim(c, oc, ocDim(c), s[oc]!),
    ...(hasParts(g) ? [{ extent: partsOf(c), stride: s[part]!, tiles: [] }] : []),
    tiledDim(c, "ic", g.ic, pass * g.operands.passes),
    { extent: g.operands.passes, stride: pass, tiles: [] },
    tiledDim(c, "kh", g.kh, g.kw.extent * block),
    tiledDim(c, "kw", g.kw, block),
  ];
  const address = tensorAddress(p, g.weights.tensor) + g.weights.offset;
  emitLoad(c, { buffer: BUFFER.WBUF, address, rowBytes: block, perBank: 1, dims, fill: 0 });
}

function emitBias(c: SystolicContext): void {
  const { p, g } = c;
  if (g.bias === null) return;
  const { group, oc } = g.roles;
  const blocks = ocDim(c);
  const row = 4 * p.lanes;
  const step = row * partsOf(c);
  emitTileSteps(c, DIR.LD, BUFFER.BBUF, group, blocks.extent * step);
  const dims = [tiledDim(c, oc, blocks, step), { extent: partsOf(c), stride: row, tiles: [] }];
  const address = tensorAddress(p, g.bias);
  emitLoad(c, { buffer: BUFFER.BBUF, address, rowBytes: row, perBank: 4, dims, fill: 0 });
}
