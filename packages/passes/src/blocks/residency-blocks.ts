/** The blocks at both ends of a link, when the tensor between them stays on chip. */
import type { ComputeBlock, TileBuffer, TileOp, VectorPart } from "@accelc/ir";
import { type InputImage, imageRows, inputImage, turningRows } from "./input-image.js";
import type { Link } from "./residency-links.js";

type Compute = Omit<ComputeBlock, "id">;

/** Room for an image behind the rows that the producer's own loads take, and how the producer writes it. */
export interface Fit {
  readonly image: InputImage;
  readonly row: number;
  readonly first: number;
  readonly strides: readonly number[];
}

/** How `from` writes the input of `to` under their tilings; a sentence where it cannot. */
export function fit(from: Compute, to: Compute, link: Link, halfRows: number, rowBytes: number): Fit | string {
  const image = inputImage(to, to.gemm!);
  const { buffer, access } = from.vector.stores[link.store]!;
  const written = imageRows(from, from.vector.buffers[buffer]!, access, image, rowBytes);
  if (!written) return "its tiles do not fall on the input's rows";
  const row = from.gemm ? turningRows(from, from.gemm) : 0;
  const { rows, first, strides } = written;
  if (row + rows > halfRows)
    return `needs ${rows} rows of IBUF${row > 0 ? ` beside ${row} for its producer's loads` : ""}, has ${halfRows}`;
  return { image, row, first, strides };
}

/** `to` without its load. */
export const reading = (to: Compute, { image: { rows, steps }, row }: Fit): Compute => ({
  ...to,
  gemm: { ...to.gemm!, resident: { row, rows, steps } },
});

/** Operations that read their result's rows, or write them more than once: they need rows that can be read. */
const readsResult = (op: TileOp): boolean =>
  op.window !== undefined || ["imacc", "select", "turnLanes", "foldRows", "spreadLanes"].includes(op.op);

const reads = (op: TileOp, buffer: number): boolean => op.sources.some((s) => "buffer" in s && s.buffer === buffer);

/**
 * `from` with the linked tensor written to IBUF: by the operation that computes it where nobody reads it otherwise, else by a
 * copy of its rows.
 */
export function writing(from: Compute, link: Link, { image, row, first, strides }: Fit): Compute {
  const { ops, buffers, stores } = from.vector;
  const { buffer, access } = stores[link.store]!;
  const source = buffers[buffer]!;
  const at = ops.findIndex((o) => o.dst === buffer);
  const elsewhere =
    link.shared || ops.some((o) => reads(o, buffer)) || stores.some((s, i) => i !== link.store && s.buffer === buffer);
  const op = ops[at];
  const direct = op !== undefined && !elsewhere && !readsResult(op);
  const target: TileBuffer = {
    ...source,
    id: buffers.length,
    once: false,
    namespace: "IBUF",
    row: first,
  };
  const copy: TileOp = {
    op: "identity",
    attrs: {},
    stage: source.stage,
    sources: [{ buffer }],
    dst: target.id,
    loc: op?.loc ?? from.locs[0]!,
  };
  const vector: VectorPart = {
    ...from.vector,
    ops: direct
      ? ops.map((o, i) => (i === at ? { ...o, dst: target.id } : o))
      : [...ops.slice(0, at + 1), copy, ...ops.slice(at + 1)],
    buffers: [...buffers, target],
    stores: link.shared ? stores : stores.filter((_, i) => i !== link.store),
    next: { tensor: link.tensor, buffer: target.id, row, strides, fill: image.fill },
  };
  const results = link.shared ? from.results : from.results.filter((t) => t !== access.tensor);
  return { ...from, vector, results };
}
