/**
 * Data movement as index maps. Every movement operation but reshape reads, for each output axis, one input axis through
 * a list of indices; several segments (concat) or constant borders (pad) tile the output.
 */
import {
  aliasLayouts,
  type Data,
  elements,
  fail,
  type Graph,
  type Node,
  reshapedView,
  slicedView,
  transposedView,
  type View,
} from "@accelc/ir";

/** One output axis: where it starts in the output, and which index of the input's axis each step reads. */
export interface AxisMap {
  /** Input axis; null reads index 0 of nothing (a new axis of extent 1, repeated). */
  readonly from: number | null;
  readonly start: number;
  readonly indices: Int32Array;
}

/** Copies a box: input number `input` of the node through one map per output axis; input null writes `fill`. */
export interface Segment {
  readonly input: number | null;
  readonly axes: readonly AxisMap[];
  readonly fill: number;
}

/** How the result of a movement, of shape `shape`, lies in its input's storage: none where elements have to move. */
export function viewsThrough<V extends View>(n: Node, from: V, shape: readonly number[], lanes: number): readonly V[] {
  const seen = (v: View | undefined): V[] => (v ? [{ ...from, ...v }] : []);
  if (n.op === "transpose") return seen(transposedView(from, n.attrs.perm, lanes));
  if (n.op === "slice") return seen(slicedView(from, shape, n.attrs.starts, n.attrs.steps, lanes));
  if (n.op !== "reshape") return [];
  const aliases = aliasLayouts(from.shape, from.layout, shape, lanes);
  if (aliases.length > 0) return aliases.map((layout) => ({ ...from, shape, layout }));
  return seen(reshapedView(from, shape, lanes));
}

const range = (n: number, f: (i: number) => number = (i) => i): Int32Array =>
  Int32Array.from({ length: n }, (_, i) => f(i));

/** Segments of a movement node. `out` is the shape they write: the node's, with a gather's index axes as one. */
export function segmentsOf(
  g: Graph,
  n: Node,
): { readonly out: readonly number[]; readonly segments: readonly Segment[] } {
  const shapeOf = (i: number) => g.values.get(n.inputs[i]!)!.type.shape;
  const out = g.values.get(n.outputs[0]!)!.type.shape;
  const x = shapeOf(0);
  const one = (axes: readonly AxisMap[], shape: readonly number[] = out) => ({
    out: shape,
    segments: [{ input: 0, axes, fill: 0 }],
  });
  switch (n.op) {
    case "transpose":
      return one(n.attrs.perm.map((from, i) => ({ from, start: 0, indices: range(out[i]!) })));
    case "slice":
      return one(
        out.map((size, i) => ({
          from: i,
          start: 0,
          indices: range(size, (k) => n.attrs.starts[i]! + k * n.attrs.steps[i]!),
        })),
      );
    case "expand": {
      const lead = out.length - x.length;
      return one(
        out.map((size, i) => {
          const from = i < lead ? null : i - lead;
          return { from, start: 0, indices: range(size, (k) => (from === null || x[from] === 1 ? 0 : k)) };
        }),
      );
    }
    case "gather": {
      const { axis } = n.attrs;
      const data = g.values.get(n.inputs[1]!)!.data;
      if (!data)
        fail(
          "CG1002",
          n.loc,
          { op: n.loc.op, reason: "its indices are computed at run time" },
          "make the indices constant",
        );
      const merged = [...x.slice(0, axis), data.length, ...x.slice(axis + 1)];
      return one(
        merged.map((size, i) => ({
          from: i,
          start: 0,
          indices: i === axis ? gatherIndices(data, x[axis]!) : range(size),
        })),
        merged,
      );
    }
    case "concat": {
      const { axis } = n.attrs;
      let start = 0;
      const segments = n.inputs.map((_, input) => {
        const axes = shapeOf(input).map((size, i) => ({
          from: i,
          start: i === axis ? start : 0,
          indices: range(size),
        }));
        start += shapeOf(input)[axis]!;
        return { input, axes, fill: 0 };
      });
      return { out, segments: segments.filter((s) => s.axes.every((a) => a.indices.length > 0)) };
    }
    case "pad":
      return { out, segments: padSegments(x, n.attrs.pads, n.attrs.value) };
    default:
      throw new Error(`${n.op} is no movement by index maps`);
  }
}

function gatherIndices(data: Data, size: number): Int32Array {
  return Int32Array.from(data as ArrayLike<number | bigint>, (v) => {
    const i = Number(v);
    return i < 0 ? i + size : i;
  });
}

/** The interior, and for each axis the borders in front and behind, narrowed to the interior along earlier axes. */
function padSegments(x: readonly number[], pads: readonly number[], fill: number): Segment[] {
  const box = (f: (i: number) => readonly [number, number]): AxisMap[] =>
    x.map((_, i) => {
      const [start, size] = f(i);
      return { from: i, start, indices: range(size) };
    });
  const begin = (i: number) => pads[i]!;
  const full = (i: number) => x[i]! + pads[i]! + pads[x.length + i]!;
  const segments: Segment[] = [{ input: 0, axes: box((i) => [begin(i), x[i]!]), fill: 0 }];
  for (let axis = 0; axis < x.length; axis++) {
    const border = (start: number, size: number): Segment => ({
      input: null,
      axes: box((i) => (i < axis ? [begin(i), x[i]!] : i > axis ? [0, full(i)] : [start, size])),
      fill,
    });
    segments.push(border(0, begin(axis)), border(begin(axis) + x[axis]!, pads[x.length + axis]!));
  }
  return segments.filter((s) => elements(s.axes.map((a) => a.indices.length)) > 0);
}
