/** DRAM traffic of a block under a tiling: how each of its buffers walks through DRAM. */
import type { Access, ReductionDim, TileDim, TileStore } from "@accelc/ir";
import { burstsOfRun, type MachineDescription, transferCycles } from "@accelc/machine";
import { fixed, moving, type Traffic, trafficOf, type Walk } from "./bursts.js";
import type { GemmDraft } from "./gemm.js";
import { reductionTiles, type TilingChoice } from "./tile.js";
import type { DraftBuffer } from "./vector-builder.js";

/** How often a buffer that the dimensions `uses` move is transferred, walking tiles in `order`. */
export function fills(t: TilingChoice, uses: (dim: number) => boolean, reductions: number): number {
  let [times, all] = [1, 1];
  for (const d of t.order) {
    const { count } = t.dims[d]!;
    all *= count;
    if (count > 1 && uses(d)) times = all;
  }
  return reductions > 1 ? all * reductions : times;
}

/** Loads of WBUF, IBUF and BBUF. */
export function systolicTraffic(t: TilingChoice, g: GemmDraft, m: MachineDescription): Traffic[] {
  const { batch, group, oc, h, w } = g.roles;
  const reductions = reductionTiles(t);
  const weights = trafficOf(
    m,
    weightWalks(t, g, m),
    m.array.rows * m.array.columns,
    fills(t, (d) => g.weights.strides[d] !== 0, reductions),
  );
  const input = inputTraffic(
    t,
    g,
    m,
    fills(t, (d) => d === batch || d === group || d === h || d === w, reductions),
  );
  if (g.bias === null) return [weights, input];
  const parts = t.dims[g.roles.part]?.extent ?? 1;
  const row = 4 * m.array.columns;
  const bias = [
    blocks(t.dims[oc]!, row * parts),
    ...(t.dims[group]!.count > 1 ? [moving(t.dims[group]!.count)] : []),
    fixed(parts, row),
  ];
  return [
    weights,
    input,
    trafficOf(
      m,
      bias,
      row,
      fills(t, (d) => d === oc || d === group, 1),
    ),
  ];
}

const blocks = (d: TileDim, stride: number): Walk => ({
  extent: d.before.tile,
  stride,
  count: d.count,
  step: d.tile,
  low: 0,
  size: d.before.extent,
});

const reducing = (d: ReductionDim, stride: number): Walk => ({
  extent: d.tile,
  stride,
  count: d.count,
  step: d.tile,
  low: 0,
  size: d.extent,
});

function weightWalks(t: TilingChoice, g: GemmDraft, m: MachineDescription): Walk[] {
  const block = m.array.rows * m.array.columns;
  const pass = g.kernel[0] * g.kernel[1] * block;
  const { oc, part } = g.roles;
  const s = g.weights.strides;
  const others = s.flatMap((stride, d) =>
    stride !== 0 && d !== oc && d !== part && t.dims[d]!.count > 1 ? [moving(t.dims[d]!.count)] : [],
  );
  return [
    ...others,
    blocks(t.dims[oc]!, s[oc]!),
    ...(part < 0 ? [] : [fixed(t.dims[part]!.extent, s[part]!)]),
    reducing(t.ic, pass * g.operands.passes),
    fixed(g.operands.passes, pass),
    reducing(t.kh, g.kernel[1] * block),
    reducing(t.kw, block),
  ];
}

function inputTraffic(t: TilingChoice, g: GemmDraft, m: MachineDescription, times: number): Traffic {
  const { batch, group, h, w } = g.roles;
  const [n, rows, columns] = [t.dims[batch]!, t.dims[h]!, t.dims[w]!];
  const s = g.input.strides;
  if (g.pack) return packedTraffic(t, g, m, times);
  const { passes } = g.operands;
  const high: Walk = {
    extent: (rows.before.tile - 1) * g.strides[0] + (t.kh.tile - 1) * g.dilations[0] + 1,
    stride: s[h]!,
    count: rows.count,
    step: rows.before.step * g.strides[0],
    low: g.lead[0],
    size: g.size[0],
    ...(t.kh.count > 1 ? { also: { count: t.kh.count, step: t.kh.tile * g.dilations[0] } } : {}),
  };
  const wide: Walk = {
    extent: (columns.before.tile - 1) * g.strides[1] + (t.kw.tile - 1) * g.dilations[1] + 1,
    stride: s[w]!,
    count: columns.count,
    step: columns.before.step * g.strides[1],
    low: g.lead[1],
    size: g.size[1],
    ...(t.kw.count > 1 ? { also: { count: t.kw.count, step: t.kw.tile * g.dilations[1] } } : {}),
  };
  const lines: Walk[] = [
    { extent: n.before.tile, stride: s[batch]!, count: n.count, step: n.before.step, low: 0, size: n.before.extent },
    reducing(t.ic, g.icStride),
    high,
    wide,
    fixed(passes, m.array.rows),
  ];
  const far = (x: Walk) => (x.extent > 1 ? x.stride : Number.MAX_SAFE_INTEGER);
  const sorted = lines.sort((a, b) => far(b) - far(a));
  const groups = t.dims[group]!.count > 1 ? [moving(t.dims[group]!.count)] : [];
  return trafficOf(m, [...groups, ...sorted], m.array.rows, times);
}

