/** The input of a systolic region: what lies in IBUF, how it comes there, and how the array walks it. */
import type { ResidentInput } from "@accelc/ir";
import { BUFFER, DIR } from "@accelc/isa";
import { emitPackedInput } from "./packed-input.js";
import { emitTileSteps, type SystolicContext, type TileKey } from "./systolic-context.js";
import { emitLoad, type SystolicDim, tiledDim, walkedDim } from "./systolic-load.js";
import { emitBase, emitStrides, INNER } from "./systolic-words.js";
import { tensorAddress } from "./tensors.js";

/** The dimensions of an input tile; `pass`: the passes of a block of channels. */
type InputRole = "batch" | "ic" | "h" | "w" | "pass";
type InputDim = SystolicDim & { readonly role: InputRole };

/** Of each spatial role, the kernel dimension that slides along it, and its place in strides, dilations and padding. */
const SPATIAL = { h: { kernel: "kh", axis: 0 }, w: { kernel: "kw", axis: 1 } } as const;

export function emitInput(c: SystolicContext): void {
  const { pack, resident } = c.g;
  if (pack) emitPackedInput(c, pack, inputAddress(c));
  else if (resident) emitResidentInput(c, resident);
  else emitLoadedInput(c);
}

/** DRAM address of the first byte of the padded input. */
function inputAddress({ p, g }: SystolicContext): number {
  const [h, w] = [g.input.strides[g.roles.h]!, g.input.strides[g.roles.w]!];
  return tensorAddress(p, g.input.tensor) + g.input.offset - g.lead[0] * h - g.lead[1] * w;
}

/** How the array walks IBUF: rows per step of the loops of batch and channels, and per step of the input along h and w. */
function emitReads({ e, g }: SystolicContext, rows: Readonly<Record<"batch" | "ic" | "h" | "w", number>>): void {
  emitStrides(e, DIR.RD, BUFFER.IBUF, [
    [INNER.batch, rows.batch],
    [INNER.ic, rows.ic],
    [INNER.kh, g.dilations[0] * rows.h],
    [INNER.kw, g.dilations[1] * rows.w],
    [INNER.h, g.strides[0] * rows.h],
    [INNER.w, g.strides[1] * rows.w],
  ]);
}

function batchDim(c: SystolicContext): InputDim {
  const key = c.g.roles.batch;
  const { before, count } = c.b.dims[key]!;
  const { tile, step, extent } = before;
  const stride = c.g.input.strides[key]!;
  const dim = walkedDim(c, { extent: tile, stride, lead: 0, size: extent, walks: [{ key, count, step }] });
  return { role: "batch", ...dim };
}

/** Rows or columns that the windows of a tile's outputs cover. */
function spatialDim(c: SystolicContext, role: keyof typeof SPATIAL): InputDim {
  const { g, b } = c;
  const { kernel, axis } = SPATIAL[role];
  const key = g.roles[role];
  const { before, count } = b.dims[key]!;
  const k = g[kernel];
  const [stride, dilation] = [g.strides[axis], g.dilations[axis]];
  const dim = walkedDim(c, {
    extent: (before.tile - 1) * stride + (k.tile - 1) * dilation + 1,
    stride: g.input.strides[key]!,
    lead: g.lead[axis],
    size: g.size[axis],
    walks: [
      { key, count, step: before.step * stride },
      { key: kernel, count: k.count, step: k.tile * dilation },
    ],
  });
  return { role, ...dim };
}

/** Dimensions of an input tile in the order of DRAM, so that runs are long; those of one step are outermost. */
function inputDims(c: SystolicContext): readonly InputDim[] {
  const { g, p } = c;
  const dims: readonly InputDim[] = [
    batchDim(c),
    { role: "ic", ...tiledDim(c, "ic", g.ic, g.ic.stride) },
    spatialDim(c, "h"),
    spatialDim(c, "w"),
    { role: "pass", extent: g.operands.passes, stride: p.lanes, tiles: [] },
  ];
  const reach = (d: InputDim): number => (d.extent > 1 ? d.stride : Number.MAX_SAFE_INTEGER);
  return [...dims].sort((x, y) => reach(y) - reach(x));
}

/** IBUF rows per step along each dimension; 0 where a tile has one step. */
function rowsPerStep(dims: readonly InputDim[]): Readonly<Record<InputRole, number>> {
  const out = { batch: 0, ic: 0, h: 0, w: 0, pass: 0 };
  let rows = 1;
  for (const { role, extent } of [...dims].reverse()) {
    if (extent > 1) out[role] = rows;
    rows *= extent;
  }
  return out;
}

function emitLoadedInput(c: SystolicContext): void {
  const { g, p } = c;
  const { group } = g.roles;
  const dims = inputDims(c);
  const { batch, ic, h, w, pass } = rowsPerStep(dims);
  emitReads(c, g.operands.passes > 1 ? { batch: ic, ic: pass, h, w } : { batch, ic, h, w });
  emitTileSteps(c, DIR.LD, BUFFER.IBUF, group, g.input.strides[group]!);
  emitLoad(c, { buffer: BUFFER.IBUF, address: inputAddress(c), rowBytes: p.lanes, perBank: 1, dims, fill: g.fill });
}

/** Nothing to load: the whole input lies in IBUF, and tiles step through it. */
function emitResidentInput(c: SystolicContext, resident: ResidentInput): void {
  const { e, g } = c;
  const { row, steps } = resident;
  if (row !== 0) emitBase(e, BUFFER.IBUF, row);
  emitReads(c, { ...steps, batch: g.roles.part < 0 ? steps.batch : 0 });
  for (const [key, rows] of residentTiles(c, resident)) emitTileSteps(c, DIR.RD, BUFFER.IBUF, key, rows);
}

/** IBUF rows of a resident input from tile to tile. */
function residentTiles({ b, g }: SystolicContext, { steps }: ResidentInput): readonly (readonly [TileKey, number])[] {
  const { batch, group, h, w } = g.roles;
  const perTile = (d: number): number => b.dims[d]!.before.step;
  return [
    [batch, perTile(batch) * steps.batch],
    [group, perTile(group) * steps.group],
    [h, perTile(h) * g.strides[0] * steps.h],
    [w, perTile(w) * g.strides[1] * steps.w],
    ["ic", g.ic.tile * steps.ic],
    ["kh", g.kh.tile * g.dilations[0] * steps.h],
    ["kw", g.kw.tile * g.dilations[1] * steps.w],
  ];
}
