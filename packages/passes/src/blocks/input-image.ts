/** How the input of a GEMM lies in IBUF as a whole, and how the block that computes it writes it there. */
import type { Access, ComputeBlock, GemmPart, ResidentInput, TileBuffer } from "@accelc/ir";

type Tiled = Pick<ComputeBlock, "dims" | "order">;

/** A dimension of the input: bytes per step in DRAM, steps of data, of border in front, and of data with borders. */
interface ImageDim {
  readonly key: "batch" | "ic" | "h" | "w";
  readonly stride: number;
  readonly size: number;
  readonly lead: number;
  readonly extent: number;
}

export interface InputImage {
  readonly rows: number;
  readonly steps: ResidentInput["steps"];
  readonly dims: readonly (ImageDim & { readonly step: number })[];
  readonly fill: number;
}

/** What the tiles of a GEMM reach of its input, which covers all data: what a ragged last tile reads beyond is border. */
export function inputImage({ dims }: Tiled, g: GemmPart): InputImage {
  const { batch, group, h, w } = g.roles;
  const { strides } = g.input;
  const kernelRows = (g.kh.count * g.kh.tile - 1) * g.dilations[0] + 1;
  const kernelColumns = (g.kw.count * g.kw.tile - 1) * g.dilations[1] + 1;
  const spatial = (key: "h" | "w", d: number, axis: 0 | 1, kernel: number): ImageDim => {
    const { count, before } = dims[d]!;
    const [stride, lead] = [strides[d]!, g.lead[axis]];
    if (stride === 0) return { key, stride, size: 1, lead: 0, extent: 1 };
    const reach = ((count - 1) * before.step + before.tile - 1) * g.strides[axis] + kernel;
    return { key, stride, size: g.size[axis], lead, extent: Math.max(lead + g.size[axis], reach) };
  };
  const groups = strides[group] === 0 ? 1 : dims[group]!.extent;
  const perGroup = strides[group] === 0 ? 0 : strides[group]! / g.ic.stride;
  const n = dims[batch]!;
  const batches = strides[batch] === 0 ? [1, 1] : [n.before.extent, (n.count - 1) * n.before.step + n.before.tile];
  const before = (groups - 1) * perGroup;
  const found: readonly ImageDim[] = [
    { key: "batch", stride: strides[batch]!, size: batches[0]!, lead: 0, extent: batches[1]! },
    { key: "ic", stride: g.ic.stride, size: before + g.ic.extent, lead: 0, extent: before + g.ic.count * g.ic.tile },
    spatial("h", h, 0, kernelRows),
    spatial("w", w, 1, kernelColumns),
  ];
  const outermostFirst = [...found].sort((a, b) => order(b) - order(a));
  let rows = 1;
  const placed: (ImageDim & { step: number })[] = [];
  for (const d of outermostFirst.reverse()) {
    placed.unshift({ ...d, step: d.extent > 1 ? rows : 0 });
    rows *= d.extent;
  }
  const stepOf = (key: ImageDim["key"]) => placed.find((d) => d.key === key)!.step;
  const steps = { batch: stepOf("batch"), ic: stepOf("ic"), h: stepOf("h"), w: stepOf("w") };
  return { rows, steps: { ...steps, group: perGroup * steps.ic }, dims: placed, fill: g.fill };
}

/** Rows of the image under any tiling, at least. */
export const leastRows = (b: Tiled, g: GemmPart): number =>
  inputImage(b, g).dims.reduce((n, d) => n * (d.size + d.lead), 1);

/** Dimensions lie as in DRAM; those of one step anywhere. */
const order = (d: ImageDim): number => (d.extent > 1 ? d.stride : Number.MAX_SAFE_INTEGER);

/** Rows of IBUF that loads of a tile's input take by turns in both halves; 0 where the input is loaded once. */
export function turningRows({ dims }: Tiled, g: GemmPart): number {
  if (g.resident) return 0;
  const { batch, group, h, w } = g.roles;
  const moves = [batch, group, h, w].some((d) => g.input.strides[d] !== 0 && dims[d]!.count > 1);
  if (!moves && [g.ic, g.kh, g.kw].every((d) => d.count === 1)) return 0;
  const tile = (d: number) => dims[d]!.before.tile;
  if (g.pack) return tile(batch) * tile(h) * tile(w) * g.pack.rows;
  const ih = (tile(h) - 1) * g.strides[0] + (g.kh.tile - 1) * g.dilations[0] + 1;
  const iw = (tile(w) - 1) * g.strides[1] + (g.kw.tile - 1) * g.dilations[1] + 1;
  return tile(batch) * g.ic.tile * g.operands.passes * ih * iw;
}

/** Rows per step of a block's dimensions, and the row of the first element. */
export interface ImageRows {
  readonly strides: readonly number[];
  readonly first: number;
}

/** One dimension of the block as the image has it, by the bytes of a step; undefined where no dimension has such steps. */
function rowsPerStep(stride: number, extent: number, image: InputImage, rowBytes: number) {
  const dense = (d: InputImage["dims"][number]) =>
    d.size === d.extent && (d.size === 1 || d.stride === d.step * rowBytes);
  if (image.dims.every(dense))
    return stride % rowBytes === 0 ? { key: "all", rows: stride / rowBytes, steps: 0 } : undefined;
  for (const d of image.dims) {
    if (d.size === 1 || d.stride === 0 || stride % d.stride !== 0) continue;
    const steps = stride / d.stride;
    if (steps > 0 && steps * (extent - 1) < d.size) return { key: d.key, rows: steps * d.step, steps };
  }
  return undefined;
}

/**
 * How `buffer`, whose tile goes to a tensor by `access`, goes to the image; undefined where rows of the one are no affine
 * function of rows of the other, or a ragged last tile would write over what another tile wrote.
 */
export function imageRows(b: Tiled, buffer: TileBuffer, access: Access, image: InputImage, rowBytes: number) {
  if (buffer.form !== "rows" || access.offset !== 0) return undefined;
  const strides: number[] = [];
  const reach = new Map<string, number>();
  let [excess, last] = [0, 0];
  for (const [i, d] of b.dims.entries()) {
    const before = buffer.stage === "before";
    const extent = before ? d.before.extent : d.extent;
    if (!buffer.spans[i] || extent === 1) {
      strides.push(0);
      continue;
    }
    const step = rowsPerStep(access.strides[i]!, extent, image, rowBytes);
    if (!step) return undefined;
    strides.push(step.rows);
    reach.set(step.key, (reach.get(step.key) ?? 0) + step.steps * (extent - 1));
    last += step.rows * (extent - 1);
    const covered = before ? (d.count - 1) * d.before.step + d.before.tile : d.count * d.tile;
    if (covered > extent && step.rows * extent < image.rows) return undefined;
    excess += Math.max(0, covered - extent) * step.rows;
  }
  if (last >= image.rows) return undefined;
  if (image.dims.some((d) => (reach.get(d.key) ?? 0) >= d.size)) return undefined;
  const first = image.dims.reduce((n, d) => n + d.lead * d.step, 0);
  return { strides, first, rows: image.rows + excess };
}