/** Every window's runs: a run of bytes for each tap, cut off where the image ends. */
function packedTraffic(t: TilingChoice, g: GemmDraft, m: MachineDescription, times: number): Traffic {
  const { batch, h, w } = g.roles;
  const { run, taps } = g.pack!;
  const axis = (d: TileDim, k: 0 | 1, tile: number): number[] => {
    const out: number[] = [];
    const pixel = g.input.strides[w]!;
    const span = k === 1 && taps[1] === 1 ? run / pixel : 1;
    for (let i = 0; i < d.before.tile; i++)
      for (let tap = 0; tap < taps[k]; tap++) {
        const at = (tile * d.before.step + i) * g.strides[k] + tap * g.dilations[k] - g.lead[k];
        out.push(Math.max(0, Math.min(at + span, g.size[k]) - Math.max(at, 0)) * (k === 1 ? pixel : 1));
      }
    return out;
  };
  const rows = (tile: number) => axis(t.dims[h]!, 0, tile).filter((x) => x > 0).length;
  const runs = (tile: number) =>
    axis(t.dims[w]!, 1, tile).reduce((sum, bytes) => sum + (bytes > 0 ? burstsOfRun(m, bytes) : 0), 0);
  const sum = (count: number, of: (tile: number) => number) =>
    Array.from({ length: count }, (_, i) => of(i)).reduce((a, b) => a + b, 0);
  const images = t.dims[batch]!;
  const [th, tw] = [t.dims[h]!.count, t.dims[w]!.count];
  const again = times / (images.count * th * tw);
  const total = images.before.extent * sum(th, rows) * sum(tw, runs) * again;
  const some = (of: (tile: number) => number) => (tile: number) => Math.min(1, of(tile));
  const touching = images.count * sum(th, some(rows)) * sum(tw, some(runs)) * again;
  const { latencyCycles, burstBytes, bytesPerCycle } = m.dram;
  return {
    times,
    first: transferCycles(m, images.before.tile * rows(0) * runs(0)),
    last: transferCycles(m, rows(th - 1) * runs(tw - 1)),
    total: touching * latencyCycles + (total * burstBytes) / bytesPerCycle,
  };
}

/** A store of a buffer turned along a dimension: rows of lanes of its steps, for every lane and step of the others. */
function turnedWalks(t: TilingChoice, b: DraftBuffer, access: Access, laneStride: number, lanes: number): Walk[] {
  const walkOf = (d: TileDim, i: number): Walk => {
    const rows = (n: number) => (i === b.turn ? Math.ceil(n / lanes) : n);
    const extent = rows(d.tile);
    return { extent, stride: access.strides[i]!, count: d.count, step: extent, low: 0, size: rows(d.extent) };
  };
  const others = t.dims.flatMap((d, i) => (b.spans[i] && i !== b.turn ? [walkOf(d, i)] : []));
  return [...others, fixed(lanes, laneStride), walkOf(t.dims[b.turn!]!, b.turn!)];
}

/** A store of the Tandem Processor; `bits` of an element in DRAM. */
export function storeTraffic(
  t: TilingChoice,
  b: DraftBuffer,
  s: TileStore,
  bits: number,
  m: MachineDescription,
): Traffic {
  if (s.laneStride === undefined) return vectorTraffic(t, b, s.access, [], bits, false, m);
  const { lanes } = m.tandem;
  const tiles = t.dims.reduce((n, d) => n * d.count, 1);
  return trafficOf(m, turnedWalks(t, b, s.access, s.laneStride, lanes), (lanes * bits) / 8, tiles);
}

/** A load or store of rows as they are; `bits` of an element in DRAM. */
export function vectorTraffic(
  t: TilingChoice,
  b: DraftBuffer,
  access: Access,
  lead: readonly number[],
  bits: number,
  once: boolean,
  m: MachineDescription,
): Traffic {
  const { lanes } = m.tandem;
  const unit = (lanes * bits) / 8;
  const walks = t.dims.flatMap((d, i): Walk[] => {
    if (!b.spans[i]) return [];
    const before = b.stage === "before";
    const front = lead[i] ?? 0;
    return [
      {
        extent: before ? d.before.tile : d.tile,
        stride: access.strides[i]!,
        count: once ? 1 : d.count,
        step: before ? d.before.step : d.tile,
        low: front,
        size: before ? d.before.extent : d.extent,
      },
    ];
  });
  const tiles = t.dims.reduce((n, d) => n * d.count, 1);
  return trafficOf(m, walks, unit, once ? 1 : tiles);
}
